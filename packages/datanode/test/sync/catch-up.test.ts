import { afterEach, describe, expect, test } from "@jest/globals";
import { NodeState, SyncState, type SyncStatus } from "@quorumfs/proto";
import { ballot, tombstoneOf } from "../replica/fixture.js";
import { askNode, recordsOf } from "../support/node-records.js";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

async function start(): Promise<void> {
  cluster = await SmallCluster.start();
  await cluster.clock.pass(2000);
}

function publishState(index: number, state: NodeState): void {
  const id = cluster.nodes[index]?.nodeId;
  cluster.superNode.publish({
    nodes: cluster.superNode.cluster.nodes.map((node) => (node.id === id ? { ...node, state } : node)),
  });
}

async function takeAway(index: number): Promise<void> {
  await cluster.nodes[index]?.close();
  publishState(index, NodeState.NODE_STATE_DOWN);
  await settle();
}

async function bringBack(index: number): Promise<void> {
  const disk = cluster.disks[index];
  if (disk) await cluster.startNode(index, disk);
}

/** What node `index` has said of itself last. */
function statusOf(index: number): SyncStatus | undefined {
  const id = cluster.nodes[index]?.nodeId;
  return cluster.superNode.beats.findLast((beat) => beat.nodeId === id)?.load?.sync;
}

const sizes = [1, 1000, 5000];

async function change(count: number, mark: string): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const content = mark.repeat(sizes[index % sizes.length] ?? 1);
    await cluster.files(0).put(`file-${index}`, content);
    if (index % 5 === 4) await cluster.files(0).delete(`file-${index}`);
  }
}

describe("a node that was away (N=3 R=2 W=2)", () => {
  test("has all that the others have, soon after its start; nobody reads anything", async () => {
    await start();
    await change(40, "a");
    await takeAway(2);
    await change(60, "b");
    await bringBack(2);
    await cluster.clock.pass(3000);
    const records = await recordsOf(cluster, 0);
    expect(Object.keys(records)).toHaveLength(60);
    expect(await recordsOf(cluster, 2)).toEqual(records);
    const reply = await askNode(cluster, 2, { path: "file-2", request: { kind: "read", withContent: true } });
    expect(reply).toMatchObject({ value: { size: 5000, content: { kind: "inline" } } });
  });

  test("says how far it is behind: not in sync before it has compared, and fetched", async () => {
    await start();
    await takeAway(2);
    await change(30, "a");
    // The others do not answer its comparisons yet.
    const third = String(cluster.nodes[2]?.nodeId);
    cluster.network.gate = ({ from, path }) => from !== third || !path.includes("SyncService");
    await bringBack(2);
    await cluster.clock.pass(2000);
    expect(statusOf(2)).toMatchObject({ state: SyncState.SYNC_STATE_COMPARING, inSyncAtMs: 0 });
    cluster.network.release();
    await cluster.clock.pass(15_000);
    expect(statusOf(2)).toMatchObject({ state: SyncState.SYNC_STATE_IN_SYNC, behindRecords: 0, behindBytes: 0 });
    expect(statusOf(2)?.inSyncAtMs).toBeGreaterThan(0);
  });

  test("was taken for gone only: it compares when it is back", async () => {
    await start();
    const third = cluster.nodes[2]?.address;
    cluster.network.gate = ({ to, path }) => to !== third || !path.endsWith("/Exchange");
    await change(10, "a");
    publishState(2, NodeState.NODE_STATE_DOWN);
    await cluster.clock.pass(5000);
    expect(await recordsOf(cluster, 2)).toEqual({});
    cluster.network.gate = () => true;
    publishState(2, NodeState.NODE_STATE_UP);
    await cluster.clock.pass(5000);
    expect(await recordsOf(cluster, 2)).toEqual(await recordsOf(cluster, 0));
  });
});

describe("votes that were lost (N=3 R=2 W=2)", () => {
  async function loseVotesTo(index: number): Promise<void> {
    const address = cluster.nodes[index]?.address;
    cluster.network.gate = ({ to, path }) => to !== address || !path.endsWith("/Exchange");
    await change(10, "a");
    cluster.network.gate = () => true;
  }

  test("are made good within a minute or two", async () => {
    await start();
    await loseVotesTo(1);
    expect(await recordsOf(cluster, 1)).toEqual({});
    await cluster.clock.pass(120_000);
    expect(await recordsOf(cluster, 1)).toEqual(await recordsOf(cluster, 0));
    expect(statusOf(1)).toMatchObject({ state: SyncState.SYNC_STATE_IN_SYNC });
  });

  test("and that the node may not give any more, since it has promised more: a round settles the file", async () => {
    await start();
    await loseVotesTo(1);
    const reply = await askNode(cluster, 1, {
      path: "file-0",
      request: { kind: "prepare", ballot: { counter: 50, node: 1, incarnation: 9 } },
    });
    expect(reply).toMatchObject({ kind: "state" });
    await cluster.clock.pass(150_000);
    const records = await recordsOf(cluster, 1);
    expect(records["file-0"]).toMatch(/^5\d\./);
    expect(await recordsOf(cluster, 0)).toEqual(records);
    expect(await recordsOf(cluster, 2)).toEqual(records);
  });
});

test("what an ERASE has left on another node is not fetched again (N=3 R=2 W=2)", async () => {
  await start();
  for (const index of [0, 1, 2]) {
    await askNode(cluster, index, { path: "a", request: { kind: "accept", ballot: ballot(1), value: tombstoneOf(1) } });
    if (index < 2) await askNode(cluster, index, { path: "a", request: { kind: "erase", ballot: ballot(1) } });
  }
  await cluster.clock.pass(150_000);
  expect(await recordsOf(cluster, 0)).toEqual({});
  expect(await recordsOf(cluster, 2)).toEqual({ a: "-1.1" });
  for (const index of [0, 1, 2]) expect(statusOf(index)).toMatchObject({ state: SyncState.SYNC_STATE_IN_SYNC });
});

test("with five nodes, each partition from those that hold it (N=3)", async () => {
  cluster = await SmallCluster.start({ nodes: 5, replicas: 3 });
  await cluster.clock.pass(2000);
  await takeAway(4);
  await change(60, "a");
  const holders = async (path: string) => {
    const found = await Promise.all(cluster.nodes.map((_, index) => recordsOf(cluster, index)));
    return found.filter((records) => records[path] !== undefined).length;
  };
  await bringBack(4);
  await cluster.clock.pass(10_000);
  for (let index = 0; index < 60; index += 1) expect(await holders(`file-${index}`)).toBe(3);
});
