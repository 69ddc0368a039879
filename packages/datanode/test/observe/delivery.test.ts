import { afterEach, describe, expect, test } from "@jest/globals";
import { MemoryDisk } from "../replica/memory-disk.js";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

const news = [{ kind: "node.set-aside", message: "an old store was set aside", fields: { to: "aside-1" } }] as const;

async function restart(index: number, more: Parameters<SmallCluster["startNode"]>[2]): Promise<void> {
  await cluster.nodes[index]?.close();
  await cluster.startNode(index, cluster.disks[index] ?? new MemoryDisk(), more);
}

/** As they arrived: with each beat again, until the SuperNode has them. */
function arrived(): readonly string[] {
  return cluster.superNode.events.map(({ sequence, kind }) => `${sequence} ${kind}`);
}

describe("delivery of what was noticed", () => {
  test("what happened before the start goes with the first beat", async () => {
    cluster = await SmallCluster.start();
    await restart(1, { earlierNews: news });
    await settle();
    expect(arrived()).toEqual(["1 node.set-aside"]);
    expect(cluster.superNode.events[0]?.fields).toEqual(new Map([["to", "aside-1"]]));
  });

  test("goes with every beat until it is acknowledged, and not after that", async () => {
    cluster = await SmallCluster.start();
    cluster.superNode.acknowledgesEvents = false;
    await restart(1, { earlierNews: news });
    await cluster.clock.pass(1600);
    expect(arrived()).toEqual(Array(4).fill("1 node.set-aside"));
    cluster.superNode.acknowledgesEvents = true;
    await cluster.clock.pass(5000);
    expect(arrived()).toHaveLength(5);
  });

  test("many are delivered without waiting for a beat each", async () => {
    cluster = await SmallCluster.start();
    const many = Array.from({ length: 200 }, (_, index) => ({ ...news[0], message: `store ${index}` }));
    await restart(1, { earlierNews: many });
    await settle();
    const messages = new Set(cluster.superNode.events.map(({ message }) => message));
    expect(messages.size).toBe(200);
    const beats = cluster.superNode.beats.filter(({ nodeId, events }) => nodeId === 2 && events.length > 0);
    expect(Math.max(...beats.map(({ events }) => events.length))).toBe(32);
  });

  test("the SuperNode is away meanwhile: delivered when it is back", async () => {
    cluster = await SmallCluster.start();
    cluster.network.kill("super:1");
    await restart(1, { earlierNews: news });
    await cluster.clock.pass(5000);
    expect(arrived()).toEqual([]);
    await cluster.network.listen({ host: "super", port: 1, routes: cluster.superNode.routes });
    await cluster.clock.pass(3000);
    expect(arrived()).toEqual(["1 node.set-aside"]);
  });

  test("a disk that fails is told before the node ends", async () => {
    cluster = await SmallCluster.start();
    cluster.disks[0]?.fail("no space, no fsync");
    await cluster
      .files(0)
      .put("a", "1")
      .catch(() => undefined);
    await settle();
    expect(cluster.fatal).toHaveLength(1);
    await cluster.nodes[0]?.close();
    expect(arrived()).toEqual(["1 node.disk-failed"]);
    expect(cluster.superNode.events[0]?.message).toContain("no space, no fsync");
  });

  test("a SuperNode that does not acknowledge keeps no node from ending", async () => {
    cluster = await SmallCluster.start();
    cluster.superNode.acknowledgesEvents = false;
    await restart(0, { earlierNews: news });
    const closing = cluster.nodes[0]?.close();
    await cluster.clock.pass(5000);
    await closing;
    expect(arrived().length).toBeGreaterThan(1);
  });
});

describe("joining", () => {
  test("says where the metrics are", async () => {
    cluster = await SmallCluster.start();
    await restart(2, { metricsAddress: "node:7103" });
    expect(cluster.superNode.joins.map(({ metricsAddress }) => metricsAddress)).toEqual(["", "", "", "node:7103"]);
  });
});
