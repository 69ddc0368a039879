import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ScrubWalk, WalkStep } from "./scrub-walk.js";

// A chunk of full size is a step by itself; short ones share the look at their rows.
const stepBytesMax = 1024 * 1024;
const stepChunksMax = 32;

/** All chunks: each one's row, and its file from the first block to the footer. The store itself reports what is damaged. */
export class ChunkWalk implements ScrubWalk {
  readonly #store: Pick<ChunkStore, "entries" | "verify" | "usage">;

  constructor(store: Pick<ChunkStore, "entries" | "verify" | "usage">) {
    this.#store = store;
  }

  bytes(): number {
    return this.#store.usage().bytes;
  }

  /** At least one chunk, of up to 4 MiB, which is read a piece at a time. */
  async step(after: Uint8Array, signal: AbortSignal): Promise<WalkStep> {
    let chunks = 0;
    let bytes = 0;
    for await (const { key, content, position } of this.#store.entries(after.length === 0 ? undefined : after)) {
      await this.#store.verify(key);
      chunks += 1;
      bytes += content?.size ?? 0;
      if (bytes >= stepBytesMax || chunks === stepChunksMax || signal.aborted) {
        return { records: 0, chunks, bytes, after: position };
      }
    }
    return { records: 0, chunks, bytes, after: undefined };
  }
}
