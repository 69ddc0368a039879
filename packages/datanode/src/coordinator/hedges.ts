import type { CancelTimer, Clock } from "@quorumfs/core";

/** Something to be done unless it has become needless by then. */
export interface Hedge {
  /** Called at the time; does nothing if there is nothing left to do. */
  hedge(): void;
}

interface Entry {
  readonly hedge: Hedge;
  readonly dueMs: number;
}

/**
 * A queue for thousands of short waits a second that hardly ever end in anything: one timer for all of them, and none
 * is ever cancelled. As all wait for about as long, the oldest is due first.
 */
export class Hedges {
  readonly #clock: Clock;
  #queue: Entry[] = [];
  #head = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(hedge: Hedge, delayMs: number): void {
    this.#queue.push({ hedge, dueMs: this.#clock.nowMs() + delayMs });
    this.#cancelTimer ??= this.#clock.after(delayMs, () => this.#fire());
  }

  close(): void {
    this.#cancelTimer?.();
    this.#queue = [];
    this.#head = 0;
  }

  #fire(): void {
    this.#cancelTimer = undefined;
    const nowMs = this.#clock.nowMs();
    for (let entry = this.#queue[this.#head]; entry; entry = this.#queue[this.#head]) {
      if (entry.dueMs > nowMs) {
        this.#cancelTimer ??= this.#clock.after(entry.dueMs - nowMs, () => this.#fire());
        break;
      }
      this.#head += 1;
      entry.hedge.hedge();
    }
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}
