import { expect, test } from "@jest/globals";
import { latencyBucketOf, latencyBuckets } from "@quorumfs/core";
import { latencySecondsBounds, latencySecondsCounts } from "@quorumfs/telemetry";

test("latencies in seconds: every latency is in the bucket that its length says", () => {
  for (const ms of [0.01, 0.05, 0.1, 0.100001, 0.3, 1, 7, 25, 26.3, 999, 26_000, 26_300, 80_000]) {
    const counts = new Array<number>(latencyBuckets).fill(0);
    counts[latencyBucketOf(ms)] = 1;
    const few = latencySecondsCounts(counts);
    expect(few).toHaveLength(latencySecondsBounds.length + 1);
    const index = few.indexOf(1);
    const [from, to] = [latencySecondsBounds[index - 1] ?? 0, latencySecondsBounds[index] ?? Infinity];
    // Core's buckets have their bounds from a logarithm: a latency that is a bound may be on either side.
    expect(ms / 1000).toBeGreaterThan(from * 0.999999);
    expect(ms / 1000).toBeLessThan(to * 1.000001);
  }
  expect(latencySecondsCounts([])).toEqual(new Array(latencySecondsBounds.length + 1).fill(0));
});
