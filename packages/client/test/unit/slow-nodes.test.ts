import { afterEach, describe, expect, it } from "@jest/globals";
import type { QuorumFs } from "../../src/index.js";
import { Latency } from "../../src/routing/latency.js";
import { isSlow, Pace } from "../../src/routing/pace.js";
import { FakeCluster, resultOf } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function open(cluster: FakeCluster): Promise<QuorumFs> {
  client = await cluster.connect();
  return client;
}

/** Every node answers in 2 ms, the slow one in so many. */
function slowNode(cluster: FakeCluster, node: number, delayMs: number): void {
  cluster.slow.clear();
  cluster.slow.set(node, delayMs);
  cluster.react = (at, request) => ({ afterMs: at === node ? delayMs : 2, result: resultOf(request) });
}

async function perform(cluster: FakeCluster, count: number, operation: (index: number) => Promise<unknown>) {
  const tookMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAtMs = cluster.clock.nowMs();
    await cluster.clock.settle(operation(index));
    tookMs.push(cluster.clock.nowMs() - startedAtMs);
  }
  return tookMs;
}

const waited = (tookMs: readonly number[], delayMs: number): number => tookMs.filter((ms) => ms >= delayMs).length;

describe("a node that is slow, not dead", () => {
  it("reads: a second node is asked, and the first to answer counts", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    slowNode(cluster, 0, 0);
    await perform(cluster, 200, (index) => fs.get(`files/${index}`));
    slowNode(cluster, 1, 500);
    const tookMs = await perform(cluster, 200, (index) => fs.get(`files/${index}`));
    expect(waited(tookMs, 500)).toBe(0);
    expect(Math.max(...tookMs)).toBeLessThan(100);
  });

  it("reads: what nobody answers in time is not asked of everybody", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({ afterMs: 400, result: resultOf(request) });
    await perform(cluster, 1, (index) => fs.get(`files/${index}`));
    expect(cluster.operations.length).toBeLessThanOrEqual(2);
  });

  it("reads: the one that lost is told so", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    slowNode(cluster, 1, 500);
    await perform(cluster, 30, (index) => fs.get(`files/${index}`));
    await cluster.clock.quiet();
    const cancelled = cluster.seen.filter(({ request }) => request.operation?.$case === "cancel");
    expect(cancelled.length).toBeGreaterThan(0);
    expect(new Set(cancelled.map(({ node }) => node))).toEqual(new Set([1]));
  });

  it("reads: both questions are lost while the nodes answer others: a third one is asked in good time", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    let lost = 0;
    cluster.react = (_node, request) => {
      const { operation } = request;
      const isLost = operation?.$case === "get" && operation.value.path === "unlucky" && lost < 2;
      if (isLost) lost += 1;
      return { afterMs: isLost ? 3_600_000 : 2, result: resultOf(request) };
    };
    await perform(cluster, 100, (index) => fs.get(`files/${index}`));
    const startedAtMs = cluster.clock.nowMs();
    let tookMs: number | undefined;
    const reading = fs.get("files/unlucky").then(() => (tookMs = cluster.clock.nowMs() - startedAtMs));
    while (tookMs === undefined) await perform(cluster, 1, (index) => fs.get(`files/${index}`));
    await reading;
    expect(lost).toBe(2);
    expect(tookMs).toBeLessThan(10_000);
  });

  it("writes: only the first few wait for it", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    slowNode(cluster, 0, 0);
    await perform(cluster, 200, (index) => fs.put(`files/${index}`, "1"));
    slowNode(cluster, 1, 500);
    const tookMs = await perform(cluster, 200, (index) => fs.put(`files/${index}`, "2"));
    expect(waited(tookMs, 300)).toBeLessThanOrEqual(4);
  });

  it("writes: it is preferred again once it is well", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    slowNode(cluster, 0, 0);
    await perform(cluster, 200, (index) => fs.put(`files/${index}`, "1"));
    slowNode(cluster, 1, 500);
    await perform(cluster, 200, (index) => fs.put(`files/${index}`, "2"));
    const before = cluster.operations.length;
    slowNode(cluster, 0, 0);
    for (let second = 0; second < 5; second += 1) {
      await cluster.clock.advance(1000);
      await perform(cluster, 50, (index) => fs.put(`files/${index}`, "3"));
    }
    const share = cluster.operations.slice(before).filter(({ node }) => node === 1).length;
    expect(share).toBeGreaterThan(30);
  });

  it("writes: one that comes and goes is not followed", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    slowNode(cluster, 0, 0);
    await perform(cluster, 200, (index) => fs.put(`files/${index}`, "1"));
    let waitedInAll = 0;
    for (let round = 0; round < 30; round += 1) {
      slowNode(cluster, round % 2 === 0 ? 1 : 0, 500);
      const tookMs = await perform(cluster, 100, (index) => fs.put(`files/${index}`, "2"));
      waitedInAll += waited(tookMs, 300);
      await cluster.clock.advance(1000);
    }
    expect(waitedInAll).toBeLessThanOrEqual(20);
  });

  it("a cluster that is slow as a whole: nobody is spared", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({ afterMs: 100, result: resultOf(request) });
    await perform(cluster, 100, (index) => fs.put(`files/${index}`, "1"));
    const nodes = cluster.operations.map(({ node }) => node);
    for (const node of [1, 2, 3]) expect(nodes.filter((each) => each === node).length).toBeGreaterThan(15);
  });
});

describe("pace", () => {
  it("a node is as fast as its quickest answer: one slow file does not count", () => {
    const pace = new Pace();
    for (let index = 0; index < 100; index += 1) pace.answered("write", index % 3 === 0 ? 2 : 200, index * 10);
    expect(pace.usualMs("write", 1000)).toBe(2);
    expect(isSlow(pace.usualMs("write", 1000) ?? 0, 1)).toBe(false);
  });

  it("each relapse doubles the rest; a sign of life that fails does not", () => {
    const pace = new Pace();
    const rests: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      rests.push(pace.rest(round * 1000));
      expect(pace.rest(round * 1000)).toBe(rests.at(-1));
      pace.trust(round * 1000);
    }
    expect(rests).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("after a while without trouble the next rest is a short one again", () => {
    const pace = new Pace();
    pace.rest(0);
    pace.trust(1000);
    expect(pace.rest(2000)).toBe(2000);
    pace.trust(4000);
    expect(pace.rest(60_000)).toBe(1000);
  });
});

describe("latency: the 95th percentile", () => {
  it("is about what it says, and follows a change", () => {
    const latency = new Latency();
    for (let index = 0; index < 2000; index += 1) latency.measured(index % 10 === 0 ? 20 : 2, index);
    const p95Ms = latency.p95Ms;
    expect(p95Ms).toBeGreaterThan(10);
    expect(p95Ms).toBeLessThan(30);
    for (let index = 0; index < 1000; index += 1) latency.measured(1, index);
    expect(latency.p95Ms).toBeLessThan(5);
  });
});
