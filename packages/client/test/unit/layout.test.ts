import { afterEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { AdminServiceService as admin, type LayoutChange, LayoutChangeState, NodeRole } from "@quorumfs/proto";
import type { QuorumFs } from "../../src/index.js";
import { FakeCluster, superNodeAddress } from "../fakes/fake-cluster.js";
import type { FakeServer } from "../fakes/fake-network.js";

const change: LayoutChange = {
  id: 5,
  state: LayoutChangeState.LAYOUT_CHANGE_STATE_MOVING,
  reason: "node 4 joins",
  startedAtMs: 1000,
  endedAtMs: 0,
  firstLayout: 7,
  lastLayout: 7,
  movesTotal: 2,
  movesDone: 0,
  moving: 1,
  bytesTotal: 4096,
  remainingMs: 0,
  obstacles: [],
};
const ended = {
  ...change,
  state: LayoutChangeState.LAYOUT_CHANGE_STATE_DONE,
  endedAtMs: 2000,
  movesDone: 2,
  moving: 0,
};

let fs: QuorumFs | undefined;

afterEach(async () => {
  await fs?.close();
  fs = undefined;
});

interface Bench {
  readonly fs: QuorumFs;
  readonly asked: { readonly path: string; readonly request: unknown }[];
  /** What the SuperNode sends to who watches: one list for each time that somebody begins to. */
  readonly streams: (readonly (LayoutChange | Error)[])[];
  readonly settle: <T>(promise: Promise<T>) => Promise<T>;
  /** Milliseconds that have passed. */
  readonly nowMs: () => number;
}

async function open(answers: Readonly<Record<string, unknown>>): Promise<Bench> {
  const cluster = new FakeCluster();
  const asked: Bench["asked"] = [];
  const streams: (readonly (LayoutChange | Error)[])[] = [];
  const superNode = cluster.network.servers.get(superNodeAddress);
  const server: FakeServer = {
    unary: async (path, request) => {
      asked.push({ path, request });
      const answer = answers[path];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    serverStream: (path, request, options) =>
      path === admin.watchLayoutChange.path ? watch() : (superNode?.serverStream?.(path, request, options) ?? watch()),
  };
  async function* watch(): AsyncGenerator<unknown> {
    for (const item of streams.shift() ?? [new QuorumError({ code: "unavailable", message: "away" })]) {
      if (item instanceof Error) throw item;
      yield { change: item };
    }
  }
  cluster.network.servers.set(superNodeAddress, server);
  fs = await cluster.connect();
  const { clock } = cluster;
  return { fs, asked, streams, settle: (promise) => clock.settle(promise), nowMs: () => clock.nowMs() };
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

const away = (): QuorumError => new QuorumError({ code: "unavailable", message: "connection lost" });

describe("layout", () => {
  it("show: shares by node, evenness of those that are entitled to something", async () => {
    const shares = [
      { node: 3, partitions: 10, preferred: 0, idealPartitions: 0 },
      { node: 2, partitions: 90, preferred: 30, idealPartitions: 100 },
      { node: 1, partitions: 104, preferred: 30, idealPartitions: 100 },
    ];
    const bench = await open({ [admin.getLayout.path]: { number: 7, shares, change } });
    const layout = await bench.settle(bench.fs.layout.show());
    expect(layout.shares.map(({ node }) => node)).toEqual([1, 2, 3]);
    expect(layout).toMatchObject({ number: 7, unevenness: 0.1 });
    expect(layout.change).toMatchObject({ state: "moving", endedAt: undefined, remainingMs: undefined });
    expect(layout.change?.startedAt).toEqual(new Date(1000));
  });

  it("show: no layout yet", async () => {
    const bench = await open({ [admin.getLayout.path]: { number: 0, shares: [], change: undefined } });
    expect(await bench.settle(bench.fs.layout.show())).toEqual({
      number: undefined,
      shares: [],
      unevenness: 0,
      change: undefined,
    });
  });

  it.each([
    ["drain", (layout: QuorumFs["layout"]) => layout.drain(3), NodeRole.NODE_ROLE_DRAINING, 0],
    ["activate", (layout: QuorumFs["layout"]) => layout.activate(3), NodeRole.NODE_ROLE_ACTIVE, 0],
    ["remove", (layout: QuorumFs["layout"]) => layout.remove(3), NodeRole.NODE_ROLE_LEAVING, 0],
    ["remove, lost", (layout: QuorumFs["layout"]) => layout.remove(3, { lost: true }), NodeRole.NODE_ROLE_LOST, 0],
    ["replace", (layout: QuorumFs["layout"]) => layout.replace(3, 4), NodeRole.NODE_ROLE_LEAVING, 4],
    ["replace, lost", (layout: QuorumFs["layout"]) => layout.replace(3, 4, { lost: true }), NodeRole.NODE_ROLE_LOST, 4],
  ] as const)("%s", async (_name, act, role, replacedBy) => {
    const bench = await open({ [admin.applyLayout.path]: { change } });
    expect(await bench.settle(act(bench.fs.layout))).toMatchObject({ id: 5 });
    expect(bench.asked).toEqual([
      { path: admin.applyLayout.path, request: { changes: [{ node: 3, role, replacedBy }], baseLayout: 0 } },
    ]);
  });

  it.each([
    ["no id", (layout: QuorumFs["layout"]) => layout.drain(0)],
    ["a fraction", (layout: QuorumFs["layout"]) => layout.plan([{ node: 1.5, role: "lost" }])],
    ["itself", (layout: QuorumFs["layout"]) => layout.replace(3, 3)],
    ["no layout", (layout: QuorumFs["layout"]) => layout.apply([], { baseLayout: -1 })],
  ])("%s: refused here", async (_name, act) => {
    const bench = await open({});
    await expect(bench.settle(Promise.resolve(act(bench.fs.layout)))).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(bench.asked).toEqual([]);
  });

  it("apply: the answer is lost", async () => {
    const lost = new QuorumError({ code: "unavailable", message: "connection lost", details: { mayHaveRun: true } });
    const bench = await open({ [admin.applyLayout.path]: lost });
    await expect(bench.settle(bench.fs.layout.apply())).rejects.toMatchObject({ code: "unknown_outcome" });
    expect(bench.asked).toHaveLength(1);
  });
});

describe("watch", () => {
  it("to the end", async () => {
    const bench = await open({});
    bench.streams.push([change, { ...change, movesDone: 1 }, ended]);
    const seen = await bench.settle(collect(bench.fs.layout.watch()));
    expect(seen.map(({ movesDone, state }) => [movesDone, state])).toEqual([
      [0, "moving"],
      [1, "moving"],
      [2, "done"],
    ]);
  });

  it("none under way", async () => {
    const bench = await open({});
    bench.streams.push([]);
    expect(await bench.settle(collect(bench.fs.layout.watch()))).toEqual([]);
  });

  it("goes on over a restart of the SuperNode", async () => {
    const bench = await open({});
    bench.streams.push([change, away()], [away()], [{ ...change, movesDone: 1 }, ended]);
    expect((await bench.settle(collect(bench.fs.layout.watch()))).map(({ movesDone }) => movesDone)).toEqual([0, 1, 2]);
  });

  it("the end came while the SuperNode was away: the history tells it", async () => {
    const bench = await open({ [admin.listLayoutChanges.path]: { changes: [ended] } });
    bench.streams.push([change, away()], []);
    expect((await bench.settle(collect(bench.fs.layout.watch()))).map(({ state }) => state)).toEqual([
      "moving",
      "done",
    ]);
  });

  it("gives up when the SuperNode stays away", async () => {
    const bench = await open({});
    bench.streams.push([change, away()]);
    await expect(bench.settle(collect(bench.fs.layout.watch({ timeoutMs: 3000 })))).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(bench.nowMs()).toBeGreaterThanOrEqual(3000);
    expect(bench.nowMs()).toBeLessThan(10_000);
  });
});
