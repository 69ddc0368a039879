import type { CancelSignal, Clock, Random } from "@quorumfs/core";

// A SuperNode that restarts is back within a second or two; one try a second costs nothing if it never comes back.
const firstMs = 100;
const longestMs = 1000;

/** Waiting times between tries: doubling, capped, each shortened by up to half at random so that nodes do not try in step. */
export class RetryPause {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;

  constructor(options: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** To be called when a try has succeeded. */
  reset(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time for the next try, or at once when `signal` is aborted. */
  wait(signal: AbortSignal): Promise<void> {
    const limitMs = Math.min(longestMs, firstMs * 2 ** this.#failures);
    if (limitMs < longestMs) this.#failures += 1;
    return pause(this.#clock, limitMs * (1 - this.#random.fraction() / 2), signal);
  }
}

/** Resolves after `delayMs`, or at once when `signal` is aborted. */
export function pause(clock: Clock, delayMs: number, signal: CancelSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener("abort", end, { once: true });
  });
}
