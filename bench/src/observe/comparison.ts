/** What one arm of an experiment does compared with another, from pairs of measurements that were taken one after the other. */

export interface Pair {
  readonly on: number;
  readonly off: number;
}

export interface Comparison {
  readonly pairs: number;
  /** On to off, the geometric mean. */
  readonly ratio: number;
  /** Where the true ratio is, at 95 %, as far as the pairs tell. */
  readonly from: number;
  readonly to: number;
  /** The pairs' own, ascending. */
  readonly ratios: readonly number[];
}

/** Quantiles of Student's distribution for 95 % on both sides, by degrees of freedom from 1; beyond, the normal one's. */
const studentT = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];

export function compare(pairs: readonly Pair[]): Comparison {
  const logs = pairs.map(({ on, off }) => Math.log(on / off));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  const degrees = logs.length - 1;
  const error = degrees < 1 ? Infinity : Math.sqrt(squares / degrees / logs.length) * (studentT[degrees - 1] ?? 1.96);
  return {
    pairs: pairs.length,
    ratio: Math.exp(mean),
    from: Math.exp(mean - error),
    to: Math.exp(mean + error),
    ratios: logs.map(Math.exp).sort((a, b) => a - b),
  };
}
