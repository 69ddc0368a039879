import type { Random } from "@quorumfs/core";

// Below it timers are inexact anyway; above it waiting costs more than the round that it may save.
const patienceMinMs = 5;
const patienceMaxMs = 50;
// Sooner, and timers that fire late would ask for nothing.
const hedgeMinMs = 5;
// A paused or vanished node delays the reads that have asked it by no more than this, until it is seen to be slow.
const hedgeMaxMs = 100;
// An unlucky pair of coordinators is apart after one or two doublings of a few milliseconds, the time of a round.
const backOffFirstMs = 3;
const backOffMaxMs = 200;
// Weight of a new sample in the running mean.
const smoothing = 0.2;

/** How long operations wait for stragglers and between tries, as quick as the peers have been lately. */
export class Pauses {
  readonly #random: Random;
  #meanMs = 1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One of the quicker peers has answered: who is slow is not waited for, and so is no measure. */
  observe(roundTripMs: number): void {
    this.#meanMs += (roundTripMs - this.#meanMs) * smoothing;
  }

  /** Long enough for a node that is alive to answer, as a rule. */
  get patienceMs(): number {
    return Math.min(patienceMaxMs, Math.max(patienceMinMs, this.#meanMs * 3));
  }

  /** Longer than most rounds take. */
  get lateMs(): number {
    return Math.min(hedgeMaxMs, Math.max(hedgeMinMs, this.#meanMs * 4));
  }

  /**
   * When it is worth asking somebody else too: after the time in which nearly all answers come.
   *
   * @param p95Ms of the quickest of those who could be asked
   */
  hedgeMs(p95Ms: number): number {
    return Math.min(hedgeMaxMs, Math.max(hedgeMinMs, p95Ms));
  }

  /** @param attempt from 1 */
  backOffMs(attempt: number): number {
    const longestMs = Math.min(backOffMaxMs, Math.max(backOffFirstMs, this.#meanMs) * 2 ** attempt);
    return 1 + this.#random.fraction() * longestMs;
  }
}
