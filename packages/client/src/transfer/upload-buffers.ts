/**
 * The memory of all uploads of one client: that of six chunks. A buffer is taken, filled, sent, and given back when the last
 * replica is done with it. That may be after the chunk has become durable on enough of them: then a straggler holds it.
 * Stragglers may hold half of the memory, so that a slow replica gets what it can without setting the pace of the others.
 */
import { assert, type CancelTimer, chunkBytesMax, type Clock } from "@quorumfs/core";
import { ChunkBuffer } from "./chunk-buffer.js";
import type { Lifetime } from "./lifetime.js";

/** Enough that reading, hashing and three replicas overlap, and within 64 MiB with what the transport holds. */
export const uploadBytesMax = 6 * chunkBytesMax;
export const stragglingBytesMax = uploadBytesMax / 2;
// Small files take little, so that more of them can be under way.
const capacities = [256 * 1024, 1024 * 1024, chunkBytesMax] as const;
// A replica that is late by less is not slow.
const straggleMs = 200;
// Kept between uploads, for programs that store one file after another: all for a while, since memory that is given up
// and asked for again piles up until V8 looks for it, and then enough for small files.
const idleMs = 2_000;
const idleBytesMax = chunkBytesMax;

/** A chunk that is safe without those that are still being sent it. */
export interface Straggler {
  /** What it holds. */
  readonly buffer: ChunkBuffer;
  /** Gives them up, and with them the buffer. */
  cut(): void;
}

interface Waiting {
  readonly capacity: number;
  readonly take: (buffer: ChunkBuffer) => void;
}

export class UploadBuffers {
  readonly #clock: Clock;
  #free: ChunkBuffer[] = [];
  #takenBytes = 0;
  readonly #waiting = new Set<Waiting>();
  /** In the order in which they began to straggle, with the time. */
  readonly #stragglers = new Map<Straggler, number>();
  #cancelRelief: CancelTimer | undefined;
  #cancelTrim: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Memory in use. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Whether a replica that straggles already had better not be sent more. */
  get crowded(): boolean {
    return this.#stragglingBytes >= stragglingBytesMax;
  }

  get #stragglingBytes(): number {
    let bytes = 0;
    for (const { buffer } of this.#stragglers.keys()) bytes += buffer.capacity;
    return bytes;
  }

  /**
   * An empty buffer, when there is one; callers get theirs in order.
   *
   * @param wanted how much there is to put into it, as far as that is known; it holds at least that, up to a chunk
   */
  async take(lifetime: Lifetime, wanted: number = chunkBytesMax): Promise<ChunkBuffer> {
    lifetime.check();
    const capacity = capacities.find((each) => each >= wanted) ?? chunkBytesMax;
    if (this.#waiting.size === 0 && this.#takenBytes + capacity <= uploadBytesMax) return this.#lend(capacity);
    return new Promise((resolve, reject) => {
      const waiting = {
        capacity,
        take: (buffer: ChunkBuffer): void => {
          forget();
          resolve(buffer);
        },
      };
      const forget = lifetime.onEnd((error) => {
        this.#waiting.delete(waiting);
        reject(error);
        this.#serve();
      });
      this.#waiting.add(waiting);
      this.#relieve();
    });
  }

  #lend(capacity: number): ChunkBuffer {
    this.#takenBytes += capacity;
    const at = this.#free.findIndex((buffer) => buffer.capacity === capacity);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    // Others that lie idle make room, so that all together stay below the limit.
    let idleBytes = this.#free.reduce((sum, buffer) => sum + buffer.capacity, 0);
    while (this.#takenBytes + idleBytes > uploadBytesMax) idleBytes -= this.#free.shift()?.capacity ?? idleBytes;
    return found ?? new ChunkBuffer(capacity);
  }

  give(buffer: ChunkBuffer): void {
    assert(this.#takenBytes >= buffer.capacity, "a buffer was given back that was not taken");
    buffer.clear();
    this.#takenBytes -= buffer.capacity;
    this.#free.push(buffer);
    this.#serve();
    if (this.#takenBytes > 0) return;
    this.#cancelTrim?.();
    this.#cancelTrim = this.#clock.after(idleMs, () => this.#trim());
  }

  #trim(): void {
    if (this.#takenBytes > 0) return;
    let idleBytes = 0;
    this.#free = this.#free.filter(({ capacity }) => (idleBytes += capacity) <= idleBytesMax);
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      if (this.#takenBytes + waiting.capacity > uploadBytesMax) return;
      this.#waiting.delete(waiting);
      waiting.take(this.#lend(waiting.capacity));
    }
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
    while (this.#waiting.size > 0 && this.#stragglingBytes > stragglingBytesMax) {
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
    this.#cancelTrim?.();
    for (const straggler of [...this.#stragglers.keys()]) straggler.cut();
    this.#stragglers.clear();
    this.#free = [];
  }
}
