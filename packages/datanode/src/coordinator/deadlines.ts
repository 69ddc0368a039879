import type { CancelTimer, Clock } from "@quorumfs/core";

/** Something that must not go on for ever. */
export interface Expiring {
  /** On the clock's own time. */
  readonly deadlineMs: number;
  /** Called once, at the deadline or up to {@link sweepMs} later. */
  expire(): void;
}

// Whoever waits for seconds does not notice, and thousands of operations cost one timer.
const sweepMs = 50;

/** Watches all deadlines with one coarse timer, which runs only while there is something to watch. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #watched = new Set<Expiring>();
  #cancelSweep: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(expiring: Expiring): void {
    this.#watched.add(expiring);
    this.#cancelSweep ??= this.#clock.after(sweepMs, () => this.#sweep());
  }

  forget(expiring: Expiring): void {
    this.#watched.delete(expiring);
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
    if (this.#watched.size > 0) this.#cancelSweep ??= this.#clock.after(sweepMs, () => this.#sweep());
  }

  #expireUntil(nowMs: number): void {
    const due = [...this.#watched].filter((expiring) => expiring.deadlineMs <= nowMs);
    for (const expiring of due) {
      this.#watched.delete(expiring);
      expiring.expire();
    }
  }
}
