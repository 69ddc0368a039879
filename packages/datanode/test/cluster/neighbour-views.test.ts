import { describe, expect, test } from "@jest/globals";
import { nodeId, QuorumError } from "@quorumfs/core";
import { NodeRole, NodeState } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { ClusterStore } from "../../src/cluster/cluster-store.js";
import { NeighbourViews, type NeighbourViewsOptions } from "../../src/cluster/neighbour-views.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { FakeSuperNode } from "../support/fake-super-node.js";
import { settle, StepClock } from "../support/step-clock.js";

const away = new QuorumError({ code: "unavailable", message: "the SuperNode could not be asked" });

function clusterOf(revision: number, clusterId = "test-cluster") {
  const place = { address: "", zone: "", capacityBytes: 1, incarnation: 1, load: undefined, stateSinceMs: 0 };
  const node = {
    ...place,
    state: NodeState.NODE_STATE_UP,
    role: NodeRole.NODE_ROLE_ACTIVE,
    metricsAddress: "",
    version: "",
  };
  const nodes = [1, 2, 3].map((id) => ({ ...node, id }));
  return { ...new FakeSuperNode({ replicas: 3 }).cluster, revision, clusterId, nodes };
}

type Told = ReturnType<typeof clusterOf> | undefined;

/** Node 1, which follows revision 4; its neighbours 2, 3 know what is told, or do not answer. */
async function subject(refresh: () => Promise<void>, ...told: readonly Told[]) {
  const clock = new StepClock();
  const store = new ClusterStore({ disk: new MemoryDisk(), log: silentLog });
  await store.install(clusterOf(4));
  const channelTo = (node: number) => ({
    unary: async () => {
      const cluster = told[node - 2];
      if (!cluster) throw away;
      return { clusterId: cluster.clusterId, nodeId: node, storeId: new Uint8Array(16), incarnation: 1, cluster };
    },
  });
  const peers: unknown = { find: (node: number) => (node === nodeId(1) ? undefined : { bulk: channelTo(node) }) };
  if (!isPeers(peers)) throw new Error("not peers");
  const neighbours = new NeighbourViews({ store, peers, refresh, clock, log: silentLog });
  return { store, neighbours, clock };
}

function isPeers(peers: unknown): peers is NeighbourViewsOptions["peers"] {
  return typeof peers === "object" && peers !== null && "find" in peers;
}

describe("the newest cluster that is to be had", () => {
  test("the SuperNode's, where it answers", async () => {
    const { store, neighbours } = await subject(() => Promise.resolve(), clusterOf(9));
    await neighbours.follow();
    expect(store.view.revision).toBe(4);
  });

  test("without a SuperNode: the newest of those that answer", async () => {
    const { store, neighbours } = await subject(() => Promise.reject(away), clusterOf(6), clusterOf(9));
    await neighbours.follow();
    expect(store.view.revision).toBe(9);
  });

  test("with a SuperNode that hangs, too", async () => {
    const { store, neighbours, clock } = await subject(() => new Promise(() => undefined), undefined, clusterOf(5));
    const following = neighbours.follow();
    await settle();
    expect(store.view.revision).toBe(4);
    await clock.pass(100);
    await following;
    expect(store.view.revision).toBe(5);
  });

  test("nobody knows more: as the SuperNode's silence", async () => {
    const { neighbours } = await subject(() => Promise.reject(away), clusterOf(4), clusterOf(9, "another"));
    await expect(neighbours.follow()).rejects.toBe(away);
  });
});
