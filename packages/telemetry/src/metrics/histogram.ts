import { assert } from "@quorumfs/core";

/** What is read of a histogram: observations by bucket, the last one those above all bounds, not added up. */
export interface HistogramCounts {
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** Counts observations by size: a binary search and two additions; prom-client's own takes 670 ns. */
export class Histogram implements HistogramCounts {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds highest value of each bucket, ascending; one more bucket takes the rest */
  constructor(bounds: readonly number[]) {
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get counts(): ArrayLike<number> {
    return this.#counts;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  /** @param value in the metric's base unit; what is no number is not counted */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (this.#bounds[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    this.#counts[low] = (this.#counts[low] ?? 0) + 1;
    this.#sum += value;
  }
}

/** Bounds that grow by a factor: `exponentialBounds({ from: 1, factor: 2, count: 4 })` is 1, 2, 4, 8. */
export function exponentialBounds(options: {
  readonly from: number;
  readonly factor: number;
  readonly count: number;
}): readonly number[] {
  const { from, factor, count } = options;
  assert(from > 0 && factor > 1 && count > 0, "bounds of a histogram grow from above 0");
  return Array.from({ length: count }, (_, index) => Number((from * factor ** index).toPrecision(12)));
}
