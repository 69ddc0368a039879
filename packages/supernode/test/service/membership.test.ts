import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AdminServiceService, ClusterServiceService, type WatchLayoutResponse } from "@quorumfs/proto";
import { settle } from "../support/virtual-clock.js";
import { Fixture } from "./fixture.js";

let fixture: Fixture;

beforeEach(async () => {
  fixture = new Fixture();
  await fixture.start();
});

afterEach(() => fixture.stop());

describe("forming", () => {
  test("until N DataNodes have joined there is no layout, and everybody is told so", async () => {
    const forming = "cluster is forming: 2 of 3 DataNodes have joined";
    await fixture.startNodes(2);
    expect(await fixture.condition()).toBe(forming);
    expect((await fixture.cluster()).layout).toBeUndefined();
    const refused = { code: "unavailable", message: forming };
    await expect(fixture.createBucket("more")).rejects.toMatchObject(refused);
    await expect(fixture.state()).rejects.toMatchObject(refused);
    const locate = fixture.channel.unary(ClusterServiceService.locate, { bucket: "files", path: "a" }, {});
    await expect(locate).rejects.toMatchObject(refused);
    await expect(fixture.channel.unary(AdminServiceService.getBucket, { name: "files" }, {})).rejects.toMatchObject(
      refused,
    );
  });

  test("with N DataNodes there is a layout over all of them, and the bucket `files`", async () => {
    await fixture.startNodes(3);
    expect(await fixture.condition()).toBe("ready");
    const { layout, buckets, replicas } = await fixture.cluster();
    expect(layout).toMatchObject({ number: 1, replicas: 3 });
    expect(layout?.partitions).toHaveLength(1024);
    expect(layout?.partitions.every(({ nodes }) => [...nodes].sort().join() === "1,2,3")).toBe(true);
    expect(buckets).toMatchObject([{ id: 1, name: "files", readQuorum: 2, writeQuorum: 2, durability: 1 }]);
    expect(replicas).toBe(3);
  });

  test("a node that went away before is no part of the first layout", async () => {
    await fixture.startNodes(1);
    await fixture.node(1).kill();
    await fixture.clock.advance(3000);
    await fixture.startNodes(2);
    expect(await fixture.condition()).toBe("cluster is forming: 2 of 3 DataNodes have joined");
    await fixture.startNodes(1);
    expect(await fixture.condition()).toBe(
      "ready; DataNode 1 is down and holds nothing: quorumfs node remove --lost takes it off the list",
    );
    const { layout } = await fixture.cluster();
    expect(layout?.partitions.every(({ nodes }) => !nodes.includes(1))).toBe(true);
  });

  test("more initial nodes: the layout waits for them and spreads over them", async () => {
    const wider = new Fixture({ initialNodes: 5 });
    await wider.start();
    await wider.startNodes(4);
    expect(await wider.condition()).toBe("cluster is forming: 4 of 5 DataNodes have joined");
    await wider.startNodes(1);
    const { layout } = await wider.cluster();
    const held = [1, 2, 3, 4, 5].map((id) => layout?.partitions.filter(({ nodes }) => nodes.includes(id)).length ?? 0);
    for (const count of held) expect(count).toBeGreaterThan(500);
    expect(held.reduce((sum, count) => sum + count)).toBe(3 * 1024);
    await wider.stop();
  });
});

describe("health", () => {
  beforeEach(() => fixture.startNodes(3));

  test("a killed DataNode is suspect at once, and down within 3 s", async () => {
    await fixture.node(2).kill();
    await settle();
    expect(await fixture.health()).toEqual(["1 up", "2 suspect", "3 up"]);
    expect(await fixture.condition()).toBe("ready");
    await fixture.clock.advance(3000);
    expect(await fixture.health()).toEqual(["1 up", "2 down", "3 up"]);
    expect(await fixture.condition()).toBe("ready, but DataNode 2 down");
  });

  test("a DataNode that hangs without a word is down within 3 s", async () => {
    fixture.node(2).freeze();
    await fixture.clock.advance(1100);
    expect(await fixture.health()).toEqual(["1 up", "2 suspect", "3 up"]);
    await fixture.clock.advance(1900);
    expect(await fixture.health()).toEqual(["1 up", "2 down", "3 up"]);
  });

  test("two down of three: no quorum, and said so", async () => {
    await fixture.node(2).kill();
    await fixture.node(3).kill();
    await fixture.clock.advance(3000);
    expect(await fixture.condition()).toBe(
      "1024 of 1024 partitions of bucket files lack a quorum: DataNodes 2, 3 down",
    );
  });

  test("a DataNode that starts again is up at its new address, under its old number", async () => {
    await fixture.node(2).kill();
    await fixture.clock.advance(3000);
    await fixture.node(2).start();
    await fixture.clock.advance(600);
    const { nodes } = await fixture.cluster();
    expect(nodes[1]).toMatchObject({ id: 2, state: 1, incarnation: 2, address: fixture.node(2).address });
    expect(fixture.node(1).cluster?.nodes[1]).toMatchObject({ address: fixture.node(2).address });
  });

  test("the SuperNode slept: nobody is blamed for it", async () => {
    await fixture.clock.sleep(60_000);
    expect(await fixture.health()).toEqual(["1 up", "2 up", "3 up"]);
    await fixture.clock.advance(5000);
    expect(await fixture.health()).toEqual(["1 up", "2 up", "3 up"]);
  });

  test("beats of an earlier run of a DataNode are not heard", async () => {
    const node = fixture.node(2);
    await node.kill();
    await fixture.clock.advance(3000);
    node.incarnation += 1;
    await node.join({ address: "127.0.0.1:9" });
    node.incarnation -= 1;
    node.beat();
    await fixture.clock.advance(3000);
    expect(await fixture.health()).toEqual(["1 up", "2 down", "3 up"]);
  });
});

describe("restart of the SuperNode", () => {
  test("nothing is lost; all are suspect until they are heard, and who is gone is down within 3 s", async () => {
    await fixture.startNodes(3);
    await fixture.createBucket("more", { read: 3, write: 1 });
    const before = await fixture.cluster();
    await fixture.node(3).kill();
    await fixture.stop();
    await fixture.start();
    expect(await fixture.health()).toEqual(["1 suspect", "2 suspect", "3 suspect"]);
    const after = await fixture.cluster();
    expect(after.revision).toBeGreaterThan(before.revision);
    expect({ ...after, revision: 0, nodes: [] }).toEqual({ ...before, revision: 0, nodes: [] });
    expect(after.nodes.map(({ address }) => address)).toEqual(before.nodes.map(({ address }) => address));
    for (const number of [1, 2]) {
      await fixture.node(number).join();
      fixture.node(number).beat();
    }
    await fixture.clock.advance(3000);
    expect(await fixture.health()).toEqual(["1 up", "2 up", "3 down"]);
  });

  test("a store that went back is refused, also where the SuperNode knows of its commits by beats alone", async () => {
    await fixture.startNodes(3);
    const node = fixture.node(2);
    node.commits = 500;
    await fixture.clock.advance(11_000);
    await fixture.restart();
    await fixture.reconnect([1, 3]);
    await node.kill();
    node.commits = 499;
    await expect(node.start()).rejects.toMatchObject({
      code: "permission_denied",
      details: { storeFault: "rolled_back" },
      message: expect.stringContaining("node 2 has made 500 commits, and this store knows of 499 only"),
    });
    await node.kill();
    node.commits = 500;
    await node.start();
    await fixture.clock.advance(600);
    expect(await fixture.health()).toEqual(["1 up", "2 up", "3 up"]);
  });

  test("a store from before the layout refuses those who know it, and they may try again", async () => {
    const older = new Fixture();
    await older.start();
    const node = older.newNode();
    await expect(node.start({ layout: 4 })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("older than the cluster"),
    });
    await older.stop();
  });

  test("a disk that refuses: the join fails, and nothing is published", async () => {
    await fixture.startNodes(2);
    const { revision } = await fixture.cluster();
    fixture.disk.break();
    await expect(fixture.newNode().start()).rejects.toMatchObject({ code: "unavailable" });
    expect((await fixture.cluster()).revision).toBe(revision);
  });
});

describe("watch", () => {
  function watch(revision = 0): AsyncIterator<WatchLayoutResponse> {
    return fixture.channel.serverStream(ClusterServiceService.watchLayout, { revision }, {})[Symbol.asyncIterator]();
  }

  async function next(watcher: AsyncIterator<WatchLayoutResponse>): Promise<WatchLayoutResponse["update"]> {
    const result: IteratorResult<WatchLayoutResponse> = await watcher.next();
    return result.done ? undefined : result.value.update;
  }

  test("the cluster first, then loads at once and each second, and the cluster whenever it changes", async () => {
    await fixture.startNodes(3);
    const watcher = watch();
    expect(await next(watcher)).toMatchObject({ $case: "cluster", value: { layout: { number: 1 } } });
    expect(await next(watcher)).toMatchObject({
      $case: "loads",
      value: { nodes: [{ node: 1, load: { inFlight: 1 } }, {}, {}] },
    });
    const third = next(watcher);
    await fixture.clock.advance(900);
    await fixture.createBucket("more");
    expect(await third).toMatchObject({ $case: "cluster", value: { buckets: [{ name: "files" }, { name: "more" }] } });
    const fourth = next(watcher);
    await fixture.clock.advance(1000);
    expect(await fourth).toMatchObject({ $case: "loads" });
    await watcher.return?.();
  });

  test("a load is passed on as the DataNode gave it", async () => {
    const damage = { recordsDamaged: 1, recordsRepaired: 2, chunksDamaged: 3, chunksRepaired: 4 };
    const numbers = { chunks: 5, chunkBytes: 6, reclaimableBytes: 7, uploadingBytes: 8, records: 9 };
    const load = { ...numbers, full: true, damage };
    await fixture.startNodes(3);
    fixture.node(2).load = load;
    await fixture.clock.advance(1000);
    const watcher = watch((await fixture.cluster()).revision);
    expect(await next(watcher)).toMatchObject({ $case: "loads", value: { nodes: [{}, { node: 2, load }, {}] } });
    await watcher.return?.();
    const { cluster } = await fixture.channel.unary(AdminServiceService.getStatus, {}, { timeoutMs: 1000 });
    expect(cluster?.nodes[1]?.load).toMatchObject(load);
  });

  test("who has the newest revision gets no cluster", async () => {
    await fixture.startNodes(3);
    const watcher = watch((await fixture.cluster()).revision);
    expect(await next(watcher)).toMatchObject({ $case: "loads" });
    await watcher.return?.();
  });

  test("who reads late gets the newest cluster only", async () => {
    await fixture.startNodes(3);
    const watcher = watch();
    await next(watcher);
    await next(watcher);
    for (let index = 0; index < 20; index += 1) await fixture.createBucket(`bucket-${index}`);
    const { revision } = await fixture.cluster();
    expect(await next(watcher)).toMatchObject({ $case: "cluster", value: { revision } });
    const after = next(watcher);
    await fixture.clock.advance(1000);
    expect(await after).toMatchObject({ $case: "loads" });
    await watcher.return?.();
  });
});

describe("locate", () => {
  test("names the DataNodes of a file, in order of preference", async () => {
    await fixture.startNodes(3);
    const request = { bucket: "files", path: "a/b" };
    const located = await fixture.channel.unary(ClusterServiceService.locate, request, {});
    const { layout } = await fixture.cluster();
    expect(located.nodes.map(({ id }) => id)).toEqual(layout?.partitions[located.partition]?.nodes);
    expect(located.layout).toBe(1);
    const wrong = fixture.channel.unary(ClusterServiceService.locate, { bucket: "files", path: "a/../b" }, {});
    await expect(wrong).rejects.toMatchObject({ code: "invalid_argument" });
    const nowhere = fixture.channel.unary(ClusterServiceService.locate, { bucket: "nope", path: "a" }, {});
    await expect(nowhere).rejects.toMatchObject({ code: "not_found" });
  });

  test("a caller of another cluster is told so", async () => {
    const identity = new Map([["quorumfs-cluster", "other"]]);
    const stranger = fixture.network.connect({ address: fixture.superNode.address, purpose: "control", identity });
    await expect(stranger.unary(AdminServiceService.getStatus, {}, {})).rejects.toMatchObject({
      code: "permission_denied",
    });
  });
});
