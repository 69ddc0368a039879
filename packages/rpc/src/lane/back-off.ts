import type { Random } from "@quorumfs/core";

// A peer that restarts is back within a second or two; 50 ms keeps the first attempts close, and one attempt per
// second costs nothing even if the peer never comes back.
export const backOffFirstMs = 50;
export const backOffMaxMs = 1000;

/**
 * Waiting times between attempts: doubling, capped, and each shortened by up to half at random, so that those who lost
 * the same peer do not return in step (Brooker, "Exponential Backoff And Jitter").
 */
export class BackOff {
  readonly #random: Random;
  #failures = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How long to wait before the next attempt, after one more has failed. */
  nextMs(): number {
    const longestMs = Math.min(backOffMaxMs, backOffFirstMs * 2 ** this.#failures);
    if (longestMs < backOffMaxMs) this.#failures += 1;
    return longestMs * (1 - this.#random.fraction() / 2);
  }

  /** To be called when an attempt has succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
