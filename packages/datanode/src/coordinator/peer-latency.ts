// One vote in so many is timed, and always one while nobody is being waited for: that follows a change at once, and costs nothing.
const timedEvery = 8;
const meanGain = 0.2;
// One slow answer raises the estimate by 19 % of this, one quick answer lowers it by 1 %: in balance at the 95th percentile.
const p95Step = 0.2;
const firstMs = 1;
const p95FirstMs = 10;
// A measurement loses half its weight in this time, so that a peer that was slow is asked again.
const forgetHalfMs = 2_000;

/** A vote that is being timed; undefined: it is not. */
export type TimedSince = number | undefined;

/** How long a peer takes to answer votes: how it has been lately, and how long it has kept somebody waiting now. */
export class PeerLatency {
  #meanMs = firstMs;
  #p95Ms = p95FirstMs;
  #measuredAtMs = -Infinity;
  #untimed = 0;
  /** Since when one timed vote is out. They come back in about the order in which they went. */
  #waitingSinceMs: number | undefined;

  /** A vote leaves. */
  begin(clock: { nowMs(): number }): TimedSince {
    this.#untimed += 1;
    if (this.#waitingSinceMs !== undefined && this.#untimed < timedEvery) return undefined;
    this.#untimed = 0;
    const nowMs = clock.nowMs();
    this.#waitingSinceMs ??= nowMs;
    return nowMs;
  }

  /** A timed vote was answered, or was given up. */
  end(sinceMs: number, nowMs: number): void {
    const elapsedMs = nowMs - sinceMs;
    this.#meanMs += (elapsedMs - this.#meanMs) * meanGain;
    const step = p95Step * Math.max(1, this.#p95Ms);
    this.#p95Ms += elapsedMs > this.#p95Ms ? step * 0.95 : -step * 0.05;
    this.#measuredAtMs = nowMs;
    if (this.#waitingSinceMs !== undefined && sinceMs >= this.#waitingSinceMs) this.#waitingSinceMs = undefined;
  }

  /** A timed vote was not asked at all. */
  drop(sinceMs: number): void {
    if (this.#waitingSinceMs !== undefined && sinceMs >= this.#waitingSinceMs) this.#waitingSinceMs = undefined;
  }

  /** What the next vote is likely to take. */
  expectedMs(nowMs: number): number {
    const waitedMs = this.#waitingSinceMs === undefined ? 0 : nowMs - this.#waitingSinceMs;
    const meanMs = this.#meanMs * 2 ** (-Math.max(0, nowMs - this.#measuredAtMs) / forgetHalfMs);
    return Math.max(waitedMs, meanMs);
  }

  /** Nineteen of twenty answers come sooner. */
  get p95Ms(): number {
    return this.#p95Ms;
  }
}
