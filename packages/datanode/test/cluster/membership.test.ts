import { afterEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { MemoryDisk } from "../replica/memory-disk.js";
import { filesBucket } from "../support/fake-super-node.js";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

const content = async (index: number, path: string) =>
  new TextDecoder().decode((await cluster.files(index).get(path)).content);

describe("membership", () => {
  it("joins with its store id, address and incarnation, and takes the id that it is given", async () => {
    cluster = await SmallCluster.start();
    expect(cluster.nodes.map((node) => node.nodeId)).toEqual([1, 2, 3]);
    expect(cluster.superNode.joins[0]).toMatchObject({ clusterId: "", nodeId: 0, incarnation: 1, version: "test" });
    expect(cluster.superNode.joins[0]?.storeId).toHaveLength(16);
    expect(cluster.superNode.joins[0]?.address).toBe(cluster.nodes[0]?.address);
  });

  it("beats every half second with its load", async () => {
    cluster = await SmallCluster.start();
    cluster.superNode.beats.length = 0;
    await cluster.clock.pass(2000);
    const beats = cluster.superNode.beats.filter((beat) => beat.nodeId === 2);
    expect(beats).toHaveLength(4);
    expect(beats[0]).toMatchObject({ incarnation: 1, load: { eventLoopDelayMs: 1, cpuFraction: 0.5 } });
  });

  it("without the SuperNode: files go in and out, and the node joins again when it is back", async () => {
    cluster = await SmallCluster.start();
    cluster.network.kill("super:1");
    await settle();
    await cluster.files(0).put("a", "1");
    expect(await content(1, "a")).toBe("1");
    cluster.superNode.joins.length = 0;
    await cluster.clock.pass(5000);
    await cluster.network.listen({ host: "super", port: 1, routes: cluster.superNode.routes });
    await cluster.clock.pass(2500);
    expect(cluster.superNode.joins.map((join) => join.nodeId).sort()).toEqual([1, 2, 3]);
  });

  it("a node that was restarted without the SuperNode serves with the layout on its disk", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    cluster.network.kill("super:1");
    const [disk] = cluster.disks;
    await cluster.nodes[0]?.close();
    await cluster.startNode(0, disk ?? new MemoryDisk());
    expect(cluster.nodes[0]?.nodeId).toBe(1);
    expect(await content(0, "a")).toBe("1");
    await cluster.files(0).put("a", "2");
    expect(await content(0, "a")).toBe("2");
  });

  it("a restarted node tells its next incarnation", async () => {
    cluster = await SmallCluster.start();
    const [disk] = cluster.disks;
    await cluster.nodes[0]?.close();
    await cluster.startNode(0, disk ?? new MemoryDisk());
    await settle();
    expect(cluster.superNode.joins.at(-1)).toMatchObject({ nodeId: 1, clusterId: "test-cluster", incarnation: 2 });
  });

  it("a first start that the cluster refuses fails, and leaves nothing behind", async () => {
    cluster = await SmallCluster.start();
    cluster.superNode.refusal = new QuorumError({ code: "permission_denied", message: "node 4 has another store" });
    await expect(cluster.startNode(3, new MemoryDisk())).rejects.toMatchObject({ code: "permission_denied" });
  });

  it("a member that the cluster refuses later is told so once", async () => {
    cluster = await SmallCluster.start();
    cluster.superNode.refusal = new QuorumError({ code: "permission_denied", message: "another cluster" });
    cluster.network.kill("super:1");
    await cluster.network.listen({ host: "super", port: 1, routes: cluster.superNode.routes });
    await cluster.clock.pass(5000);
    expect(cluster.fatal.map((error) => error.code)).toEqual(Array(3).fill("permission_denied"));
  });

  it("a SuperNode that has lost its store refuses in vain: the members serve on, and join when it is back", async () => {
    cluster = await SmallCluster.start();
    const ours = cluster.superNode.cluster;
    cluster.superNode.refusal = new QuorumError({ code: "permission_denied", message: "this is another cluster" });
    cluster.superNode.cluster = { ...ours, clusterId: "made-anew", nodes: [], layout: undefined };
    cluster.network.kill("super:1");
    await cluster.network.listen({ host: "super", port: 1, routes: cluster.superNode.routes });
    await cluster.clock.pass(5000);
    expect(cluster.fatal).toEqual([]);
    await cluster.files(0).put("a", "1");
    expect(await content(1, "a")).toBe("1");

    cluster.superNode.refusal = undefined;
    cluster.superNode.cluster = ours;
    cluster.superNode.joins.length = 0;
    await cluster.clock.pass(2500);
    expect(cluster.superNode.joins.map((join) => join.nodeId).sort()).toEqual([1, 2, 3]);
  });

  it("a bucket that was made a moment ago is found", async () => {
    cluster = await SmallCluster.start();
    const { superNode } = cluster;
    const revision = superNode.cluster.revision + 1;
    superNode.cluster = {
      ...superNode.cluster,
      revision,
      buckets: [filesBucket, { ...filesBucket, id: 2, name: "new" }],
    };
    await expect(cluster.files(0).get("a", "new")).rejects.toMatchObject({
      code: "not_found",
      message: "new/a does not exist",
    });
  });

  it("close ends all timers of membership", async () => {
    cluster = await SmallCluster.start();
    await Promise.all(cluster.nodes.map((node) => node.close()));
    await settle();
    expect(cluster.clock.timers).toBe(0);
  });
});
