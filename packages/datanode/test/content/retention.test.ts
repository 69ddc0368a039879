import { afterEach, describe, expect, test } from "@jest/globals";
import { inlineBytesMax } from "@quorumfs/core";
import { NodeState } from "@quorumfs/proto";
import { SmallCluster, type SmallClusterOptions } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";
import { noise, upload } from "./fixture.js";
import { LargeClient } from "./large-client.js";

let cluster: SmallCluster;
let client: LargeClient;
afterEach(() => cluster.close());

const leaseMs = 60_000;
const retireAfterMs = 2000;
// The reaper looks every second.
const goneMs = retireAfterMs + 3000;
// The next sweep, every minute, after the lease; and the files before it.
const sweptMs = leaseMs + 60_000 + 10_000 + goneMs;

async function start(options: SmallClusterOptions = {}): Promise<void> {
  cluster = await SmallCluster.start({ config: { uploadLeaseMs: leaseMs, retireAfterMs }, ...options });
  client = new LargeClient(cluster);
}

const bytes = noise(inlineBytesMax + 70_000, 1);
const chunks = 4;
const all = [0, 1, 2, 3];

async function heldByEach(number: number): Promise<readonly (readonly number[])[]> {
  return Promise.all([...cluster.nodes.keys()].map((node) => client.held(node, "a", number, chunks)));
}

function loseNotices(): void {
  cluster.network.gate = ({ path }) => !path.endsWith("/KeepChunks");
}

/** Closes a node and starts it again on its disk. */
async function restart(index: number): Promise<void> {
  const disk = cluster.disks[index];
  await cluster.nodes[index]?.close();
  if (!disk) throw new Error("the node has a disk");
  await cluster.startNode(index, disk);
}

function publishState(index: number, state: NodeState): void {
  const { nodes } = cluster.superNode.cluster;
  const id = cluster.nodes[index]?.nodeId;
  cluster.superNode.publish({ nodes: nodes.map((node) => (node.id === id ? { ...node, state } : node)) });
}

describe("what a new version no longer names goes, and what it names stays (N=3 R=2 W=2)", () => {
  const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["overwritten by a large file", () => client.write("a", 2, bytes, { through: 1 })],
    ["overwritten by a small one", () => cluster.files(1).put("a", "small")],
    ["deleted", () => cluster.files(1).delete("a")],
  ];
  test.each(changes)("%s", async (_name, change) => {
    await start();
    await client.write("a", 1, bytes);
    await change();
    await settle();
    // Whoever began to read it before may go on for a while.
    expect(await heldByEach(1)).toEqual([all, all, all]);
    await cluster.clock.pass(goneMs);
    expect(await heldByEach(1)).toEqual([[], [], []]);
  });

  test("appended to: both uploads stay", async () => {
    await start();
    const base = await client.upload("a", 1, bytes);
    const { file } = await client.put("a", 1, { extents: [base] }, { bytes });
    const own = await client.upload("a", 2, bytes);
    const condition = { $case: "ifVersion", value: file?.version ?? 0 } as const;
    await client.put("a", 2, { extents: [base, own] }, { condition });
    await cluster.clock.pass(goneMs);
    expect(await heldByEach(1)).toEqual([all, all, all]);
    expect(await heldByEach(2)).toEqual([all, all, all]);
  });

  test("an upload that was put stays beyond its lease", async () => {
    await start();
    await client.write("a", 1, bytes);
    await cluster.clock.pass(sweptMs);
    expect(await heldByEach(1)).toEqual([all, all, all]);
    expect((await client.read("a")).equals(bytes)).toBe(true);
  });

  test("one that was put while no notice got through stays, too: the sweep finds it named", async () => {
    await start();
    loseNotices();
    await client.write("a", 1, bytes);
    await cluster.clock.pass(sweptMs);
    expect(await heldByEach(1)).toEqual([all, all, all]);
    expect((await client.read("a")).equals(bytes)).toBe(true);
  });
});

describe("a retry tells of what it made, and of nothing else (N=3 R=2 W=2)", () => {
  test("of a small file over a large one, whose notices were lost: what it replaced goes", async () => {
    await start();
    await client.write("a", 1, bytes);
    await settle();
    const request = { requestId: upload(5) };
    loseNotices();
    await cluster.files(0).put("a", "small", request);
    cluster.network.gate = () => true;
    await cluster.files(1).put("a", "small", { ...request, mayHaveRun: true });
    await cluster.clock.pass(goneMs);
    expect(await heldByEach(1)).toEqual([[], [], []]);
  });

  test("of a small file that was overwritten by a large one: that stays", async () => {
    await start();
    const request = { requestId: upload(5) };
    await cluster.files(0).put("a", "small", request);
    await client.write("a", 1, bytes);
    await cluster.files(1).put("a", "small", { ...request, mayHaveRun: true });
    await cluster.clock.pass(goneMs);
    expect(await heldByEach(1)).toEqual([all, all, all]);
    expect((await client.read("a")).equals(bytes)).toBe(true);
  });

  test("of a large file that was overwritten by another one: the other one stays", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes);
    await client.put("a", 1, { extents: [extent] }, { bytes });
    await client.write("a", 2, bytes);
    await client.put("a", 1, { extents: [extent] }, { bytes, mayHaveRun: true, through: 1 });
    await cluster.clock.pass(goneMs);
    expect(await heldByEach(1)).toEqual([[], [], []]);
    expect(await heldByEach(2)).toEqual([all, all, all]);
  });
});

describe("uploads that come to nothing (N=3 R=2 W=2)", () => {
  test("stay for their lease, then go", async () => {
    await start();
    await client.upload("a", 1, bytes);
    await cluster.clock.pass(leaseMs - 5000);
    expect(await heldByEach(1)).toEqual([all, all, all]);
    await cluster.clock.pass(sweptMs);
    expect(await heldByEach(1)).toEqual([[], [], []]);
  });

  test("go from beside a file that stays", async () => {
    await start();
    await client.write("a", 1, bytes);
    await client.upload("a", 2, bytes);
    await cluster.clock.pass(sweptMs);
    expect(await heldByEach(1)).toEqual([all, all, all]);
    expect(await heldByEach(2)).toEqual([[], [], []]);
  });

  test("cannot be put after half of their lease: the coordinator may have slept through the rest", async () => {
    await start({ config: { uploadLeaseMs: 10_000 } });
    const extent = await client.upload("a", 1, bytes);
    cluster.network.gate = ({ path, from }) => from === "" || !path.endsWith("/StatChunks");
    const putting = client.put("a", 1, { extents: [extent] }, { bytes });
    const outcome = expect(putting).rejects.toBeDefined();
    await cluster.clock.pass(6000);
    cluster.network.release();
    await cluster.clock.pass(10_000);
    await outcome;
    await expect(client.get("a", { through: 1 })).rejects.toMatchObject({ code: "not_found" });
  });

  test("stay as long as no quorum can say that they are not needed", async () => {
    await start();
    await client.upload("a", 1, bytes);
    await cluster.nodes[1]?.close();
    await cluster.nodes[2]?.close();
    await cluster.clock.pass(sweptMs);
    expect(await client.held(0, "a", 1, chunks)).toEqual(all);
  });

  test("a vote that only one node has heard of: kept whole or never to be seen", async () => {
    for (const witness of [0, 1]) {
      await start();
      const extent = await client.upload("a", 1, bytes);
      // Everybody promises; then no other node hears of the ACCEPT, and the coordinator dies.
      let frames = 0;
      const others = cluster.nodes.slice(1).map(({ address }) => address);
      cluster.network.gate = ({ from, to, path }) => {
        if (from !== "1" || !path.endsWith("/Exchange")) return true;
        frames += 1;
        return frames <= others.length || (witness === 1 && to === others[0]);
      };
      const putting = client.put("a", 1, { extents: [extent] }, { bytes }).catch((error: unknown) => error);
      await settle();
      await cluster.nodes[0]?.close();
      await putting;
      cluster.network.gate = () => true;
      await cluster.clock.pass(sweptMs);
      const found = await client.read("a", { through: 1 }).catch((error: unknown) => error);
      if (Buffer.isBuffer(found)) expect(found.equals(bytes)).toBe(true);
      else expect(found).toMatchObject({ code: "not_found" });
      // What was settled once stays settled when the coordinator is back with its vote.
      await restart(0);
      await cluster.clock.pass(sweptMs);
      const later = await client.read("a", { through: 2 }).catch((error: unknown) => error);
      if (Buffer.isBuffer(found)) expect(later).toEqual(found);
      else expect(later).toMatchObject({ code: "not_found" });
      if (witness === 0) await cluster.close();
    }
  });
});

describe("notices that were lost are made good (N=3 R=2 W=2)", () => {
  test("by a node that starts anew: what was deleted without its knowledge goes", async () => {
    await start();
    await client.write("a", 1, bytes);
    await settle();
    loseNotices();
    await cluster.files(0).delete("a");
    await cluster.clock.pass(goneMs);
    expect((await heldByEach(1)).filter((held) => held.length > 0)).toHaveLength(2);
    await restart(1);
    await cluster.clock.pass(10_000 + goneMs);
    expect(await client.held(1, "a", 1, chunks)).toEqual([]);
  });

  test("by a node that was taken for gone and is back", async () => {
    await start();
    await client.write("a", 1, bytes);
    await settle();
    loseNotices();
    await cluster.files(0).put("a", "small");
    publishState(2, NodeState.NODE_STATE_SUSPECT);
    await settle();
    publishState(2, NodeState.NODE_STATE_UP);
    await cluster.clock.pass(goneMs);
    expect(await client.held(2, "a", 1, chunks)).toEqual([]);
    expect(await client.held(1, "a", 1, chunks)).toEqual(all);
  });

  test("by the others: a node that missed the whole upload fetches it when it is back", async () => {
    await start();
    const disk = cluster.disks[2];
    await cluster.nodes[2]?.close();
    publishState(2, NodeState.NODE_STATE_DOWN);
    await settle();
    const extent = await client.upload("a", 1, bytes, { to: () => [0, 1] });
    await client.put("a", 1, { extents: [extent] }, { bytes });
    if (disk) await cluster.startNode(2, disk);
    await cluster.clock.pass(30_000);
    expect(await client.held(2, "a", 1, chunks)).toEqual(all);
  });

  test("a chunk that one replica did not get is fetched with the first notice", async () => {
    await start();
    const extent = await client.upload("a", 1, bytes, { to: (index) => (index === 2 ? [0, 1] : [0, 1, 2]) });
    await client.put("a", 1, { extents: [extent] }, { bytes });
    await cluster.clock.pass(1000);
    expect(await client.held(2, "a", 1, chunks)).toEqual(all);
  });
});
