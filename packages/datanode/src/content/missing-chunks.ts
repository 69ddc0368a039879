import { type Clock, type Log, QuorumError } from "@quorumfs/core";
import type { ChunkKey } from "../chunk/chunk-key.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import { pause } from "../cluster/retry-pause.js";
import type { ChunkFetch } from "./chunk-fetch.js";
import { uploadName } from "./upload-name.js";

// Two hide each other's waiting times; more would take from clients what can wait.
const underWayMax = 2;
// 16 GiB of chunks. More are told of again at the next check of their owners.
const waitingMax = 4096;
// Clients first: a busy node looks again after so long.
const busyPauseMs = 50;
// In a row; a node that is busy for good still gets its copies, at a slow rate.
const busyPausesMax = 20;

export interface MissingChunksOptions {
  readonly chunks: Pick<ChunkStore, "begin" | "onMissing">;
  readonly fetch: Pick<ChunkFetch, "fetch">;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
}

/** Fetches in the background the chunks that belong here and are missing. */
export class MissingChunks {
  readonly #options: MissingChunksOptions;
  readonly #waiting = new Map<string, ChunkKey>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #fetched = 0;

  constructor(options: MissingChunksOptions) {
    this.#options = options;
    options.chunks.onMissing((key) => this.add(key));
  }

  /** Chunks that were fetched since the start. */
  get fetched(): number {
    return this.#fetched;
  }

  /** Chunks that wait or are under way. */
  get size(): number {
    return this.#waiting.size + this.#underWay.size;
  }

  add(key: ChunkKey): void {
    const name = `${key.owner.bucket}/${uploadName(key.upload)}/${key.index}/${key.owner.path}`;
    if (this.#stop.signal.aborted || this.#underWay.has(name) || this.#waiting.size >= waitingMax) return;
    this.#waiting.set(name, key);
    this.#fetchOn();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#waiting.clear();
    await Promise.all(this.#underWay.values());
  }

  #fetchOn(): void {
    for (const [name, key] of this.#waiting) {
      if (this.#underWay.size >= underWayMax) return;
      this.#waiting.delete(name);
      const fetching = this.#fetch(key).then(() => {
        this.#underWay.delete(name);
        this.#fetchOn();
      });
      this.#underWay.set(name, fetching);
    }
  }

  async #fetch(key: ChunkKey): Promise<void> {
    const { chunks, fetch, clock, log, isBusy } = this.#options;
    const { signal } = this.#stop;
    for (let pauses = 0; pauses < busyPausesMax && isBusy() && !signal.aborted; pauses += 1) {
      await pause(clock, busyPauseMs, signal);
    }
    const { upload, index } = key;
    try {
      await fetch.fetch(key, { into: (content, begun) => chunks.begin(key, content, begun), signal });
      this.#fetched += 1;
      log.debug("chunk.fetched", { upload: uploadName(upload), index });
    } catch (thrown) {
      if (signal.aborted) return;
      const { code, message: reason } = QuorumError.from(thrown);
      log.debug("chunk.fetch-failed", { upload: uploadName(upload), index, code, reason });
    }
  }
}
