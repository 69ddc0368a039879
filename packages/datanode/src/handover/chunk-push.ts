import { type CancelSignal, type Channel, type Clock, type Duplex, QuorumError } from "@quorumfs/core";
import { ChunkServiceService, type WriteChunkRequest, type WriteChunkResponse } from "@quorumfs/proto";
import type { ChunkKey } from "../chunk/chunk-key.js";
import type { ChunkContent, StoredPiece } from "../chunk/chunk-store.js";
import { ProgressWatch } from "../chunk/progress-watch.js";

// A node that is alive takes a chunk within 100 ms; one that has no room yet lets its callers wait.
const stallMs = 20_000;

export interface ChunkPushOptions {
  /** For bulk data. */
  readonly channel: Channel;
  readonly key: ChunkKey;
  readonly content: ChunkContent;
  /** The whole chunk, in order. */
  readonly pieces: () => AsyncIterable<StoredPiece>;
  readonly clock: Clock;
  readonly signal: CancelSignal;
}

/**
 * Gives a chunk to another node just as a client would. Resolves when it is durable there.
 *
 * @throws QuorumError what the node answers: `unavailable` where it is no replica by its layout, `resource_exhausted`;
 *   `corrupt`: the chunk cannot be read here; `cancelled` by `signal`
 */
export async function pushChunk(options: ChunkPushOptions): Promise<void> {
  const { channel, key, content, pieces, clock, signal } = options;
  const stream = channel.duplex(ChunkServiceService.writeChunk, { signal });
  const flow = new Flow(stream);
  const watch = new ProgressWatch({ clock, limitMs: stallMs, onStall: () => flow.fail(stalled()) });
  try {
    const { owner, upload, index } = key;
    const { size, checksum: crc32c } = content;
    watch.wait();
    stream.write({ part: { $case: "header", value: { owner: { ...owner }, upload, index, size, crc32c } } });
    if ((await flow.nextStep()) === "stored") return;
    for await (const { data } of pieces()) {
      watch.wait();
      const isFree = stream.write({ part: { $case: "data", value: data } });
      if (!isFree) await flow.drained();
    }
    watch.wait();
    stream.end();
    await flow.nextStep();
  } finally {
    watch.end();
    stream.cancel();
  }
}

/** What comes back on the stream, one thing after the other. */
class Flow {
  readonly #steps: ("proceed" | "stored")[] = [];
  #error: QuorumError | undefined;
  #wake: () => void = () => undefined;
  #isDrained = true;

  constructor(stream: Duplex<WriteChunkRequest, WriteChunkResponse>) {
    stream.onMessage(({ step }) => {
      if (step) this.#steps.push(step.$case);
      this.#wake();
    });
    stream.onDrain(() => {
      this.#isDrained = true;
      this.#wake();
    });
    stream.onEnd((error) => this.fail(error ? QuorumError.from(error) : ended()));
  }

  fail(error: QuorumError): void {
    this.#error ??= error;
    this.#wake();
  }

  async nextStep(): Promise<"proceed" | "stored"> {
    for (;;) {
      const step = this.#steps.shift();
      if (step) return step;
      if (this.#error) throw this.#error;
      await this.#change();
    }
  }

  async drained(): Promise<void> {
    this.#isDrained = false;
    while (!this.#isDrained) {
      if (this.#error) throw this.#error;
      await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

function stalled(): QuorumError {
  return new QuorumError({ code: "unavailable", message: `it takes nothing for ${stallMs / 1000} s` });
}

function ended(): QuorumError {
  return new QuorumError({ code: "unavailable", message: "it ended the transfer of a chunk before it was stored" });
}
