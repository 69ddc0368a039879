import { type Log, type NodeId, QuorumError } from "@quorumfs/core";
import type { ChunkKey } from "../chunk/chunk-key.js";
import type { ChunkContent, ChunkStore } from "../chunk/chunk-store.js";
import type { ChunkPeers } from "../content/chunk-peers.js";
import type { ChunkPlaces } from "../content/chunk-places.js";
import type { RepairOutcome } from "./repair-queue.js";

export interface ChunkRepairOptions {
  readonly store: Pick<ChunkStore, "verify" | "replace">;
  readonly peers: Pick<ChunkPeers, "stat" | "read">;
  readonly places: Pick<ChunkPlaces, "nearestFirst">;
  readonly isLocal: (node: NodeId) => boolean;
  readonly log: Log;
}

/** Gets a damaged chunk back from another node that holds its partition. */
export class ChunkRepair {
  readonly #options: ChunkRepairOptions;

  constructor(options: ChunkRepairOptions) {
    this.#options = options;
  }

  /** `repaired`: what lies on this disk now was read from beginning to end, and is what was stored once. Never throws. */
  async repair(key: ChunkKey, signal: AbortSignal): Promise<RepairOutcome> {
    const { store, places, isLocal, log } = this.#options;
    const state = await store.verify(key);
    if (state === "gone") return "gone";
    // Stored anew meanwhile, by an upload that was repeated.
    if (state === "intact") return "repaired";
    for (const node of places.nearestFirst(key)) {
      if (isLocal(node) || signal.aborted) continue;
      try {
        if (!(await this.#copyFrom(node, key, signal))) continue;
        const result = await store.verify(key);
        if (result !== "damaged") return result === "gone" ? "gone" : "repaired";
        log.warn("chunk.copy-damaged", { from: node, upload: hex(key.upload), index: key.index });
      } catch (thrown) {
        const { code, message: reason } = QuorumError.from(thrown);
        log.debug("chunk.copy-failed", { from: node, upload: hex(key.upload), index: key.index, code, reason });
      }
    }
    return "failed";
  }

  /** @returns whether that node had it */
  async #copyFrom(node: NodeId, key: ChunkKey, signal: AbortSignal): Promise<boolean> {
    const { store, peers } = this.#options;
    const range = { upload: key.upload, first: key.index, count: 1 };
    const [found] = await peers.stat(node, key.owner, [range], { renew: false, signal });
    if (!found || found.size === 0) return false;
    const content: ChunkContent = { size: found.size, checksum: found.checksum };
    const intake = await store.replace(key, content, signal);
    try {
      const whole = { offset: 0, length: content.size };
      for await (const bytes of peers.read(node, key, whole, signal)) await intake.write(bytes);
      await intake.commit();
    } catch (error) {
      await intake.discard();
      throw error;
    }
    return true;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
