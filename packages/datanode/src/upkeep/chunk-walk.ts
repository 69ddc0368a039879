import type { ChunkEntry, ChunkStore } from "../chunk/chunk-store.js";
import type { ScrubWalk, WalkStep } from "./scrub-walk.js";

/** All chunks: each one's row, and its file from the first block to the footer. The store itself reports what is damaged. */
export class ChunkWalk implements ScrubWalk {
  readonly #store: Pick<ChunkStore, "entries" | "verify" | "usage">;

  constructor(store: Pick<ChunkStore, "entries" | "verify" | "usage">) {
    this.#store = store;
  }

  bytes(): number {
    return this.#store.usage().bytes;
  }

  /** One chunk: up to 4 MiB, read a piece at a time. */
  async step(after: Uint8Array): Promise<WalkStep> {
    const entry = await this.#entryBehind(after);
    if (!entry) return { records: 0, chunks: 0, bytes: 0, after: undefined };
    await this.#store.verify(entry.key);
    return { records: 0, chunks: 1, bytes: entry.content?.size ?? 0, after: entry.position };
  }

  async #entryBehind(after: Uint8Array): Promise<ChunkEntry | undefined> {
    for await (const entry of this.#store.entries(after.length === 0 ? undefined : after)) return entry;
    return undefined;
  }
}
