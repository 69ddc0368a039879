import { afterEach, describe, expect, it } from "@jest/globals";
import { ErrorCode } from "@quorumfs/proto";
import type { QuorumFs } from "../../src/index.js";
import { Departures } from "../../src/operation/departures.js";
import { Gate, WaitingRoom } from "../../src/operation/gate.js";
import { hintedMs } from "../../src/retry/backoff.js";
import { errorResult, FakeCluster, resultOf } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function open(cluster: FakeCluster): Promise<QuorumFs> {
  client = await cluster.connect();
  return client;
}

const refusal = (retryAfterMs: number) => errorResult(ErrorCode.ERROR_CODE_RESOURCE_EXHAUSTED, { retryAfterMs });

describe("overload", () => {
  it("one node is at its limit: another is asked at once", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => (cluster.operations.length === 1 ? refusal(3000) : resultOf(request));
    const startedAtMs = cluster.clock.nowMs();
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(cluster.clock.nowMs()).toBe(startedAtMs);
    const [first, second] = cluster.operations;
    expect(second?.node).not.toBe(first?.node);
    // Refused is not executed.
    const mutation = second?.request.operation?.$case === "put" ? second.request.operation.value.mutation : undefined;
    expect(mutation?.mayHaveRun).toBe(false);
  });

  it("all are at their limits: nobody is asked again sooner than he said", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    let refusals = 0;
    const startedAtMs = cluster.clock.nowMs();
    const asked: { readonly node: number; readonly atMs: number }[] = [];
    cluster.react = (node, request) => {
      asked.push({ node, atMs: cluster.clock.nowMs() - startedAtMs });
      return (refusals += 1) <= 3 ? refusal(800) : resultOf(request);
    };
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(new Set(asked.slice(0, 3).map(({ node }) => node)).size).toBe(3);
    expect(asked.slice(0, 3).map(({ atMs }) => atMs)).toEqual([0, 0, 0]);
    expect(asked[3]?.atMs).toBeGreaterThanOrEqual(800);
    expect(asked[3]?.atMs).toBeLessThanOrEqual(1200);
  });

  it("hints are spread: those who were refused together do not come back together", () => {
    const fractions = [0, 0.5, 0.999];
    const waits = fractions.map((fraction) =>
      hintedMs(100, { fraction: () => fraction, bytes: () => new Uint8Array() }),
    );
    expect(waits.map(Math.round)).toEqual([100, 125, 150]);
  });

  it.each([4, 64])(
    "refusals make a client ask less, but no less than the nodes take: %d at a time",
    async (capacity) => {
      const cluster = new FakeCluster();
      const fs = await open(cluster);
      let underWay = 0;
      cluster.react = (_node, request) => {
        if (underWay >= capacity) return refusal(25);
        underWay += 1;
        cluster.clock.after(10, () => (underWay -= 1));
        return { afterMs: 10, result: resultOf(request) };
      };
      const count = capacity * 60;
      const startedAtMs = cluster.clock.nowMs();
      await cluster.clock.settle(
        Promise.all(Array.from({ length: count }, (_, index) => fs.get(`files/${index % 50}`))),
      );
      const elapsedMs = cluster.clock.nowMs() - startedAtMs;
      // Ten milliseconds for each time that all places are taken.
      expect(elapsedMs).toBeLessThan(60 * 10 * 3);
      expect(cluster.operations.length).toBeLessThan(count * 10);
    },
  );

  it("who would wait too long for his turn is told at once, and when to come back", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({ afterMs: 500, result: resultOf(request) });
    const options = { timeoutMs: 4000 };
    const first = Array.from({ length: 4096 }, () => fs.get("files/x", options));
    await cluster.clock.advance(1100);
    const startedAtMs = cluster.clock.nowMs();
    const more = await cluster.clock.settle(
      Promise.allSettled([
        ...Array.from({ length: 8192 }, () => fs.get("files/x", options)),
        fs.get("files/x", options),
      ]),
    );
    const settled = await cluster.clock.settle(Promise.allSettled(first));
    expect(settled.filter(({ status }) => status === "rejected")).toEqual([]);
    const refused = more.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(4000);
    const retryAfterMs: unknown = expect.any(Number);
    for (const each of refused) {
      expect(each).toMatchObject({
        reason: { code: "resource_exhausted", details: { mayHaveRun: false, retryAfterMs } },
      });
    }
    expect(cluster.clock.nowMs() - startedAtMs).toBeLessThan(4000);
  });

  it("who asks again at once does not keep its process from everything else", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({ afterMs: 500, result: resultOf(request) });
    const options = { timeoutMs: 4000 };
    const many = (count: number) => Promise.allSettled(Array.from({ length: count }, () => fs.get("files/x", options)));
    const first = many(4096);
    await cluster.clock.advance(1100);
    const line = many(8192);
    let gaveUp = false;
    const insisting = insist(fs, options, 1000).then(() => (gaveUp = true));
    for (let count = 0; count < 100_000; count += 1) await Promise.resolve();
    expect(gaveUp).toBe(false);
    await cluster.clock.settle(Promise.all([first, line, insisting]));
  });
});

/** A program that does not look at hints: it asks again as soon as it is refused, so often at most. */
async function insist(fs: QuorumFs, options: { readonly timeoutMs: number }, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    try {
      return void (await fs.get("files/x", options));
    } catch {
      // Again.
    }
  }
}

describe("gate: as wide as the cluster takes", () => {
  it("narrows by a share, not for each refusal, and widens with success", () => {
    const gate = new Gate(1000, new WaitingRoom());
    const enter = (): number => {
      let begun = 0;
      while (gate.enter(() => true)) begun += 1;
      return begun;
    };
    expect(enter()).toBe(1000);
    for (let count = 0; count < 10; count += 1) gate.narrow(0);
    for (let count = 0; count < 1000; count += 1) gate.leave();
    expect(enter() + 1).toBe(700);
    for (let count = 0; count < 300; count += 1) gate.widen();
    expect(enter() + 1).toBeGreaterThan(0);
  });
});

describe("departures", () => {
  it("tell how long a line takes", () => {
    const departures = new Departures();
    expect(departures.expectedWaitMs(1000)).toBe(0);
    for (let ms = 0; ms < 1000; ms += 1) departures.note(ms);
    expect(departures.expectedWaitMs(1000)).toBeCloseTo(1000, -2);
  });

  it("an outage is no rate", () => {
    const departures = new Departures();
    for (let ms = 0; ms < 1000; ms += 1) departures.note(ms);
    departures.note(60_000);
    expect(departures.expectedWaitMs(1000)).toBeLessThan(2000);
  });
});
