import type { CancelTimer, Clock } from "@quorumfs/core";

/** Something that must not go on for ever. */
export interface Expiring {
  /** On the clock's own time. */
  readonly deadlineMs: number;
  /** Called at the deadline or up to {@link sweepMs} later, and again until it is forgotten. */
  expire(): void;
}

// Whoever waits for seconds does not notice, and thousands of operations cost one timer.
const sweepMs = 50;

/** A place in {@link Deadlines}; whoever got it gives it back. */
export type WatchSlot = number;

/**
 * Watches all deadlines with one coarse timer, which runs only while there is something to watch.
 *
 * In slots of an array and not in a Set: operations come and go by the thousand, and each time that a Set of V8 is
 * rehashed, its old table keeps what was in it alive until the next full collection.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #slots: (Expiring | undefined)[] = [];
  readonly #free: WatchSlot[] = [];
  #cancelSweep: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The slot is free again after {@link forget}, also if the deadline has passed meanwhile. */
  watch(expiring: Expiring): WatchSlot {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = expiring;
    this.#cancelSweep ??= this.#clock.after(sweepMs, () => this.#sweep());
    return slot;
  }

  forget(slot: WatchSlot): void {
    this.#slots[slot] = undefined;
    this.#free.push(slot);
  }

  /** Expires everything now. */
  expireAll(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#expireUntil(Infinity);
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    this.#expireUntil(this.#clock.nowMs());
    if (this.#free.length < this.#slots.length) {
      this.#cancelSweep ??= this.#clock.after(sweepMs, () => this.#sweep());
    }
  }

  #expireUntil(nowMs: number): void {
    const due = this.#slots.filter((expiring) => expiring !== undefined && expiring.deadlineMs <= nowMs);
    for (const expiring of due) expiring?.expire();
  }
}
