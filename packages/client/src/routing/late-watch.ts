import type { CancelTimer, Clock } from "@quorumfs/core";
import type { Waiting } from "./target.js";

// How often it looks while somebody waits.
const lookEveryMs = 10;

export interface LateWatchOptions {
  readonly clock: Clock;
  readonly kind: Waiting["kind"];
  /** In the order in which they came. */
  readonly waiting: ReadonlySet<Waiting>;
  /** Who waits for longer is late. */
  readonly lateMs: () => number;
  /** Called of each that is late, and again while it waits. */
  readonly onLate: (waiting: Waiting) => void;
}

/** Finds operations of one kind that wait for longer than is usual. One timer for all of them, and only while there are any. */
export class LateWatch {
  readonly #options: LateWatchOptions;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: LateWatchOptions) {
    this.#options = options;
  }

  /** Somebody has begun to wait. */
  began(waiting: Waiting): void {
    const { kind, lateMs } = this.#options;
    if (waiting.kind === kind && !this.#cancelTimer) this.#lookAfter(lateMs());
  }

  close(): void {
    this.#cancelTimer?.();
  }

  #lookAfter(delayMs: number): void {
    const { clock, kind, waiting, lateMs, onLate } = this.#options;
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      const lateSinceMs = clock.nowMs() - lateMs();
      let goOn = false;
      // Who is told may turn away, and others may begin.
      for (const each of [...waiting]) {
        if (each.kind !== kind) continue;
        goOn = true;
        if (each.askedAtMs > lateSinceMs) break;
        onLate(each);
      }
      if (goOn && !this.#cancelTimer) this.#lookAfter(lookEveryMs);
    });
  }
}
