import type { Clock } from "@quorumfs/core";
import type { Verdict } from "./fault-table.js";

/** More delayed messages than this on one stream are taken for a broken connection; a real one holds about as many bytes. */
const delayedMax = 65_536;

export interface PassageOptions {
  readonly clock: Clock;
  readonly judge: () => Verdict;
  /** Called once: a message could not get through, and no later one will. */
  readonly onStall: () => void;
}

/** One direction of one call. Keeps the order of what gets through. */
export class Passage {
  readonly #options: PassageOptions;
  readonly #delayed: (() => void)[] = [];
  #lastDueMs = 0;
  #stalled = false;
  #closed = false;

  constructor(options: PassageOptions) {
    this.#options = options;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** @param options.essential part of the stream itself (its end, its only request): may be late, but not lost alone. */
  send(deliver: () => void, options: { readonly essential?: boolean } = {}): void {
    if (this.#stalled || this.#closed) return;
    const verdict = this.#options.judge();
    switch (verdict.kind) {
      case "pass":
        this.#deliverAfter(0, deliver);
        break;
      case "lose":
        if (options.essential) this.#deliverAfter(0, deliver);
        break;
      case "delay":
        this.#deliverAfter(verdict.delayMs, deliver);
        break;
      case "cut":
        this.#stall();
        break;
    }
  }

  /** Drops what is still on the way. */
  close(): void {
    this.#closed = true;
    this.#delayed.length = 0;
  }

  #deliverAfter(delayMs: number, deliver: () => void): void {
    if (delayMs === 0 && this.#delayed.length === 0) {
      deliver();
      return;
    }
    if (this.#delayed.length >= delayedMax) {
      this.#stall();
      return;
    }
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs);
    this.#delayed.push(deliver);
    // Each timer delivers the oldest message, whichever timer fires first: that keeps the order.
    clock.after(this.#lastDueMs - nowMs, () => this.#delayed.shift()?.());
  }

  #stall(): void {
    this.#stalled = true;
    this.#delayed.length = 0;
    this.#options.onStall();
  }
}
