import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { QuorumError, type StoreFault } from "@quorumfs/core";
import { MaintenanceServiceService, NodeRole, NodeState } from "@quorumfs/proto";
import { openIdentity } from "../../src/cluster/identity.js";
import { type DataNode, isStoreUseless } from "../../src/index.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { CountingRandom, SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;

beforeEach(async () => {
  cluster = await SmallCluster.start();
});
afterEach(() => cluster.close());

const refusal = (
  storeFault: StoreFault,
  code: "permission_denied" | "unavailable" = "permission_denied",
): QuorumError => new QuorumError({ code, message: `the store is ${storeFault}`, details: { storeFault } });

/** How a start ends, watched from outside. */
interface Watched {
  ended: "pending" | "serves" | "refused";
  error: unknown;
}

/** Starts node `index` again on its disk. */
function restart(index: number, disk = cluster.disks[index] ?? new MemoryDisk()): Watched {
  const watched: Watched = { ended: "pending", error: undefined };
  cluster.startNode(index, disk).then(
    () => (watched.ended = "serves"),
    (error: unknown) => {
      watched.ended = "refused";
      watched.error = error;
    },
  );
  return watched;
}

function setState(id: number, state: NodeState): void {
  const { superNode } = cluster;
  superNode.publish({ nodes: superNode.cluster.nodes.map((node) => (node.id === id ? { ...node, state } : node)) });
}

async function stopNode(index: number): Promise<DataNode> {
  const node = cluster.nodes[index];
  if (!node) throw new Error("no such node");
  await node.close();
  setState(index + 1, NodeState.NODE_STATE_DOWN);
  await settle();
  return node;
}

describe.each(["rolled_back", "retired"] as const)("a store that is %s", (fault) => {
  it("the others have everything: the start says that it may be set aside, and so does every later one", async () => {
    await stopNode(0);
    cluster.superNode.refusal = refusal(fault);
    const first = restart(0);
    await settle();
    expect(first.ended).toBe("refused");
    expect(isStoreUseless(first.error)).toBe(true);

    // Asked often enough the SuperNode would take it for newer than it is; so it is not asked any more.
    cluster.superNode.refusal = undefined;
    const joins = cluster.superNode.joins.length;
    const second = restart(0);
    await settle();
    expect(isStoreUseless(second.error)).toBe(true);
    expect(cluster.superNode.joins).toHaveLength(joins);
    const disk = cluster.disks[0] ?? new MemoryDisk();
    expect((await openIdentity({ disk, random: new CountingRandom() })).incarnation).toBe(2);
  });

  it("another node is away: it is kept, and does not serve, until that one is back", async () => {
    await stopNode(0);
    setState(2, NodeState.NODE_STATE_SUSPECT);
    cluster.superNode.refusal = refusal(fault);
    const start = restart(0);
    await cluster.clock.pass(5000);
    expect(start.ended).toBe("pending");
    const { address = "" } = cluster.superNode.joins.at(-1) ?? {};
    expect(cluster.network.host(address)).toBeDefined();
    const channel = cluster.network.connect({ address, purpose: "control", identity: new Map() });
    await expect(channel.unary(MaintenanceServiceService.getScrub, {}, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: "unavailable",
    });
    setState(2, NodeState.NODE_STATE_UP);
    await cluster.clock.pass(2000);
    expect(isStoreUseless(start.error)).toBe(true);
  });

  it.each([
    ["of another cluster", { clusterId: "other" }],
    ["that knows less than this node", { revision: 0 }],
  ])("a SuperNode %s is not believed", async (_what, change) => {
    await stopNode(0);
    cluster.superNode.refusal = refusal(fault);
    const ours = cluster.superNode.cluster;
    cluster.superNode.cluster = { ...ours, ...change };
    const start = restart(0);
    await cluster.clock.pass(5000);
    expect(start.ended).toBe("pending");
    cluster.superNode.cluster = ours;
    await cluster.clock.pass(2000);
    expect(start.ended).toBe("refused");
  });

  it("told while it serves: it ends, and says why", async () => {
    cluster.superNode.refusal = refusal(fault);
    cluster.network.kill("super:1");
    await cluster.network.listen({ host: "super", port: 1, routes: cluster.superNode.routes });
    await cluster.clock.pass(5000);
    expect(cluster.fatal.map(({ details }) => details.storeFault)).toEqual([fault, fault, fault]);
  });
});

it("a node that was told to leave, and has left, does so in order", async () => {
  const { superNode } = cluster;
  const [first, ...others] = superNode.cluster.nodes;
  if (!first) throw new Error("no nodes");
  superNode.publish({ nodes: [{ ...first, role: NodeRole.NODE_ROLE_LEAVING }, ...others] });
  await settle();
  superNode.refusal = refusal("retired");
  cluster.network.kill("super:1");
  await cluster.network.listen({ host: "super", port: 1, routes: superNode.routes });
  await cluster.clock.pass(5000);
  expect(cluster.left).toEqual([0]);
  expect(cluster.fatal).toHaveLength(2);
});

describe("a number that is another store's", () => {
  it("asked for by an empty store: it asks for any", async () => {
    cluster.superNode.refusal = refusal("number_taken");
    cluster.superNode.joins.length = 0;
    cluster.wantedNodeId = 2;
    const start = restart(3, new MemoryDisk());
    await settle();
    expect(cluster.superNode.joins.map(({ nodeId }) => nodeId)).toEqual([2, 0]);
    expect(start.ended).toBe("refused");
  });

  it("had by a member: the SuperNode has forgotten something, and the node serves on", async () => {
    await stopNode(0);
    cluster.superNode.refusal = refusal("number_taken");
    const start = restart(0);
    await cluster.clock.pass(5000);
    expect(start.ended).toBe("serves");
    expect(cluster.fatal).toEqual([]);
  });
});

it("a copy of a store that is in use waits, and does not vote, until the other one has gone", async () => {
  await stopNode(0);
  cluster.superNode.refusal = refusal("in_use", "unavailable");
  const start = restart(0);
  await cluster.clock.pass(5000);
  expect(start.ended).toBe("pending");
  cluster.superNode.refusal = undefined;
  await cluster.clock.pass(2000);
  expect(start.ended).toBe("serves");
});

it("memory: who it is, and the last cluster that it knows", async () => {
  const { address = "", nodeId } = cluster.nodes[1] ?? {};
  const channel = cluster.network.connect({ address, purpose: "control", identity: new Map() });
  const memory = await channel.unary(MaintenanceServiceService.getMemory, {}, { timeoutMs: 1000 });
  expect(memory).toMatchObject({ clusterId: "test-cluster", nodeId, incarnation: 1 });
  expect(memory.storeId).toHaveLength(16);
  expect(memory.cluster).toEqual(cluster.superNode.cluster);
});
