import type { ChunkKey } from "../chunk/chunk-key.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ChunkFetch } from "../content/chunk-fetch.js";
import type { RepairOutcome } from "./repair-queue.js";

export interface ChunkRepairOptions {
  readonly store: Pick<ChunkStore, "verify" | "replace">;
  readonly fetch: Pick<ChunkFetch, "fetch">;
}

/** Gets a damaged chunk back from another node that holds its partition. */
export class ChunkRepair {
  readonly #options: ChunkRepairOptions;

  constructor(options: ChunkRepairOptions) {
    this.#options = options;
  }

  /**
   * `repaired`: what lies on this disk now was read from beginning to end, and is what was stored once.
   *
   * @throws QuorumError `not_found`, `unavailable`: no other replica has it, or can be read; `resource_exhausted`: there is
   *   no room for it here; `cancelled` by `signal`
   */
  async repair(key: ChunkKey, signal: AbortSignal): Promise<RepairOutcome> {
    const { store, fetch } = this.#options;
    const found = await store.verify(key);
    if (found === "damaged") {
      await fetch.fetch(key, { into: (content, ended) => store.replace(key, content, ended), signal });
    }
    // Intact without a copy: it was stored anew meanwhile, by an upload that was repeated.
    const left = found === "damaged" ? await store.verify(key) : found;
    return left === "gone" ? "gone" : left === "intact" ? "repaired" : "failed";
  }
}
