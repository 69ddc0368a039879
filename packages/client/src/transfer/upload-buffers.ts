/**
 * The memory of all uploads of one client: six chunks. A buffer is taken, filled, sent, and given back when the last replica
 * is done with it. That may be after the chunk has become durable on enough of them: then a straggler holds it. Stragglers
 * may hold half of the buffers, so that a slow replica gets what it can without setting the pace of the others.
 */
import { assert, type CancelTimer, type Clock } from "@quorumfs/core";
import { ChunkBuffer } from "./chunk-buffer.js";
import type { Lifetime } from "./lifetime.js";

/** 24 MiB of content: enough that reading, hashing and three replicas overlap, and within 64 MiB with what the transport holds. */
export const uploadBuffersMax = 6;
export const stragglersMax = 3;
// A replica that is late by less is not slow.
const straggleMs = 200;
// Kept between uploads, for programs that store one small file after another.
const idleBuffersMax = 1;

/** A chunk that is safe without those that are still being sent it. */
export interface Straggler {
  /** Gives them up, and with them the buffer. */
  cut(): void;
}

export class UploadBuffers {
  readonly #clock: Clock;
  #free: ChunkBuffer[] = [];
  #taken = 0;
  readonly #waiting = new Set<(buffer: ChunkBuffer) => void>();
  /** In the order in which they began to straggle. */
  readonly #stragglers = new Map<Straggler, number>();
  #cancelRelief: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Buffers in use. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether a replica that straggles already had better not be sent more. */
  get crowded(): boolean {
    return this.#stragglers.size >= stragglersMax;
  }

  /** An empty buffer, when there is one; callers get theirs in order. */
  async take(lifetime: Lifetime): Promise<ChunkBuffer> {
    lifetime.check();
    if (this.#taken < uploadBuffersMax && this.#waiting.size === 0) {
      this.#taken += 1;
      return this.#free.pop() ?? new ChunkBuffer();
    }
    return new Promise((resolve, reject) => {
      const forget = lifetime.onEnd((error) => {
        this.#waiting.delete(take);
        reject(error);
      });
      const take = (buffer: ChunkBuffer): void => {
        forget();
        resolve(buffer);
      };
      this.#waiting.add(take);
      this.#relieve();
    });
  }

  give(buffer: ChunkBuffer): void {
    assert(this.#taken > 0, "a buffer was given back that was not taken");
    buffer.clear();
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next(buffer);
      return;
    }
    this.#taken -= 1;
    this.#free.push(buffer);
    if (this.#taken === 0) this.#free = this.#free.slice(0, idleBuffersMax);
  }

  straggles(straggler: Straggler): void {
    this.#stragglers.set(straggler, this.#clock.nowMs());
    this.#relieve();
  }

  straggledEnough(straggler: Straggler): void {
    this.#stragglers.delete(straggler);
  }

  /** Cuts stragglers off while they hold more than their share and somebody waits: the latest first, which have got the least. */
  #relieve(): void {
    this.#cancelRelief?.();
    this.#cancelRelief = undefined;
    const nowMs = this.#clock.nowMs();
    while (this.#waiting.size > 0 && this.#stragglers.size > stragglersMax) {
      const late = [...this.#stragglers].filter(([, sinceMs]) => nowMs - sinceMs >= straggleMs).at(-1);
      if (!late) {
        const [sinceMs = nowMs] = this.#stragglers.values();
        this.#cancelRelief = this.#clock.after(sinceMs + straggleMs - nowMs, () => this.#relieve());
        return;
      }
      this.#stragglers.delete(late[0]);
      late[0].cut();
    }
  }

  /** Idempotent. */
  close(): void {
    this.#cancelRelief?.();
    for (const straggler of [...this.#stragglers.keys()]) straggler.cut();
    this.#stragglers.clear();
    this.#free = [];
  }
}
