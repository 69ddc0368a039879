import { afterEach, describe, expect, test } from "@jest/globals";
import { inlineBytesMax, type ReplicaReply } from "@quorumfs/core";
import { NodeState } from "@quorumfs/proto";
import { noise } from "../content/fixture.js";
import { LargeClient } from "../content/large-client.js";
import { ballot, tombstoneOf } from "../replica/fixture.js";
import { askNode, recordsOf } from "../support/node-records.js";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

const graceMs = 10_000;
/** The first replica collects after the grace period, the others later; and a pass has to come round. */
const collectedMs = 4 * graceMs;

let cluster: SmallCluster;
afterEach(() => cluster.close());

async function start(): Promise<void> {
  cluster = await SmallCluster.start({ config: { tombstoneGraceMs: graceMs } });
  await cluster.clock.pass(1000);
}

function publishState(index: number, state: NodeState): void {
  const id = cluster.nodes[index]?.nodeId;
  cluster.superNode.publish({
    nodes: cluster.superNode.cluster.nodes.map((node) => (node.id === id ? { ...node, state } : node)),
  });
}

const requestId = (fill: number) => new Uint8Array(16).fill(fill);

async function floorOf(index: number, path: string): Promise<number> {
  const reply: ReplicaReply = await askNode(cluster, index, { path, request: { kind: "read", withContent: false } });
  return reply.kind === "state" ? reply.floor : 0;
}

describe("a tombstone (N=3 R=2 W=2)", () => {
  test("stays for the grace period, then goes on all nodes; other files stay", async () => {
    await start();
    for (let index = 0; index < 30; index += 1) await cluster.files(index % 3).put(`file-${index}`, "x");
    for (let index = 0; index < 20; index += 1) await cluster.files(index % 3).delete(`file-${index}`);
    await cluster.clock.pass(graceMs - 2000);
    expect(Object.keys(await recordsOf(cluster, 0))).toHaveLength(30);
    await cluster.clock.pass(collectedMs);
    const left = Array.from({ length: 10 }, (_, index) => `file-${index + 20}`);
    for (const index of [0, 1, 2]) expect(Object.keys(await recordsOf(cluster, index)).sort()).toEqual(left);
    const page = await cluster.files(1).list();
    expect(page.files.map(({ path }) => path)).toEqual(left);
    await expect(cluster.files(2).get("file-3")).rejects.toMatchObject({ code: "not_found" });
  });

  test("is followed by a higher version", async () => {
    await start();
    for (let version = 0; version < 5; version += 1) await cluster.files(0).put("a", "x");
    const deleted = await cluster.files(1).delete("a");
    await cluster.clock.pass(collectedMs);
    expect(await recordsOf(cluster, 0)).toEqual({});
    for (const index of [2, 0]) {
      const { file } = await cluster.files(index).put("a", "new");
      expect(file?.version).toBeGreaterThan(deleted.version);
    }
  });

  test("is gone, and with it the mark of a put: its retry is not applied again, and nobody can say what became of it", async () => {
    await start();
    await cluster.files(0).put("a", "x", { requestId: requestId(1) });
    await cluster.files(0).delete("a", { requestId: requestId(2) });
    await cluster.clock.pass(collectedMs);
    expect(await recordsOf(cluster, 0)).toEqual({});
    const again = { requestId: requestId(1), mayHaveRun: true, seenVersion: 0 };
    await expect(cluster.files(1).put("a", "x", again)).rejects.toMatchObject({ code: "unknown_outcome" });
    await expect(cluster.files(0).get("a")).rejects.toMatchObject({ code: "not_found" });
  });

  test("of a large file is gone: a node that has missed the delete finds out all the same that nobody needs its chunks", async () => {
    cluster = await SmallCluster.start({ config: { tombstoneGraceMs: graceMs, retireAfterMs: 1000 } });
    const client = new LargeClient(cluster);
    // All have looked after what they have, as they do at their start.
    await cluster.clock.pass(10_000);
    await client.write("a", 1, noise(inlineBytesMax + 70_000, 1));
    await settle();
    cluster.network.gate = ({ path }) => !path.endsWith("/KeepChunks");
    await cluster.files(0).delete("a");
    await cluster.clock.pass(collectedMs);
    expect(await recordsOf(cluster, 1)).toEqual({});
    expect(await client.held(1, "a", 1, 4)).toEqual([0, 1, 2, 3]);
    const disk = cluster.disks[1];
    await cluster.nodes[1]?.close();
    if (disk) await cluster.startNode(1, disk);
    await cluster.clock.pass(collectedMs);
    expect(await client.held(1, "a", 1, 4)).toEqual([]);
    for (const index of [0, 1, 2]) expect(await recordsOf(cluster, index)).toEqual({});
  });

  test("stays while a node is away, and goes when it is back and has caught up", async () => {
    await start();
    await cluster.files(0).put("a", "x");
    await cluster.nodes[2]?.close();
    publishState(2, NodeState.NODE_STATE_DOWN);
    await settle();
    await cluster.files(0).delete("a");
    await cluster.clock.pass(10 * graceMs);
    for (const index of [0, 1]) expect(Object.keys(await recordsOf(cluster, index))).toEqual(["a"]);
    const disk = cluster.disks[2];
    if (disk) await cluster.startNode(2, disk);
    await cluster.clock.pass(collectedMs);
    for (const index of [0, 1, 2]) expect(await recordsOf(cluster, index)).toEqual({});
    await expect(cluster.files(2).get("a")).rejects.toMatchObject({ code: "not_found" });
  });

  test("stays while a node that seems to be there does not vote", async () => {
    await start();
    await cluster.files(0).put("a", "x");
    await cluster.files(0).delete("a");
    const { nodeId: node, address } = cluster.nodes[1] ?? {};
    cluster.network.gate = ({ from, to, path }) =>
      !path.endsWith("/Exchange") || (from !== String(node) && to !== address);
    await cluster.clock.pass(collectedMs);
    for (const index of [0, 2]) expect(Object.keys(await recordsOf(cluster, index))).toEqual(["a"]);
  });

  test("stays while its partition moves", async () => {
    await start();
    await cluster.files(0).put("a", "x");
    await cluster.files(0).delete("a");
    const { layout } = cluster.superNode.cluster;
    const number = (layout?.number ?? 0) + 1;
    const partitions = (layout?.partitions ?? []).map(({ nodes }) => ({ nodes, joining: nodes, layout: number }));
    cluster.superNode.publish({ layout: { number, replicas: 3, partitions } });
    await cluster.clock.pass(collectedMs);
    for (const index of [0, 1, 2]) expect(Object.keys(await recordsOf(cluster, index))).toEqual(["a"]);
  });
});

describe("a tombstone that others have erased already (N=3 R=2 W=2)", () => {
  test.each([0, 1, 2])("left on node %d by an ERASE that was lost, is collected from there", async (left) => {
    await start();
    const accept = { kind: "accept", ballot: ballot(1), value: { ...tombstoneOf(1), modifiedAtMs: 0 } } as const;
    for (const index of [0, 1, 2]) await askNode(cluster, index, { path: "a", request: accept });
    for (const index of [0, 1, 2].filter((other) => other !== left)) {
      await askNode(cluster, index, { path: "a", request: { kind: "erase", ballot: ballot(1) } });
    }
    expect(await recordsOf(cluster, left)).toEqual({ a: "-1.1" });
    await cluster.clock.pass(collectedMs);
    for (const index of [0, 1, 2]) expect(await recordsOf(cluster, index)).toEqual({});
    expect(await floorOf(left, "a")).toBeGreaterThan(1);
  });
});
