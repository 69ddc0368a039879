import { describe, expect, it } from "@jest/globals";
import { type Bucket, type Cluster, type Node, NodeState, type Partition } from "@quorumfs/proto";
import { isDispensable } from "../../src/cluster/dispensable.js";
import { filesBucket } from "../support/fake-super-node.js";

function clusterOf(given: {
  readonly up: readonly number[];
  readonly partitions: readonly (Pick<Partition, "nodes"> & { readonly joining?: number[] })[];
  readonly replicas?: number;
  readonly buckets?: readonly Partial<Bucket>[];
}): Cluster {
  const { up, partitions, replicas = 3, buckets = [{}] } = given;
  const nodes = [1, 2, 3, 4, 5].map((id): Node => ({
    id,
    address: "",
    zone: "",
    capacityBytes: 0,
    state: up.includes(id) ? NodeState.NODE_STATE_UP : NodeState.NODE_STATE_SUSPECT,
    incarnation: 1,
    load: undefined,
    stateSinceMs: 0,
    version: "",
    role: 1,
    metricsAddress: "",
  }));
  const layout = {
    number: 1,
    replicas,
    partitions: partitions.map(({ nodes: group, joining = [] }) => ({ nodes: group, joining, layout: 1 })),
  };
  return {
    clusterId: "c",
    revision: 1,
    layout,
    nodes,
    buckets: buckets.map((bucket) => ({ ...filesBucket, ...bucket })),
    replicas,
    formerNodes: [],
  };
}

describe("node 1 is dispensable", () => {
  it.each([
    ["the others are up", { up: [2, 3], partitions: [{ nodes: [1, 2, 3] }] }, true],
    ["that it is up itself does not count", { up: [1, 2], partitions: [{ nodes: [1, 2, 3] }] }, false],
    ["it holds nothing", { up: [], partitions: [{ nodes: [2, 3, 4] }] }, true],
    ["one partition lacks somebody", { up: [2, 3], partitions: [{ nodes: [1, 2, 3] }, { nodes: [1, 3, 4] }] }, false],
    ["the new group lacks somebody", { up: [2, 3], partitions: [{ nodes: [4, 2, 3], joining: [1, 4, 5] }] }, false],
    ["both groups are there", { up: [2, 3, 4, 5], partitions: [{ nodes: [1, 2, 3], joining: [1, 4, 5] }] }, true],
    ["5/3/3: two away", { up: [2, 3, 4], partitions: [{ nodes: [1, 2, 3, 4, 5] }], replicas: 5 }, true],
    ["5/3/3: three away", { up: [2, 3], partitions: [{ nodes: [1, 2, 3, 4, 5] }], replicas: 5 }, false],
    ["1/1/1", { up: [2], partitions: [{ nodes: [1] }], replicas: 1 }, false],
    [
      "3/3/1: a write that only it has must be read from it",
      { up: [2, 3], partitions: [{ nodes: [1, 2, 3] }], buckets: [{}, { readQuorum: 3, writeQuorum: 1 }] },
      false,
    ],
  ])("%s", (_what, given, expected) => {
    expect(isDispensable(clusterOf(given), 1)).toBe(expected);
  });

  it("there is no layout yet", () => {
    expect(isDispensable({ ...clusterOf({ up: [], partitions: [] }), layout: undefined }, 1)).toBe(true);
  });
});
