import { describe, expect, test } from "@jest/globals";
import { nodeId, type PartitionId } from "@quorumfs/core";
import { silentLog } from "@quorumfs/runtime";
import { ClusterStore } from "../../src/cluster/cluster-store.js";
import { Holdings } from "../../src/handover/holdings.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { FakeSuperNode } from "../support/fake-super-node.js";
import { settle } from "../support/step-clock.js";

interface Assigned {
  readonly nodes: readonly number[];
  readonly joining?: readonly number[];
  readonly layout: number;
}

/** The rows of node 4, and the views that it follows: partitions 0, 1, … as told. */
class Subject {
  readonly disk: MemoryDisk;
  readonly holdings: Holdings;
  readonly #store: ClusterStore;

  constructor(disk: MemoryDisk) {
    this.disk = disk;
    const self = { member: { clusterId: "test-cluster", nodeId: nodeId(4) } };
    this.holdings = new Holdings({ disk, self, log: silentLog });
    this.#store = new ClusterStore({ disk, log: silentLog, companion: this.holdings });
  }

  follow(...partitions: readonly Assigned[]): Promise<void> {
    return this.#store.install(clusterOf(this.#store.view.revision + 1, partitions));
  }

  /** After kill -9. */
  restarted(): Subject {
    return new Subject(this.disk.crash());
  }

  held(count = 1): readonly boolean[] {
    return Array.from({ length: count }, (_, partition) => this.holdings.holds(partition));
  }
}

function clusterOf(revision: number, partitions: readonly Assigned[]) {
  const assigned = partitions.map(({ nodes, joining = [], layout }) => ({
    nodes: [...nodes],
    joining: [...joining],
    layout,
  }));
  const number = Math.max(...partitions.map(({ layout }) => layout));
  const layout = { number, replicas: 3, partitions: assigned };
  return { ...new FakeSuperNode({ replicas: 3 }).cluster, revision, layout };
}

const first = 0 as PartitionId;
const others = [1, 2, 3];

describe("what a node holds", () => {
  test("by a cluster's first layout: its share, also after a restart", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: [1, 2, 4], layout: 1 }, { nodes: others, layout: 1 });
    expect(subject.held(2)).toEqual([true, false]);
    expect(subject.restarted().held(2)).toEqual([true, false]);
  });

  test("by a store from before there were rows: what its layout says", async () => {
    const disk = new MemoryDisk();
    await new ClusterStore({ disk, log: silentLog }).install(clusterOf(1, [{ nodes: [1, 2, 4], layout: 1 }]));
    const subject = new Subject(disk.crash());
    expect(subject.held()).toEqual([true]);
    await settle();
    expect(subject.restarted().held()).toEqual([true]);
  });

  test("who joins for the first time has nothing to clear, and holds at once", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: others, layout: 1 });
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 2 });
    expect(subject.held()).toEqual([true]);
    expect(subject.holdings.dropping).toEqual([]);
  });

  test("a row counts with its view, not before that is durable", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: [1, 2, 4], layout: 1 });
    subject.disk.hold();
    const following = subject.follow({ nodes: others, layout: 2 });
    await settle();
    expect(subject.held()).toEqual([true]);
    expect(subject.restarted().held()).toEqual([true]);
    subject.disk.release();
    await following;
    expect(subject.held()).toEqual([false]);
    expect(subject.restarted().holdings.dropping).toEqual([first]);
  });

  test("who has lost a partition and joins it again begins when all is cleared, and for the layout of now", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: [1, 2, 4], layout: 1 });
    await subject.follow({ nodes: others, layout: 2 });
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 3 });
    expect({ held: subject.held(), dropping: subject.holdings.dropping }).toEqual({ held: [false], dropping: [first] });
    await subject.holdings.begin([{ partition: first, layout: 2 }]);
    expect(subject.held()).toEqual([false]);
    await subject.holdings.begin([{ partition: first, layout: 3 }]);
    expect(subject.held()).toEqual([true]);
    expect(subject.restarted().held()).toEqual([true]);
  });

  test("a joint layout that supersedes another is begun anew; one that is completed is not", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: others, layout: 1 });
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 2 });
    await subject.follow({ nodes: others, joining: [1, 4, 5], layout: 3 });
    expect(subject.holdings.dropping).toEqual([first]);
    await subject.holdings.begin([{ partition: first, layout: 3 }]);
    await subject.follow({ nodes: [1, 4, 5], layout: 4 });
    expect(subject.held()).toEqual([true]);
    expect(subject.holdings.dropping).toEqual([]);
  });

  test("a joint layout that is superseded while its beginning is under way is not begun", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: [1, 2, 4], layout: 1 });
    await subject.follow({ nodes: others, layout: 2 });
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 3 });
    subject.disk.hold();
    const following = subject.follow({ nodes: others, joining: [1, 4, 5], layout: 4 });
    await settle();
    const beginning = subject.holdings.begin([{ partition: first, layout: 3 }]);
    subject.disk.release();
    await Promise.all([following, beginning]);
    expect(subject.held()).toEqual([false]);
  });

  test("a row goes when nothing is left, unless the node joins again meanwhile", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: [1, 2, 4], layout: 1 });
    await subject.follow({ nodes: others, layout: 2 });
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 3 });
    await subject.holdings.forget([first]);
    expect(subject.holdings.dropping).toEqual([first]);
    await subject.follow({ nodes: others, layout: 4 });
    await subject.holdings.forget([first]);
    expect(subject.holdings.dropping).toEqual([]);
    expect(subject.restarted().holdings.dropping).toEqual([]);
  });

  test("synced is for one joint layout only, and durable", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: others, layout: 1 });
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 2 });
    await subject.holdings.markSynced([{ partition: first, layout: 2 }]);
    expect(subject.restarted().holdings.isSynced({ partition: first, layout: 2 })).toBe(true);
    expect(subject.holdings.isSynced({ partition: first, layout: 3 })).toBe(false);
  });

  test("holds all: not while a partition that it joins is to be cleared", async () => {
    const subject = new Subject(new MemoryDisk());
    await subject.follow({ nodes: [1, 2, 4], layout: 1 });
    await subject.follow({ nodes: others, layout: 2 });
    expect(subject.holdings.holdsAll).toBe(true);
    await subject.follow({ nodes: others, joining: [1, 2, 4], layout: 3 });
    expect(subject.holdings.holdsAll).toBe(false);
    await subject.holdings.begin([{ partition: first, layout: 3 }]);
    expect(subject.holdings.holdsAll).toBe(true);
  });
});
