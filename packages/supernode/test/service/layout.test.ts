import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AdminServiceService, LayoutChangeState, type LayoutPlan } from "@quorumfs/proto";
import { Fixture } from "./fixture.js";

const {
  LAYOUT_CHANGE_STATE_MOVING: moving,
  LAYOUT_CHANGE_STATE_STOPPING: stopping,
  LAYOUT_CHANGE_STATE_DONE: done,
  LAYOUT_CHANGE_STATE_STOPPED: stopped,
  LAYOUT_CHANGE_STATE_SUPERSEDED: superseded,
} = LayoutChangeState;

let fixture: Fixture;

afterEach(() => fixture.stop());

async function begin(nodes: number, config: ConstructorParameters<typeof Fixture>[0] = {}): Promise<void> {
  fixture = new Fixture(config);
  await fixture.start();
  await fixture.startNodes(nodes);
}

async function plan(): Promise<LayoutPlan> {
  const { plan: made } = await fixture.channel.unary(AdminServiceService.planLayout, { changes: [] }, {});
  if (!made) throw new Error("no plan");
  return made;
}

/** One replica makes a test of what has nothing to do with quorums quick. */
const single = { replicas: 1 };

describe("a node joins", () => {
  beforeEach(() => begin(4));

  test("it gets nothing before somebody says so, and the status tells how", async () => {
    expect(await fixture.condition()).toBe(
      "ready; DataNode 4 holds nothing yet: quorumfs layout apply gives its share",
    );
    expect(await fixture.shares()).toBe("1:1024 2:1024 3:1024 4:0");
  });

  test("plan: what moves, how much, how even; nothing is changed", async () => {
    for (const node of fixture.nodes) node.load = { chunkBytes: 1024 * 2 ** 20, diskFreeBytes: 2 ** 40 };
    await fixture.clock.advance(600);
    const made = await plan();
    expect(made).toMatchObject({ baseLayout: 1, unevennessBefore: 0, unevennessAfter: 0, warnings: [] });
    expect(made.moves).toHaveLength(768);
    expect(made.transfers).toContainEqual({
      node: 4,
      partitionsBefore: 0,
      partitionsAfter: 768,
      bytesIn: 768 * 2 ** 20,
      bytesOut: 0,
    });
    expect(made.estimatedMs).toBeGreaterThan(10_000);
    expect(await fixture.changes()).toEqual([]);
  });

  test("apply gives it its share, in batches, and nothing is joint afterwards", async () => {
    const change = await fixture.apply();
    expect(change).toMatchObject({ id: 1, reason: "DataNode 4 takes its share", movesTotal: 768, movesDone: 0 });
    await fixture.clock.advance(300);
    expect(await fixture.change()).toMatchObject({ state: moving, moving: 256 });
    expect(await fixture.condition()).toBe("ready; DataNode 4 takes its share (moving: 0 of 768 partitions done)");
    await fixture.clock.advance(20_000);
    expect(await fixture.change()).toMatchObject({ state: done, movesDone: 768, obstacles: [], remainingMs: 0 });
    expect(await fixture.shares()).toBe("1:768 2:768 3:768 4:768");
    const { layout } = await fixture.cluster();
    expect(layout?.partitions.every(({ joining, nodes }) => joining.length === 0 && nodes.length === 3)).toBe(true);
    expect(await fixture.condition()).toBe("ready");
  });

  test("it is not ready: the change waits for it, and says for what", async () => {
    Object.assign(fixture.node(4), { takesOver: false, obstacle: "partition 7: node 2 does not answer" });
    await fixture.apply();
    await fixture.clock.advance(5000);
    expect(await fixture.change()).toMatchObject({
      movesDone: 0,
      moving: 256,
      obstacles: ["DataNode 4: partition 7: node 2 does not answer"],
    });
  });

  test("too few of the old nodes know of the move: it does not end", async () => {
    for (const id of [1, 2]) fixture.node(id).follows = false;
    for (const id of [1, 2, 3]) fixture.node(id).takesOver = true;
    await fixture.apply();
    await fixture.clock.advance(5000);
    expect(await fixture.change()).toMatchObject({ movesDone: 0, moving: 256 });
    for (const id of [1, 2]) fixture.node(id).follows = true;
    await fixture.clock.advance(20_000);
    expect(await fixture.change()).toMatchObject({ state: done });
  });

  test("watched: once a second until it has ended", async () => {
    await fixture.apply();
    const seen: string[] = [];
    let isOver = false;
    const watch = async (): Promise<void> => {
      for await (const { change } of fixture.channel.serverStream(AdminServiceService.watchLayoutChange, {}, {})) {
        seen.push(`${change?.state} ${change?.movesDone}`);
      }
      isOver = true;
    };
    const watching = watch();
    await fixture.clock.waitUntil("the watch is over", () => isOver, 20_000);
    await watching;
    expect(seen[0]).toBe(`${moving} 0`);
    expect(seen.at(-1)).toBe(`${done} 768`);
    expect(seen.length).toBeGreaterThanOrEqual(2);
  });
});

describe("stop", () => {
  beforeEach(() => begin(2, { ...single, initialNodes: 1 }));

  test("what moves comes to its end, the rest stays; apply goes on with it", async () => {
    fixture.node(2).takesOver = false;
    await fixture.apply();
    await fixture.clock.advance(1000);
    const { change } = await fixture.channel.unary(AdminServiceService.stopLayout, {}, {});
    expect(change).toMatchObject({ state: stopping, moving: 256, movesTotal: 512 });
    fixture.node(2).takesOver = true;
    await fixture.clock.advance(5000);
    expect(await fixture.change()).toMatchObject({ state: stopped, movesDone: 256, moving: 0 });
    expect(await fixture.shares()).toBe("1:768 2:256");
    expect(await fixture.apply()).toMatchObject({ id: 2, movesTotal: 256 });
    await fixture.clock.advance(5000);
    expect(await fixture.shares()).toBe("1:512 2:512");
  });

  test("nothing is under way: said so", async () => {
    const stop = fixture.channel.unary(AdminServiceService.stopLayout, {}, {});
    await expect(stop).rejects.toMatchObject({ code: "precondition_failed" });
  });
});

describe("superseded", () => {
  test("another change takes the place of the one under way, which ends where it is", async () => {
    await begin(3, { ...single, initialNodes: 1 });
    fixture.node(2).takesOver = false;
    await fixture.apply({ 3: "draining" });
    await fixture.clock.advance(1000);
    expect(await fixture.apply({ 3: "active" })).toMatchObject({ id: 2, state: moving });
    fixture.node(2).takesOver = true;
    await fixture.clock.advance(10_000);
    expect((await fixture.changes()).map(({ state }) => state)).toEqual([done, superseded]);
    expect(await fixture.shares()).toBe("1:342 2:341 3:341");
  });

  test("one of the new nodes dies: its partitions turn to others, and back to where they were", async () => {
    await begin(3, { ...single, initialNodes: 1 });
    fixture.node(2).takesOver = false;
    await fixture.apply({ 3: "draining" });
    await fixture.clock.advance(1000);
    await fixture.node(2).kill();
    await fixture.clock.advance(4000);
    expect((await fixture.change()).obstacles).toEqual([
      "waiting for DataNode 2, which is down and is to hold a replica (256 partitions)",
    ]);
    await fixture.apply({ 2: "lost", 3: "active" });
    await fixture.clock.advance(10_000);
    expect(await fixture.change()).toMatchObject({ state: done });
    expect(await fixture.shares()).toBe("1:512 3:512");
    const { layout, formerNodes } = await fixture.cluster();
    expect(formerNodes).toEqual([2]);
    expect(layout?.partitions.every(({ joining }) => joining.length === 0)).toBe(true);
  });

  test("the same once more: what is under way goes on", async () => {
    await begin(2, { ...single, initialNodes: 1 });
    fixture.node(2).takesOver = false;
    await fixture.apply();
    await fixture.clock.advance(1000);
    await fixture.apply();
    expect(await fixture.apply()).toMatchObject({ state: moving });
    fixture.node(2).takesOver = true;
    await fixture.clock.advance(10_000);
    expect(await fixture.apply()).toBeUndefined();
  });
});

describe("a node goes", () => {
  test("drained: it holds nothing, stays a member, and can be taken in again", async () => {
    await begin(4);
    await fixture.apply({ 1: "draining" });
    await fixture.clock.advance(15_000);
    expect(await fixture.change()).toMatchObject({
      state: done,
      reason: "DataNode 4 takes its share, DataNode 1 is drained",
    });
    expect(await fixture.shares()).toBe("1:0 2:1024 3:1024 4:1024");
    expect(await fixture.condition()).toBe("ready; DataNode 1 is drained, and may be stopped");
    expect((await fixture.cluster()).nodes[0]).toMatchObject({ id: 1, role: 2 });
    await fixture.apply({ 1: "active" });
    await fixture.clock.advance(20_000);
    expect(await fixture.shares()).toBe("1:768 2:768 3:768 4:768");
  });

  test("removed: it leaves when it has nothing left that others need, and is not let in again", async () => {
    await begin(2, { ...single, initialNodes: 2 });
    const gone = fixture.node(1);
    gone.leavingPartitions = 3;
    await fixture.apply({ 1: "leaving" });
    await fixture.clock.advance(10_000);
    expect(await fixture.change()).toMatchObject({
      state: moving,
      movesDone: 512,
      obstacles: ["DataNode 1 still holds something of 3 partitions for others to fetch"],
    });
    gone.leavingPartitions = 0;
    await fixture.clock.advance(2000);
    expect(await fixture.change()).toMatchObject({ state: done });
    expect(await fixture.cluster()).toMatchObject({ formerNodes: [1], nodes: [{ id: 2 }] });
    await fixture.clock.advance(5000);
    expect(await fixture.condition()).toBe("ready");
    await expect(gone.join()).rejects.toMatchObject({ code: "permission_denied", details: { storeFault: "retired" } });
    await fixture.startNodes(1);
    expect((await fixture.cluster()).nodes.map(({ id }) => id)).toEqual([2, 3]);
  });

  test("removed while it is down: it stays until it is back, or declared lost", async () => {
    await begin(4);
    await fixture.node(2).kill();
    await fixture.clock.advance(4000);
    await fixture.apply({ 2: "leaving" });
    await fixture.clock.advance(20_000);
    const [obstacle] = (await fixture.change()).obstacles;
    expect(obstacle).toContain("DataNode 2 is down, and may have chunks that nobody else has yet");
    await fixture.apply({ 2: "lost" });
    await fixture.clock.advance(2000);
    expect(await fixture.change()).toMatchObject({ state: done, reason: "DataNode 2 is lost" });
    expect(await fixture.cluster()).toMatchObject({ formerNodes: [2] });
  });

  test("a bucket needs all replicas: who is down holds the move up, who is lost does not", async () => {
    await begin(4);
    await fixture.createBucket("strict", { read: 1, write: 3 });
    await fixture.node(2).kill();
    await fixture.clock.advance(4000);
    await fixture.apply({ 2: "leaving" });
    await fixture.clock.advance(5000);
    expect(await fixture.change()).toMatchObject({ movesDone: 0, moving: 0 });
    expect((await fixture.change()).obstacles[0]).toMatch(
      /^waiting for DataNode 2, which is down.*\(1024 partitions\)$/,
    );
    await fixture.apply({ 2: "lost" });
    await fixture.clock.advance(20_000);
    expect(await fixture.change()).toMatchObject({ state: done });
    expect(await fixture.shares()).toBe("1:1024 3:1024 4:1024");
  });

  test("replaced: the other one takes exactly its places", async () => {
    await begin(2, { ...single, initialNodes: 2 });
    await fixture.startNodes(2);
    const before = (await fixture.cluster()).layout?.partitions.map(({ nodes }) => nodes);
    await fixture.apply({ 2: "leaving" }, { replacedBy: 4 });
    await fixture.clock.advance(10_000);
    expect(await fixture.change()).toMatchObject({
      state: done,
      reason: "DataNode 4 replaces DataNode 2, which leaves",
    });
    const after = (await fixture.cluster()).layout?.partitions.map(({ nodes }) => nodes);
    expect(after).toEqual(before?.map((nodes) => nodes.map((id) => (id === 2 ? 4 : id))));
  });
});

describe("refused", () => {
  beforeEach(() => begin(4, { initialNodes: 4 }));

  test.each([
    ["too few would be left", { 1: "leaving", 2: "draining" }, {}, "precondition_failed", "only 2 would be left"],
    ["an unknown node", { 9: "leaving" }, {}, "not_found", "no DataNode 9"],
    ["lost, and up", { 1: "lost" }, {}, "precondition_failed", "DataNode 1 is up"],
    ["replaced by who has its partitions already", { 1: "leaving" }, { replacedBy: 2 }, "precondition_failed", "twice"],
    ["replaced by itself", { 1: "leaving" }, { replacedBy: 1 }, "precondition_failed", "is to leave itself"],
    ["replaced, and staying", { 1: "draining" }, { replacedBy: 2 }, "invalid_argument", "leaves or is lost"],
    ["another layout by now", {}, { baseLayout: 7 }, "precondition_failed", "plan again"],
  ] as const)("%s", async (_what, roles, given, code, message) => {
    await expect(fixture.apply(roles, given)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await fixture.changes()).toEqual([]);
  });

  test("while the cluster forms", async () => {
    const forming = new Fixture();
    await forming.start();
    await forming.startNodes(2);
    await expect(forming.apply()).rejects.toMatchObject({ code: "unavailable" });
    await forming.stop();
  });
});

describe("the SuperNode crashes", () => {
  // One change with everything in it: four batches, a node that leaves, and the end.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "after commit %i of a change: it goes on, and ends as it was to",
    async (commits) => {
      await begin(1, { ...single, initialNodes: 1 });
      await fixture.startNodes(1);
      await fixture.clock.advance(600);
      fixture.disk.commitsLeft = commits;
      await fixture.apply({ 1: "leaving" }).catch(() => undefined);
      await fixture.clock.advance(8000);
      expect(fixture.disk.commitsLeft).toBeLessThanOrEqual(0);
      await fixture.restart();
      const { nodes } = await fixture.cluster();
      await fixture.reconnect(nodes.map(({ id }) => id));
      await fixture.clock.advance(12_000);
      expect(await fixture.changes()).toMatchObject([{ id: 1, state: done, movesDone: 1024 }]);
      expect(await fixture.cluster()).toMatchObject({ formerNodes: [1], nodes: [{ id: 2 }] });
      const { layout } = await fixture.cluster();
      expect(layout?.partitions.every((one) => one.joining.length === 0 && one.nodes.join() === "2")).toBe(true);
    },
  );
});

test("the oldest of a hundred changes goes", async () => {
  await begin(2, { ...single, initialNodes: 2 });
  for (let count = 0; count < 51; count += 1) {
    await fixture.apply({ 2: "draining" });
    await fixture.apply({ 2: "active" });
  }
  const ids = (await fixture.changes()).map(({ id }) => id);
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([100, 102, 3]);
});
