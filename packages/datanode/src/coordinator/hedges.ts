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

// Delays are rounded up to one of these: a wait is never shorter than was asked for, and less than twice as long.
const delaysMs = [5, 10, 20, 40, 80, 160];

/**
 * Queues for thousands of short waits a second that hardly ever end in anything: one timer for all waits of about one
 * length, and none is ever cancelled. As they wait for equally long, the oldest is due first.
 */
export class Hedges {
  readonly #lines: readonly Line[];

  constructor(clock: Clock) {
    this.#lines = delaysMs.map((delayMs) => new Line(clock, delayMs));
  }

  /** @param delayMs 160 at most */
  add(hedge: Hedge, delayMs: number): void {
    const line = this.#lines.find((each) => each.delayMs >= delayMs) ?? this.#lines.at(-1);
    line?.add(hedge);
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }
}

class Line {
  readonly delayMs: number;
  readonly #clock: Clock;
  #queue: Entry[] = [];
  #head = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.delayMs = delayMs;
  }

  add(hedge: Hedge): void {
    this.#queue.push({ hedge, dueMs: this.#clock.nowMs() + this.delayMs });
    this.#cancelTimer ??= this.#clock.after(this.delayMs, () => this.#fire());
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
