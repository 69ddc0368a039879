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
// Where nothing has been measured, or nothing for long.
const p95FirstMs = 50;
// One slow answer raises the estimate by 19 % of this, one quick answer lowers it by 5 %: in balance at the 95th percentile.
const p95Step = 0.2;
// A measurement loses half its weight in this time, so that a node that was slow once gets another chance.
const forgetHalfMs = 5_000;

export class Latency {
  readonly #patienceMinMs: number;
  #meanMs = 0;
  #deviationMs = 0;
  #samples = 0;
  #measuredAtMs = 0;
  #p95Ms = p95FirstMs;

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
    this.#estimate(elapsedMs);
    this.#samples += 1;
    this.#measuredAtMs = nowMs;
  }

  /** No answer came for so long. How long it would have taken, nobody knows. */
  missed(elapsedMs: number): void {
    this.#estimate(elapsedMs);
  }

  #estimate(elapsedMs: number): void {
    const step = p95Step * Math.max(1, this.#p95Ms);
    this.#p95Ms += elapsedMs > this.#p95Ms ? step * 0.95 : -step * 0.05;
  }

  /** For comparing nodes: the mean, fading to 0 when it is old. */
  expectedMs(nowMs: number): number {
    const ageMs = nowMs - this.#measuredAtMs;
    return ageMs < 100 ? this.#meanMs : this.#meanMs * 2 ** (-ageMs / forgetHalfMs);
  }

  /** All but one answer in twenty come sooner. */
  get p95Ms(): number {
    return this.#p95Ms;
  }

  /** An answer that takes longer than this is not to be expected any more. */
  get patienceMs(): number {
    return Math.min(patienceMaxMs, Math.max(this.#patienceMinMs, this.#meanMs + 8 * this.#deviationMs));
  }
}
