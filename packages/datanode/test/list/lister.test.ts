import { afterEach, describe, expect, it } from "@jest/globals";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

const fill = async (paths: readonly string[]) => {
  for (const [index, path] of paths.entries()) await cluster.files(index % 3).put(path, path);
  await settle();
};
/** Publishes the next layout, which moves nothing, and lets all nodes follow it. */
const publishLayout = async () => {
  const { layout } = cluster.superNode.cluster;
  if (!layout) throw new Error("the cluster has no layout yet");
  const number = layout.number + 1;
  const partitions = layout.partitions.map((partition) => ({ ...partition, layout: number }));
  cluster.superNode.publish({ layout: { ...layout, number, partitions } });
  await settle();
};

/** Holds back questions for ranges, of which the other nodes hear when they are released. */
const holdRanges = () => {
  cluster.network.gate = ({ path }) => !path.endsWith("/RangeRead");
};

const names = (page: { files: { path: string }[] }) => page.files.map(({ path }) => path);

describe("listing (N=3 R=2 W=2)", () => {
  const paths = ["a", "b/1", "b/2", "c", "é", "\u{ffee}", "\u{1f600}"];

  it("byte order, without what was deleted", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    await cluster.files(0).delete("c");
    const page = await cluster.files(1).list();
    expect(names(page)).toEqual(["a", "b/1", "b/2", "é", "\u{ffee}", "\u{1f600}"]);
    expect(page.nextAfter).toBe("");
    expect(page.files[0]).toMatchObject({ size: 1, version: 1 });
  });

  it("page after page", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    const first = await cluster.files(0).list({ limit: 4 });
    const second = await cluster.files(1).list({ limit: 4, after: first.nextAfter });
    expect([...names(first), ...names(second)]).toEqual(paths);
    expect(second.nextAfter).toBe("");
  });

  it("prefix and delimiter", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    expect(names(await cluster.files(0).list({ prefix: "b/" }))).toEqual(["b/1", "b/2"]);
    const rolledUp = await cluster.files(0).list({ delimiter: "/", limit: 3 });
    expect(rolledUp).toMatchObject({ commonPrefixes: ["b/"], nextAfter: "c" });
    expect(names(rolledUp)).toEqual(["a", "c"]);
  });

  it("one node away: the list is the same", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    await cluster.nodes[2]?.close();
    await settle();
    expect(names(await cluster.files(0).list())).toEqual(paths);
  });

  it("two nodes away: the list is refused", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    for (const index of [1, 2]) await cluster.nodes[index]?.close();
    await settle();
    await expect(cluster.files(0).list()).rejects.toMatchObject({ code: "quorum_unavailable", details: { needed: 2 } });
  });

  it("a node that does not answer is left out after a moment", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    let silent: string | undefined;
    cluster.network.gate = ({ to, path }) => {
      if (!path.endsWith("/RangeRead")) return true;
      silent ??= to;
      return to !== silent;
    };
    const listing = cluster.files(0).list();
    await cluster.clock.pass(500);
    expect(names(await listing)).toEqual(paths);
  });

  it("the layout changes while nodes are asked: they are asked again under the new one", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    holdRanges();
    const listing = cluster.files(0).list();
    await settle();
    await publishLayout();
    cluster.network.release();
    await cluster.clock.pass(10);
    expect(names(await listing)).toEqual(paths);
  });

  it("the layout keeps changing: the list is refused at its deadline, and may be asked for again", async () => {
    cluster = await SmallCluster.start();
    await fill(paths);
    let outcome: unknown;
    holdRanges();
    cluster
      .files(0)
      .list()
      .then(
        (page) => (outcome = page),
        (error: unknown) => (outcome = error),
      );
    const stepMs = 500;
    for (let leftMs = 12_000; outcome === undefined && leftMs > 0; leftMs -= stepMs) {
      await settle();
      await publishLayout();
      cluster.network.release();
      holdRanges();
      await cluster.clock.pass(stepMs);
    }
    expect(cluster.clock.nowMs()).toBeGreaterThan(9_000);
    expect(outcome).toMatchObject({ code: "unavailable", message: expect.stringContaining("kept moving") });
    cluster.network.release();
    expect(names(await cluster.files(0).list())).toEqual(paths);
  });

  it("a file that was written while a node was away is read before it is listed", async () => {
    cluster = await SmallCluster.start();
    await fill(["a"]);
    const [, , disk] = cluster.disks;
    await cluster.nodes[2]?.close();
    await settle();
    await cluster.files(0).put("b", "1");
    await cluster.files(0).put("a", "22");
    if (disk) await cluster.startNode(2, disk);
    await settle();
    for (const index of [0, 1, 2]) {
      const page = await cluster.files(index).list();
      expect(page.files.map(({ path, size }) => [path, size])).toEqual([
        ["a", 2],
        ["b", 1],
      ]);
    }
  });
});
