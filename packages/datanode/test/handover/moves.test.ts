import { afterEach, describe, expect, test } from "@jest/globals";
import { type Bucket, Consistency, Durability, FileServiceService } from "@quorumfs/proto";
import { LargeClient } from "../content/large-client.js";
import { noise } from "../content/fixture.js";
import { SmallCluster, type SmallClusterOptions } from "../support/small-cluster.js";
import { filesBucket } from "../support/fake-super-node.js";
import { MovingCluster } from "./moving-cluster.js";

let cluster: SmallCluster | undefined;
afterEach(() => cluster?.close());

async function start(options: SmallClusterOptions = {}): Promise<{ cluster: SmallCluster; move: MovingCluster }> {
  const started = await SmallCluster.start({ nodes: 4, replicas: 3, ...options });
  cluster = started;
  return { cluster: started, move: new MovingCluster(started) };
}

const text = (content: Uint8Array) => new TextDecoder().decode(content);

async function contentOf(subject: SmallCluster, index: number, path: string, bucket = "files"): Promise<string> {
  return text((await subject.files(index).get(path, bucket)).content);
}

const paths = Array.from({ length: 40 }, (_, at) => `file-${at}`);

async function fill(subject: SmallCluster): Promise<void> {
  await Promise.all(paths.map((path) => subject.files(0).put(path, `content of ${path}`)));
  await subject.files(0).delete("file-0");
}

async function expectFilled(subject: SmallCluster, index: number): Promise<void> {
  for (const path of paths.slice(1)) expect(await contentOf(subject, index, path)).toBe(`content of ${path}`);
  await expect(subject.files(index).get("file-0")).rejects.toMatchObject({ code: "not_found" });
}

/** W = N: every vote counts. */
const strict: Bucket = { ...filesBucket, id: 2, name: "strict", readQuorum: 1, writeQuorum: 3 };
const memory: Bucket = { ...filesBucket, id: 3, name: "memory", durability: Durability.DURABILITY_MEMORY };

describe("a partition that moves", () => {
  test("its new node has everything before the old one goes, and then the old one has nothing", async () => {
    const { cluster, move } = await start({ buckets: [filesBucket, memory] });
    await fill(cluster);
    await cluster.files(0).put("in memory", "x", { bucket: "memory" });
    expect(move.rows(3, "records")).toBe(0);
    await move.join(2, 3, 4);
    await move.synced(2, 3, 4);
    expect(move.rows(3, "records")).toBe(paths.length + 1);
    await move.complete();
    await move.until("node 1 has dropped its records", () => move.rows(0, "records") === 0);
    await expectFilled(cluster, 3);
    expect(await contentOf(cluster, 3, "in memory", "memory")).toBe("x");
    await move.until("node 1 says so", () => move.status(1)?.leavingPartitions === 0);
    for (const table of ["promises", "contents", "floors", "holdings"])
      expect([table, move.rows(0, table)]).toEqual([table, 0]);
  });

  test("it is written and deleted meanwhile, with quorums of both groups", async () => {
    const { cluster, move } = await start();
    await fill(cluster);
    await move.join(2, 3, 4);
    await Promise.all(paths.slice(20).map((path) => cluster.files(1).put(path, `second of ${path}`)));
    await cluster.files(2).delete("file-1");
    await move.synced(2, 3, 4);
    await move.complete();
    await move.kill(1);
    for (const path of paths.slice(20)) expect(await contentOf(cluster, 3, path)).toBe(`second of ${path}`);
    await expect(cluster.files(3).get("file-1")).rejects.toMatchObject({ code: "not_found" });
    expect(await contentOf(cluster, 2, "file-2")).toBe("content of file-2");
  });

  test("a relaxed read does not take the word of a node that has nothing of it yet", async () => {
    const { cluster, move } = await start();
    await cluster.files(0).put("a", "hello");
    // One of the old nodes is too few to take anything over from.
    await move.kill(0);
    await move.kill(1);
    await move.join(2, 3, 4);
    expect(move.rows(3, "records")).toBe(0);
    const request = { bucket: "files", path: "a", consistency: Consistency.CONSISTENCY_RELAXED, acceptManifest: false };
    const got = await cluster.files(3).channel.unary(FileServiceService.get, request, { timeoutMs: 10_000 });
    expect(text(got.content)).toBe("hello");
  });

  test("all three nodes at once", async () => {
    const { cluster, move } = await start({ nodes: 6 });
    await fill(cluster);
    await move.join(4, 5, 6);
    await move.synced(4, 5, 6);
    await move.complete();
    for (const index of [0, 1, 2]) await move.kill(index);
    await expectFilled(cluster, 4);
  });

  test("a write that reached one node only: it is settled, once and for all", async () => {
    const { cluster, move } = await start();
    await cluster.files(0).put("file", "first");
    cluster.holdVotesFrom(0);
    const writing = cluster
      .files(0)
      .put("file", "second")
      .catch(() => undefined);
    await cluster.clock.pass(100);
    await move.join(2, 3, 4);
    cluster.network.release();
    await move.synced(2, 3, 4);
    await writing;
    await move.complete();
    const found = await contentOf(cluster, 3, "file");
    expect(["first", "second"]).toContain(found);
    await move.kill(1);
    expect(await contentOf(cluster, 2, "file")).toBe(found);
  });

  test("an acknowledged write that only one living node has: nobody knows that it was chosen, and it is not lost", async () => {
    const { cluster, move } = await start({ nodes: 5 });
    await cluster.files(0).put("file", "first");
    const third = cluster.nodes[2]?.address;
    cluster.network.gate = ({ to, path }) => to !== third || !path.endsWith("/Exchange");
    await cluster.files(0).put("file", "second");
    // Before it can tell anybody.
    await move.kill(0);
    cluster.network.release();
    await move.join(3, 4, 5);
    await move.synced(3, 4, 5);
    await move.complete();
    await move.kill(1);
    for (const index of [2, 3, 4]) expect(await contentOf(cluster, index, "file")).toBe("second");
  });

  test("one old node is dead: the others are enough. Two: it waits, and says for whom", async () => {
    const { cluster, move } = await start();
    await fill(cluster);
    await move.kill(0);
    await move.join(2, 3, 4);
    await move.synced(2, 3, 4);
    await move.complete();
    await expectFilled(cluster, 3);
    await move.kill(1);
    await move.kill(2);
    await move.join(1, 3, 4);
    await move.until("node 4 says what is in the way", () => (move.status(4)?.obstacle ?? "").includes("DataNode 2"));
    expect(move.status(4)).toMatchObject({ joiningPartitions: 1024 });
  });

  test("W = N and one old node lost for good: the others' words and a round bring everything to the new group", async () => {
    const { cluster, move } = await start({ buckets: [filesBucket, strict] });
    await cluster.files(0).put("file", "content", { bucket: "strict" });
    await move.kill(2);
    await move.join(1, 2, 4);
    await move.synced(1, 2, 4);
    await move.complete();
    expect(await contentOf(cluster, 3, "file", "strict")).toBe("content");
    await cluster.files(3).put("file", "next", { bucket: "strict" });
    expect(await contentOf(cluster, 0, "file", "strict")).toBe("next");
  });

  test("the new node starts anew on the way: it goes on with what it has", async () => {
    const { cluster, move } = await start();
    await fill(cluster);
    await move.kill(0);
    await move.kill(1);
    await move.join(2, 3, 4);
    await move.until("node 4 waits", () => (move.status(4)?.obstacle ?? "") !== "");
    await move.kill(3);
    await move.restart(0);
    await move.restart(1);
    await move.restart(3);
    await move.synced(2, 3, 4);
    const records = move.rows(3, "records");
    await move.kill(3);
    await move.restart(3);
    await move.synced(2, 3, 4);
    expect(move.rows(3, "records")).toBe(records);
    await move.complete();
    await expectFilled(cluster, 3);
  });

  test("a node that comes back to a partition begins with nothing: a file whose tombstone is gone stays deleted", async () => {
    const { cluster, move } = await start({ config: { tombstoneGraceMs: 1000 } });
    await cluster.files(0).put("kept", "kept");
    await cluster.files(0).put("deleted", "old");
    await move.join(2, 3, 4);
    await move.synced(2, 3, 4);
    // Node 1 goes away before it can drop anything.
    await move.kill(0);
    await move.complete();
    await cluster.files(3).delete("deleted");
    await move.until("the tombstone is gone", () => [1, 2, 3].every((index) => move.rows(index, "records") === 1));
    await move.restart(0);
    await move.join(1, 2, 3);
    await move.synced(1, 2, 3);
    await move.complete();
    await move.kill(2);
    await expect(cluster.files(0).get("deleted")).rejects.toMatchObject({ code: "not_found" });
    expect(await contentOf(cluster, 0, "kept")).toBe("kept");
  });

  test("a move that is superseded by another one for the same old group begins anew", async () => {
    const { cluster, move } = await start({ nodes: 5 });
    await fill(cluster);
    await move.join(3, 4, 5);
    await move.synced(3, 4, 5);
    await move.kill(4);
    await move.join(2, 3, 4);
    await move.synced(2, 3, 4);
    await move.complete();
    await move.kill(0);
    await expectFilled(cluster, 3);
  });

  test("chunks come along; who leaves hands on what came late, and keeps none", async () => {
    const { cluster, move } = await start();
    const client = new LargeClient(cluster);
    const bytes = noise(300_000, 7);
    await client.write("large", 1, bytes);
    // Of an upload that nobody has named yet.
    await client.upload("pending", 2, noise(200_000, 8));
    await move.join(2, 3, 4);
    await move.synced(2, 3, 4);
    expect(move.rows(3, "chunks")).toBe(move.rows(0, "chunks"));
    await client.writeChunk(0, "pending", { number: 2, index: 99 }, noise(1000, 9));
    await move.complete();
    await move.until("node 1 has no chunks", () => move.rows(0, "chunks") === 0);
    expect(Buffer.compare(await client.read("large", { through: 3 }), Buffer.from(bytes))).toBe(0);
    for (const node of [1, 2, 3]) expect(await client.held(node, "pending", 2, 100)).toContain(99);
    await move.until("node 1 says so", () => move.status(1)?.leavingPartitions === 0);
  });

  test("a replica that is away keeps the old node's chunks where they are until it is back", async () => {
    const { cluster, move } = await start();
    const client = new LargeClient(cluster);
    await client.write("large", 1, noise(300_000, 7));
    await move.join(2, 3, 4);
    await move.synced(2, 3, 4);
    await move.kill(3);
    await move.complete();
    await move.until("node 1 waits", () => (move.status(1)?.obstacle ?? "").includes("chunks"));
    expect(move.rows(0, "chunks")).toBeGreaterThan(0);
    await move.restart(3);
    await move.until("node 1 has no chunks", () => move.rows(0, "chunks") === 0);
  });
});
