import { exitCodeOf, QuorumError } from "@quorumfs/core";
import { ahead } from "./ahead.js";
import type { Context } from "./context.js";
import { progressLine } from "./progress-line.js";
import { OutputClosed } from "./terminal.js";
import { type FileMeter, TransferMeter } from "./transfer-meter.js";

/** Some of the files are done and some are not; the same code as of an outcome that is not known. */
const partialSuccess = 9;
// Enough for the sizes of nearly every directory to be known at once, and a few MiB at most.
const aheadMax = 10_000;
// More is not read by anybody, and memory stays bounded.
const problemsMax = 1000;

/** An error that people have been told of already; what is left is its exit code. */
export class Reported extends Error {
  override readonly name = "Reported";
  override readonly cause: QuorumError;
  readonly exitCode: number;

  constructor(cause: QuorumError, exitCode: number = exitCodeOf(cause.code)) {
    super(cause.message);
    this.cause = cause;
    this.exitCode = exitCode;
  }
}

export interface Transfers<Item> {
  readonly act: (item: Item, meter: FileMeter) => Promise<void>;
  /** Bytes that an item is going to transfer, if that can be told. Given, the progress is shown. */
  readonly bytesOf?: (item: Item) => number | undefined;
  /** Files that the command has done before: they count among the done. */
  readonly doneBefore?: number;
}

/**
 * Does one thing to many files, some at once. One that fails does not keep the others from going on; what failed is said
 * at the end, to programs at once. Some done and some failed is exit code 9; if all failed, the first one's.
 *
 * @returns how many are done
 * @throws Reported, OutputClosed
 */
export async function forEachFile<Item>(
  context: Context,
  items: AsyncIterable<Item> | Iterable<Item>,
  options: Transfers<Item>,
): Promise<number> {
  const { stopping, config, terminal, clock } = context;
  const { act, bytesOf, doneBefore = 0 } = options;
  const tally = new TransferTally(context, doneBefore);
  const meter = new TransferMeter(clock);
  const endDisplay = bytesOf ? terminal.progress((columns) => progressLine(meter.read(), columns)) : () => undefined;
  const running = new Set<Promise<void>>();
  try {
    for await (const item of bytesOf ? ahead(measured(items, meter, bytesOf), aheadMax) : items) {
      if (stopping.aborted || !tally.goesOn()) break;
      const own = meter.begin(bytesOf?.(item));
      const task = tally
        .count(() => act(item, own))
        .then(() => {
          own.end();
          running.delete(task);
        });
      running.add(task);
      if (running.size >= config.parallel) await Promise.race(running);
    }
  } catch (thrown) {
    // What there is to do could not be found out to its end.
    tally.fail(thrown);
  } finally {
    await Promise.all(running);
    endDisplay();
  }
  tally.conclude();
  return tally.done;
}

async function* measured<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  meter: TransferMeter,
  bytesOf: (item: Item) => number | undefined,
): AsyncGenerator<Item, void, undefined> {
  for await (const item of items) {
    meter.expect(bytesOf(item));
    yield item;
  }
  meter.found();
}

/** What became of several files. */
class TransferTally {
  readonly #context: Context;
  readonly #problems: QuorumError[] = [];
  #firstFailure: QuorumError | undefined;
  #outputClosed: OutputClosed | undefined;
  #failed = 0;
  #stopped = false;
  #cutShort = false;
  done: number;

  constructor(context: Context, doneBefore: number) {
    this.#context = context;
    this.done = doneBefore;
  }

  /**
   * Whether another file makes sense: not if nobody reads the output any more, or nothing answers, since what is left would
   * fail the same way.
   */
  goesOn(): boolean {
    if (this.#stopped) this.#cutShort = true;
    return !this.#stopped;
  }

  async count(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.done += 1;
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  fail(thrown: unknown): void {
    if (thrown instanceof OutputClosed) {
      this.#outputClosed = thrown;
      this.#stopped = true;
      return;
    }
    const error = QuorumError.from(thrown);
    this.#failed += 1;
    this.#firstFailure ??= error;
    if (error.code === "unavailable" || error.code === "cancelled") this.#stopped = true;
    if (this.#context.printer.format !== "table") this.#context.printer.problem(error);
    else if (this.#problems.length < problemsMax) this.#problems.push(error);
  }

  #summary(): string {
    const files = this.#failed === 1 ? "1 file" : `${this.#failed} files`;
    if (this.#context.stopping.aborted) return `interrupted: ${files} not finished, ${this.done} done`;
    const listed = this.#failed > problemsMax ? `, of which ${problemsMax} are listed` : "";
    const rest = this.#cutShort ? "; there were more, which were not tried" : "";
    return `${files} failed${listed}, ${this.done} done${rest}`;
  }

  conclude(): void {
    if (this.#outputClosed) throw this.#outputClosed;
    if (!this.#firstFailure) return;
    const { printer, stopping } = this.#context;
    // Who pressed Ctrl-C knows why they ended; what may have happened all the same is news.
    const news = this.#problems.filter(({ code }) => !stopping.aborted || code !== "cancelled");
    for (const problem of news) printer.problem(problem);
    if (this.#failed + this.done > 1 || this.#cutShort) printer.note(`quorumfs: ${this.#summary()}`);
    throw new Reported(this.#firstFailure, this.done > 0 ? partialSuccess : undefined);
  }
}
