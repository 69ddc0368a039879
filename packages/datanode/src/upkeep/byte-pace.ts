import type { Clock } from "@quorumfs/core";
import { pause } from "../cluster/retry-pause.js";

// Shorter waits are saved up: timers are no more exact than that, and each costs a wake-up.
const waitMinMs = 20;

// Clients come first, but a node that is never idle must get through its pass, too: at a fifth of the rate.
const slowdownMax = 4;
const lookEveryMs = 100;

export interface BytePaceOptions {
  readonly clock: Clock;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
}

/** Spreads reading over time: so many bytes per second at most, and fewer while clients want something. */
export class BytePace {
  readonly #options: BytePaceOptions;
  /** When what was read so far may have been read, at the given rates. */
  #paidMs = 0;
  /** How much longer clients may hold back what comes next. */
  #yieldableMs = 0;

  constructor(options: BytePaceOptions) {
    this.#options = options;
  }

  /**
   * Resolves when more may be read after `bytes` were, or when `signal` is aborted. Time in which nothing was read does
   * not count: there are no bursts.
   */
  async spend(bytes: number, bytesPerSecond: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const costMs = (bytes / bytesPerSecond) * 1000;
    const nowMs = clock.nowMs();
    this.#paidMs = Math.max(this.#paidMs, nowMs) + costMs;
    if (this.#paidMs - nowMs >= waitMinMs) await pause(clock, this.#paidMs - nowMs, signal);
    else await new Promise<void>((resolve) => clock.endOfTurn(resolve));
    this.#yieldableMs += costMs * slowdownMax;
    await this.#yield(signal);
  }

  async #yield(signal: AbortSignal): Promise<void> {
    const { clock, isBusy } = this.#options;
    while (isBusy() && this.#yieldableMs >= waitMinMs && !signal.aborted) {
      const waitMs = Math.min(this.#yieldableMs, lookEveryMs);
      await pause(clock, waitMs, signal);
      this.#yieldableMs -= waitMs;
    }
    if (!isBusy()) this.#yieldableMs = 0;
  }
}
