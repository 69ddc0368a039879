import { QuorumError } from "@quorumfs/core";
import type { Context } from "./context.js";
import { OutputClosed } from "./terminal.js";

/** An error that people have been told of already; what is left is its exit code. */
export class Reported extends Error {
  override readonly name = "Reported";
  override readonly cause: QuorumError;

  constructor(cause: QuorumError) {
    super(cause.message);
    this.cause = cause;
  }
}

/**
 * Does one thing to many files, some at once. A file that fails is reported at once, and the others go on; the first
 * failure decides the exit code.
 *
 * @throws Reported, OutputClosed
 */
export async function forEachFile<Item>(
  context: Context,
  items: AsyncIterable<Item> | Iterable<Item>,
  options: {
    /** For the progress bar and the last word. Unknown while a listing runs. */
    readonly total?: number;
    readonly act: (item: Item) => Promise<void>;
  },
): Promise<number> {
  const { stopping, config, terminal } = context;
  const tally = new TransferTally(context);
  const progress = options.total !== undefined && options.total > 1 ? terminal.progress(options.total) : undefined;
  const running = new Set<Promise<void>>();
  try {
    for await (const item of items) {
      if (stopping.aborted || tally.stopped) break;
      const task = tally
        .count(() => options.act(item))
        .then(() => {
          progress?.step();
          running.delete(task);
        });
      running.add(task);
      if (running.size >= config.parallel) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
    progress?.stop();
  }
  tally.conclude();
  return tally.done;
}

class TransferTally {
  readonly #context: Context;
  #firstFailure: QuorumError | undefined;
  #outputClosed: OutputClosed | undefined;
  #failed = 0;
  /** Nobody reads the output any more, or nothing answers: what is left would fail the same way. */
  stopped = false;
  done = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async count(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.done += 1;
    } catch (thrown) {
      if (thrown instanceof OutputClosed) {
        this.#outputClosed = thrown;
        this.stopped = true;
      } else {
        this.#fail(QuorumError.from(thrown));
      }
    }
  }

  #fail(error: QuorumError): void {
    this.#failed += 1;
    this.#firstFailure ??= error;
    if (error.code === "unavailable" || error.code === "cancelled") this.stopped = true;
    this.#context.printer.problem(error);
  }

  conclude(): void {
    if (this.#outputClosed) throw this.#outputClosed;
    if (!this.#firstFailure) return;
    const files = this.#failed === 1 ? "1 file" : `${this.#failed} files`;
    if (this.#failed + this.done > 1) this.#context.printer.note(`quorumfs: ${files} failed, ${this.done} done`);
    throw new Reported(this.#firstFailure);
  }
}
