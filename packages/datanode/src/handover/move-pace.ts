import type { Clock } from "@quorumfs/core";
import { pause } from "../cluster/retry-pause.js";

// While clients need the node: a record costs some 0.4 ms of processor time on two nodes, so this is a fifth of a core.
const recordsPerSecond = 500;
const bytesPerSecond = 16 * 1024 * 1024;

/** Shorter waits are saved up: timers are no more exact than that. */
const waitMinMs = 10;

/** What moves between nodes goes as fast as it can while nobody else needs the node, and at a fixed rate else: it never stops. */
export class MovePace {
  readonly #clock: Clock;
  readonly #isBusy: () => boolean;
  /** When what was begun so far may have been begun, at that rate. */
  #paidMs = 0;

  constructor(options: { readonly clock: Clock; readonly isBusy: () => boolean }) {
    this.#clock = options.clock;
    this.#isBusy = options.isBusy;
  }

  /** Resolves when one more record or chunk, of so many bytes, may be moved, or when `signal` is aborted. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    if (!this.#isBusy()) return;
    const nowMs = this.#clock.nowMs();
    this.#paidMs = Math.max(this.#paidMs, nowMs) + 1000 * Math.max(1 / recordsPerSecond, bytes / bytesPerSecond);
    if (this.#paidMs - nowMs >= waitMinMs) await pause(this.#clock, this.#paidMs - nowMs, signal);
  }
}
