import { afterEach, describe, expect, it } from "@jest/globals";
import { latencyBucketOf, latencyBuckets } from "@quorumfs/core";
import { type ActivitySample as WireSample, NodeState, OperationKind as Kind } from "@quorumfs/proto";
import { toActivitySample } from "../../src/activity-figures.js";
import { type QuorumFs, summarizeActivity } from "../../src/index.js";
import { away, nodeOf, ObservedCluster, operationsOf, take } from "../fakes/observed-cluster.js";

/** Counts of so many operations that all took so long. */
function counts(ms: number, operations: number): number[] {
  const all = Array.from({ length: latencyBuckets }, () => 0);
  all[latencyBucketOf(ms)] = operations;
  return all.slice(0, latencyBucketOf(ms) + 1);
}

const gets = (answered: number, ms: number) =>
  operationsOf(Kind.OPERATION_KIND_GET, { answered, latencyCounts: counts(ms, answered) });

function sampleOf(atMs: number, nodes: WireSample["nodes"]): WireSample {
  return { atMs, nodes };
}

describe("figures of activity", () => {
  it("sums over nodes, whose spans differ; percentiles of all operations together", () => {
    const sample = toActivitySample(
      sampleOf(5000, [
        nodeOf(2, { spanMs: 500, operations: [gets(10, 100)] }),
        nodeOf(1, {
          operations: [
            gets(980, 1),
            operationsOf(Kind.OPERATION_KIND_PUT, {
              answered: 10,
              failed: 4,
              refused: 6,
              latencyCounts: counts(4, 10),
            }),
          ],
        }),
      ]),
      false,
    );
    expect(sample.nodes.map(({ node }) => node)).toEqual([1, 2]);
    expect(sample.at).toEqual(new Date(5000));
    expect(sample.total).toMatchObject({ answered: 1000, failed: 4, refused: 6, operationsPerSecond: 1020 });
    expect(sample.total).toMatchObject({ errorsPerSecond: 4, refusalsPerSecond: 6 });
    expect(sample.nodes[1]).toMatchObject({ operationsPerSecond: 20, isHeard: true, state: "up" });
    expect(sample.total.kinds.get).toMatchObject({ answered: 990, operationsPerSecond: 1000 });
    expect(sample.total.kinds.list).toMatchObject({ answered: 0, operationsPerSecond: 0, latency: undefined });
    const { p50Ms = 0, p999Ms = 0 } = sample.total.latency ?? {};
    expect(p50Ms).toBeGreaterThan(0.8);
    expect(p50Ms).toBeLessThan(1.2);
    expect(p999Ms).toBeGreaterThan(80);
    expect(p999Ms).toBeLessThan(120);
  });

  it("a node that was not heard: zeroes, and no latency", () => {
    const sample = toActivitySample(sampleOf(0, [nodeOf(1, undefined, NodeState.NODE_STATE_DOWN)]), false);
    expect(sample.nodes[0]).toMatchObject({
      state: "down",
      isHeard: false,
      operationsPerSecond: 0,
      latency: undefined,
    });
    expect(sample.total).toMatchObject({ answered: 0, bytesReadPerSecond: 0, latency: undefined });
  });

  it("buckets and hot files of several nodes as one, the busiest first; bytes in records and in chunks", () => {
    const bucket = { bucket: "a", reads: 1, writes: 2, lists: 3, failed: 1, bytesRead: 10, bytesWritten: 20 };
    const sample = toActivitySample(
      sampleOf(0, [
        nodeOf(1, {
          buckets: [bucket, { ...bucket, bucket: "b", reads: 100 }],
          hotFiles: [{ bucket: "a", path: "x", readsPerSecond: 5, writesPerSecond: 0 }],
          chunkBytesRead: 1000,
        }),
        nodeOf(2, {
          spanMs: 500,
          buckets: [bucket],
          hotFiles: [
            { bucket: "a", path: "x", readsPerSecond: 0, writesPerSecond: 3 },
            { bucket: "a", path: "y", readsPerSecond: 9, writesPerSecond: 0 },
          ],
        }),
      ]),
      false,
    );
    expect(sample.buckets.map((each) => each.bucket)).toEqual(["b", "a"]);
    expect(sample.buckets[1]).toMatchObject({
      reads: 2,
      writes: 4,
      failed: 2,
      readsPerSecond: 3,
      bytesReadPerSecond: 30,
    });
    expect(sample.hotFiles).toEqual([
      { name: "a/y", bucket: "a", path: "y", readsPerSecond: 9, writesPerSecond: 0 },
      { name: "a/x", bucket: "a", path: "x", readsPerSecond: 5, writesPerSecond: 3 },
    ]);
    expect(sample.total).toMatchObject({ bytesReadPerSecond: 1000 + 20 + 20, bytesWrittenPerSecond: 40 + 40 });
  });

  it("a longer span: counts summed, rates averaged, percentiles of all", () => {
    const seconds = [gets(300, 1), gets(0, 1), gets(100, 50)].map((operations, index) =>
      toActivitySample(sampleOf(index * 1000, [nodeOf(1, { operations: [operations] })]), false),
    );
    const summary = summarizeActivity(seconds);
    expect(summary).toMatchObject({ seconds: 3, at: new Date(2000) });
    expect(summary.total.answered).toBe(400);
    expect(summary.total.operationsPerSecond).toBeCloseTo(400 / 3);
    expect(summary.nodes[0]?.kinds.get.operationsPerSecond).toBeCloseTo(400 / 3);
    expect(summary.total.latency?.p50Ms).toBeLessThan(2);
    expect(summary.total.latency?.p90Ms).toBeGreaterThan(40);
    // What was made longer can be made longer still.
    expect(summarizeActivity([summary, ...seconds]).total.operationsPerSecond).toBeCloseTo(400 / 3);
  });
});

describe("activity", () => {
  let fs: QuorumFs | undefined;

  afterEach(async () => {
    await fs?.close();
    fs = undefined;
  });

  const at = (...seconds: number[]) => ({ samples: seconds.map((second) => sampleOf(second * 1000, [nodeOf(1, {})])) });

  it("history first, then each second; after a restart of the SuperNode what was missed, and nothing twice", async () => {
    const bench = new ObservedCluster();
    fs = await bench.connect();
    bench.streams.push([at(1, 2), at(3), away()], [], [at(2, 3, 4), at(5)]);
    const samples = await bench.settle(take(fs.activity({ historySeconds: 60 }), 5));
    expect(samples.map((sample) => [sample.at.getTime() / 1000, sample.isHistory])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [4, true],
      [5, false],
    ]);
    expect(bench.askedFor.map(({ historySeconds }) => historySeconds)).toEqual([60, 2, 2]);
  });

  it("a wall clock that goes back loses nothing", async () => {
    const bench = new ObservedCluster();
    fs = await bench.connect();
    bench.streams.push([at(), at(100), away()], [at(), at(7), at(8)]);
    const samples = await bench.settle(take(fs.activity(), 3));
    expect(samples.map((sample) => sample.at.getTime() / 1000)).toEqual([100, 7, 8]);
  });

  it("a stream that goes silent is begun anew", async () => {
    const bench = new ObservedCluster();
    fs = await bench.connect();
    bench.streams.push([at(1), "hang"], [at(1, 2)]);
    const samples = await bench.settle(take(fs.activity({ historySeconds: 10 }), 2));
    expect(samples).toHaveLength(2);
    expect(bench.askedFor[1]?.historySeconds).toBe(12);
  });

  it("no SuperNode for longer than the deadline: unavailable", async () => {
    const bench = new ObservedCluster();
    fs = await bench.connect();
    await expect(bench.settle(take(fs.activity({ timeoutMs: 4000 }), 1))).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(bench.cluster.clock.nowMs()).toBeGreaterThanOrEqual(4000);
    expect(bench.cluster.clock.nowMs()).toBeLessThan(6000);
  });

  it("given up by its signal, also while the SuperNode is away", async () => {
    const bench = new ObservedCluster();
    fs = await bench.connect();
    const abort = new AbortController();
    const taking = take(fs.activity({ signal: abort.signal }), 1);
    bench.cluster.clock.after(2000, () => abort.abort());
    await expect(bench.settle(taking)).rejects.toMatchObject({ code: "cancelled" });
  });

  it.each([-1, 1.5, 901])("history of %p seconds: refused", async (historySeconds) => {
    const bench = new ObservedCluster();
    fs = await bench.connect();
    await expect(take(fs.activity({ historySeconds }), 1)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
