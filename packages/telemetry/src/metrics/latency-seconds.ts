/** Core's many buckets of latencies as the few that a histogram of Prometheus should have: each takes in four, a doubling. */
import { assert, latencyBoundMs, latencyBuckets } from "@quorumfs/core";

const perBound = 4;

/** 0.1 ms, 0.2 ms, and so on to 26 s, in seconds. */
export const latencySecondsBounds: readonly number[] = Array.from(
  { length: Math.floor((latencyBuckets - 1) / perBound) - 1 },
  (_, index) => Number((latencyBoundMs((index + 1) * perBound) / 1000).toPrecision(6)),
);

/** @param counts by core's latency buckets; those missing at the end are 0 */
export function latencySecondsCounts(counts: readonly number[]): readonly number[] {
  assert(counts.length <= latencyBuckets, "there are no such buckets of latencies");
  const few = new Array<number>(latencySecondsBounds.length + 1).fill(0);
  for (const [bucket, count] of counts.entries()) {
    const index = Math.min(latencySecondsBounds.length, Math.max(0, Math.ceil(bucket / perBound) - 1));
    few[index] = (few[index] ?? 0) + count;
  }
  return few;
}
