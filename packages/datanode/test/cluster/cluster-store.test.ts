import { describe, expect, it } from "@jest/globals";
import { silentLog } from "@quorumfs/runtime";
import { ClusterStore } from "../../src/cluster/cluster-store.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { FakeSuperNode } from "../support/fake-super-node.js";
import { settle } from "../support/step-clock.js";

const cluster = (revision: number) => ({ ...new FakeSuperNode({ replicas: 3 }).cluster, revision });
const layout = (number: number) => ({
  number,
  replicas: 3,
  partitions: [{ nodes: [1, 2, 3], joining: [], layout: number }],
});
const open = (disk: MemoryDisk) => new ClusterStore({ disk, log: silentLog });

describe("cluster store", () => {
  it("the last revision comes back after a restart", async () => {
    const disk = new MemoryDisk();
    await open(disk).install({ ...cluster(4), layout: layout(2) });
    expect(open(disk.crash()).view).toMatchObject({ revision: 4, layoutNumber: 2 });
  });

  it("an older revision changes nothing", async () => {
    const store = open(new MemoryDisk());
    await store.install(cluster(4));
    await store.install(cluster(3));
    expect(store.view.revision).toBe(4);
  });

  it("a revision counts only when it is durable; whoever offers it again waits as well", async () => {
    const disk = new MemoryDisk();
    const store = open(disk);
    disk.hold();
    const told: string[] = [];
    void store.install(cluster(4)).then(() => told.push("first"));
    void store.install(cluster(4)).then(() => told.push("again"));
    await settle();
    expect({ revision: store.view.revision, told }).toEqual({ revision: 0, told: [] });
    disk.release();
    await settle();
    expect({ revision: store.view.revision, told }).toEqual({ revision: 4, told: ["first", "again"] });
  });

  it("another cluster's is refused", async () => {
    const store = open(new MemoryDisk());
    await store.install(cluster(4));
    await expect(store.install({ ...cluster(5), clusterId: "other" })).rejects.toMatchObject({
      code: "permission_denied",
    });
  });

  it("a lower layout number under a higher revision is refused: the SuperNode was restored from an old backup", async () => {
    const store = open(new MemoryDisk());
    await store.install({ ...cluster(4), layout: layout(7) });
    await expect(store.install({ ...cluster(9), layout: layout(6) })).rejects.toThrow("--reseed-from");
    expect(store.view.layoutNumber).toBe(7);
  });
});
