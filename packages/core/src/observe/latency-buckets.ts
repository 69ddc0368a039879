/**
 * Latencies as counts in buckets that grow by a fourth root of two: a percentile read from them is off by less than a tenth,
 * whatever its size, counts of several nodes can be added, and counting costs one logarithm.
 */
import { assert } from "../assert.js";

const smallestMs = 0.05;
const perDoubling = 4;

/** The last one takes whatever is longer than a minute. */
export const latencyBuckets = 84;

/** Which bucket counts a latency. */
export function latencyBucketOf(ms: number): number {
  if (!(ms > smallestMs)) return 0;
  return Math.min(latencyBuckets - 1, Math.ceil(Math.log2(ms / smallestMs) * perDoubling));
}

/** The longest latency that a bucket counts, in ms; of the last one infinite. */
export function latencyBoundMs(bucket: number): number {
  assert(bucket >= 0 && bucket < latencyBuckets, "there is no such bucket of latencies");
  return bucket === latencyBuckets - 1 ? Infinity : smallestMs * 2 ** (bucket / perDoubling);
}

/**
 * @param counts by bucket; those missing at the end are 0
 * @param share from 0 to 1: 0.99 for the 99th percentile
 * @returns ms; undefined if nothing was counted. Within a bucket latencies count as spread evenly.
 */
export function latencyPercentile(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = Math.max(1, share * total);
  for (const [bucket, count] of counts.entries()) {
    if (left <= count) {
      const lower = bucket === 0 ? 0 : latencyBoundMs(bucket - 1);
      const upper = latencyBoundMs(bucket);
      return upper === Infinity ? lower : lower + ((upper - lower) * left) / count;
    }
    left -= count;
  }
  return latencyBoundMs(latencyBuckets - 2);
}

/** Adds counts of one source to those of others. */
export function addLatencies(into: number[], counts: readonly number[]): void {
  for (const [bucket, count] of counts.entries()) into[bucket] = (into[bucket] ?? 0) + count;
}
