/**
 * What a SuperNode's store is made of when it was lost: the newest of what the DataNodes remember. Pure.
 *
 * What nobody who was asked has heard of is lost with the store. So that it cannot do harm, all numbers go on far above those
 * that were seen, and every partition gets a new number of its layout: whatever was published and is not known here is older
 * than what is published from now on. And a majority of each partition's nodes must have told: a layout that was ever voted under
 * was known to a majority of its nodes, so it cannot be missed.
 */
import { type NodeId, nodeId, QuorumError } from "@quorumfs/core";
import type { Cluster, Layout, Node } from "@quorumfs/proto";
import { revisionsPerChange } from "../cluster/cluster-state.js";
import { type Identity, identityFormat } from "../cluster/identity.js";
import { type FormerNode, type Member, roleFromWire } from "../cluster/member.js";
import type { Memory } from "./memory.js";

/** More than can have been given in what nobody remembers. */
const gap = 1000;

export interface Seed {
  readonly identity: Identity;
  readonly members: readonly Member[];
  readonly formers: readonly FormerNode[];
  readonly layout: Layout | undefined;
  readonly buckets: Cluster["buckets"];
}

/** What the store has so far. */
export interface Remains {
  readonly identity: Identity | undefined;
  readonly members: readonly Member[];
  readonly formers: readonly FormerNode[];
  readonly leftAtMs: number;
}

/**
 * @returns undefined if the store knows all that the DataNodes know
 * @throws QuorumError `precondition_failed` if they contradict each other or the store, or are too few
 */
export function seedFrom(memories: readonly Memory[], remains: Remains): Seed | undefined {
  const { identity } = remains;
  checkOneCluster(memories, identity);
  const newest = memories.reduce((best, memory) => (isNewer(memory, best) ? memory : best)).cluster;
  const changes = Math.floor(newest.revision / revisionsPerChange);
  if (identity && identity.changes >= changes) return undefined;
  checkEnough(newest, memories);
  const bucketsMade = Math.max(0, ...memories.flatMap(({ cluster }) => cluster.buckets.map(({ id }) => id)));
  return {
    identity: {
      format: identityFormat,
      clusterId: newest.clusterId,
      replicas: newest.replicas,
      starts: identity?.starts ?? 0,
      changes: changes + gap,
      bucketsMade: Math.max(bucketsMade, identity?.bucketsMade ?? 0) + gap,
    },
    members: newest.nodes.map((node) => memberOf(node, memories, remains)),
    formers: newest.formerNodes.map((id) => formerOf(nodeId(id), remains)),
    layout: newest.layout && renumbered(newest.layout),
    buckets: newest.buckets,
  };
}

function isNewer(a: Memory, b: Memory): boolean {
  return a.cluster.revision > b.cluster.revision;
}

function checkOneCluster(memories: readonly Memory[], identity: Identity | undefined): void {
  const [first] = memories;
  if (!first) throw refused("name DataNodes to ask: --reseed-from HOST:PORT,HOST:PORT");
  const other = memories.find(({ cluster }) => cluster.clusterId !== first.cluster.clusterId);
  if (other) {
    throw refused(
      `the DataNode at ${first.address} belongs to cluster ${first.cluster.clusterId}, and the one at ${other.address} to ` +
        `${other.cluster.clusterId}; name DataNodes of one cluster`,
    );
  }
  if (identity && identity.clusterId !== first.cluster.clusterId) {
    throw refused(
      `the store is that of cluster ${identity.clusterId}, and the DataNodes belong to ${first.cluster.clusterId}; give an empty ` +
        "data directory",
    );
  }
}

function checkEnough({ layout, nodes }: Cluster, memories: readonly Memory[]): void {
  const told = new Set(memories.map(({ node }) => node));
  const groups = layout?.partitions.flatMap(({ nodes: old, joining }) => (joining.length > 0 ? [old, joining] : [old]));
  const short = groups?.filter((group) => group.filter((id) => told.has(id)).length * 2 <= group.length) ?? [];
  if (short.length === 0) return;
  const missing = nodes.filter(({ id }) => !told.has(id) && short.some((group) => group.includes(id)));
  const others = missing.map(({ id, address }) => `node ${id} at ${address}`).join(", ");
  throw refused(
    `of some partitions no majority of the DataNodes was asked, and there may be a newer layout; name more of these too: ${others}`,
  );
}

function memberOf(node: Node, memories: readonly Memory[], { members }: Remains): Member {
  const { address, zone, capacityBytes, version } = node;
  const id = nodeId(node.id);
  const stored = members.find((member) => member.id === id);
  const memory = memories.find((one) => one.node === node.id);
  const incarnation = Math.max(node.incarnation, memory?.incarnation ?? 0, stored?.incarnation ?? 0);
  const unknown = new Uint8Array(0);
  return {
    id,
    address,
    zone,
    capacityBytes,
    version,
    incarnation,
    storeId: stored && stored.storeId.length > 0 ? stored.storeId : (memory?.storeId ?? unknown),
    runId: stored?.incarnation === incarnation ? stored.runId : unknown,
    commits: stored?.commits ?? 0,
    role: roleFromWire(node.role) ?? "active",
    displacedBy: stored?.displacedBy ?? 0,
    metricsAddress: node.metricsAddress,
  };
}

function formerOf(id: NodeId, { members, formers, leftAtMs }: Remains): FormerNode {
  const stored = members.find((member) => member.id === id);
  return formers.find((former) => former.id === id) ?? { id, storeId: stored?.storeId ?? new Uint8Array(0), leftAtMs };
}

function renumbered(layout: Layout): Layout {
  const number = layout.number + gap;
  return { ...layout, number, partitions: layout.partitions.map((partition) => ({ ...partition, layout: number })) };
}

function refused(message: string): QuorumError {
  return new QuorumError({ code: "precondition_failed", message });
}
