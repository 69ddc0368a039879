import type { ClusterStatus, NodeInfo } from "@quorumfs/client";
import type { QuorumError } from "@quorumfs/core";
import type { ClusterView, NodeLoad, NodeSync, NodeView } from "../api.js";
import { conditionsOf, damagedOf } from "./conditions.js";
import { sampledLoad } from "./live-sample.js";

export function clusterView(status: ClusterStatus, nowMs: number): ClusterView {
  return {
    atMs: nowMs,
    connected: true,
    clusterId: status.clusterId,
    version: status.version,
    startedAtMs: status.startedAt.getTime(),
    ready: status.ready,
    replicas: status.replicas,
    layout: status.layout ?? null,
    conditions: conditionsOf(status),
    nodes: status.nodes.map(nodeView),
  };
}

const neverSeen: Omit<ClusterView, "atMs" | "conditions"> = {
  connected: false,
  clusterId: null,
  version: null,
  startedAtMs: null,
  ready: false,
  replicas: 0,
  layout: null,
  nodes: [],
};

/** While the SuperNode does not answer: what was known last. */
export function unreachableView(last: ClusterView | undefined, error: QuorumError, nowMs: number): ClusterView {
  const text =
    `The SuperNode does not answer, so that what is shown is of earlier; files can be read and written without it. ` +
    `(${error.message})`;
  return { ...(last ?? neverSeen), atMs: nowMs, connected: false, conditions: [{ level: "error", text }] };
}

function nodeView(node: NodeInfo): NodeView {
  const { id, address, zone, state, role, version, incarnation, load } = node;
  return {
    id,
    address,
    zone,
    state,
    stateSinceMs: node.stateSince.getTime(),
    role,
    version,
    incarnation,
    load: load ? nodeLoad(load, node.capacityBytes) : null,
    sync: load?.sync ? nodeSync(load.sync) : null,
  };
}

type Load = NonNullable<NodeInfo["load"]>;

function nodeLoad(load: Load, capacityBytes: number): NodeLoad {
  const { operationsPerSecond, full, records, chunks, chunkBytes, damage } = load;
  return {
    ...sampledLoad(load),
    operationsPerSecond,
    capacityBytes,
    full,
    records,
    chunks,
    chunkBytes,
    damaged: damagedOf(damage),
  };
}

function nodeSync(sync: NonNullable<Load["sync"]>): NodeSync {
  const { state, behindRecords, behindBytes, behindChunks, joiningPartitions, leavingPartitions } = sync;
  return {
    state,
    behindRecords,
    behindBytes,
    behindChunks,
    remainingMs: sync.remainingMs ?? null,
    joiningPartitions,
    leavingPartitions,
    obstacle: sync.obstacle ?? null,
  };
}
