/**
 * How long a node takes to answer, and so how long to wait for it: a smoothed mean and deviation as TCP keeps them
 * (RFC 6298), with more slack, since an attempt that is abandoned too early costs a second one.
 */

const meanGain = 1 / 8;
const deviationGain = 1 / 4;
// A stall of this length is still ordinary (garbage collection, a slow fsync, a busy machine), and a node that hangs
// must not cost an operation a second.
const patienceMinMs = 700;
const patienceMaxMs = 10_000;
// A measurement loses half its weight in this time, so that a node that was slow once gets another chance.
const forgetHalfMs = 5_000;

export class Latency {
  readonly #patienceMinMs: number;
  #meanMs = 0;
  #deviationMs = 0;
  #samples = 0;
  #measuredAtMs = 0;

  constructor(patienceMin: number = patienceMinMs) {
    this.#patienceMinMs = patienceMin;
  }

  measured(elapsedMs: number, nowMs: number): void {
    if (this.#samples === 0) {
      this.#meanMs = elapsedMs;
      this.#deviationMs = elapsedMs / 2;
    } else {
      this.#deviationMs += deviationGain * (Math.abs(elapsedMs - this.#meanMs) - this.#deviationMs);
      this.#meanMs += meanGain * (elapsedMs - this.#meanMs);
    }
    this.#samples += 1;
    this.#measuredAtMs = nowMs;
  }

  /** For comparing nodes: the mean, fading to 0 when it is old. */
  expectedMs(nowMs: number): number {
    const ageMs = nowMs - this.#measuredAtMs;
    return ageMs < 100 ? this.#meanMs : this.#meanMs * 2 ** (-ageMs / forgetHalfMs);
  }

  /** An answer that takes longer than this is not to be expected any more. */
  get patienceMs(): number {
    return Math.min(patienceMaxMs, Math.max(this.#patienceMinMs, this.#meanMs + 8 * this.#deviationMs));
  }
}
