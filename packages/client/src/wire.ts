/** Between the messages of the protocol and the SDK's types. */
import { hash } from "node:crypto";
import { QuorumError } from "@quorumfs/core";
import {
  type Bucket,
  Consistency,
  type DamageCounts,
  Durability,
  type FileInfo as WireFile,
  type GetStatusResponse,
  type Load,
  type Node,
  NodeState,
  type StateSummary as WireSummary,
  SyncState,
  type SyncStatus,
  type Vote,
} from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import type {
  BucketInfo,
  ClusterStatus,
  DamageInfo,
  NodeInfo,
  NodeLoadInfo,
  StateSummary,
  SyncInfo,
} from "./cluster-info.js";
import type { DurabilityClass, FileInfo, VoteInfo } from "./file-info.js";
import { toLayoutChange, toRole } from "./layout-wire.js";

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** @throws QuorumError `invalid_argument` unless `text` is `byteLength` bytes in hexadecimal */
export function fromHex(text: string, options: { what: string; byteLength: number }): Uint8Array {
  const { what, byteLength } = options;
  if (text.length === 2 * byteLength && /^[0-9a-f]*$/i.test(text)) return Buffer.from(text, "hex");
  throw new QuorumError({
    code: "invalid_argument",
    message: `${what} must be ${2 * byteLength} hexadecimal digits, got ${JSON.stringify(text.slice(0, 80))}`,
  });
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

const noAttributes: Readonly<Record<string, string>> = Object.freeze({});

export function toFileInfo(bucket: string, file: WireFile): FileInfo {
  return {
    name: `${bucket}/${file.path}`,
    bucket,
    path: file.path,
    version: file.version,
    size: file.size,
    etag: toHex(file.etag),
    modifiedAt: wallDate(file.modifiedAtMs),
    // fromEntries defines properties rather than assigning them, so that `__proto__` is a name like any other.
    attributes: file.attributes.size === 0 ? noAttributes : Object.fromEntries(file.attributes),
  };
}

/** For an answer whose parts must be there; a peer that leaves them out is broken. */
export function required<Part>(part: Part | undefined, name: string): Part {
  if (part !== undefined) return part;
  throw new QuorumError({ code: "internal", message: `the answer lacks its ${name}` });
}

export function toVoteInfo(vote: Vote | undefined): VoteInfo {
  const { nodes, replicas, durability } = required(vote, "vote");
  return { acknowledged: nodes, replicas, durability: toDurability(durability) };
}

/** The caller's own copy of what was received. @throws QuorumError `corrupt` if it is not what its hash says */
export function verifiedContent(file: FileInfo, content: Uint8Array): Uint8Array {
  if (content.length !== file.size || hash("sha256", content, "hex") !== file.etag) {
    throw new QuorumError({
      code: "corrupt",
      message: `the content of ${file.name} that was received does not match its SHA-256`,
    });
  }
  // What was received is a view into a batch of up to a megabyte, which must not be kept alive by it.
  return Uint8Array.prototype.slice.call(content);
}

export function fromConsistency(consistency: "linearizable" | "relaxed" | undefined): Consistency {
  switch (consistency) {
    case undefined:
    case "linearizable":
      return Consistency.CONSISTENCY_LINEARIZABLE;
    case "relaxed":
      return Consistency.CONSISTENCY_RELAXED;
  }
}

export function toDurability(durability: Durability): DurabilityClass {
  return durability === Durability.DURABILITY_MEMORY ? "memory" : "fsync";
}

export function fromDurability(durability: DurabilityClass | undefined): Durability {
  return durability === "memory" ? Durability.DURABILITY_MEMORY : Durability.DURABILITY_FSYNC;
}

export function toBucketInfo(bucket: Bucket, replicas: number): BucketInfo {
  return {
    name: bucket.name,
    id: bucket.id,
    replicas,
    readQuorum: bucket.readQuorum,
    writeQuorum: bucket.writeQuorum,
    durability: toDurability(bucket.durability),
    createdAt: wallDate(bucket.createdAtMs),
  };
}

export function toNodeInfo(node: Node): NodeInfo {
  return {
    id: node.id,
    address: node.address,
    zone: node.zone,
    state: toNodeState(node.state),
    stateSince: wallDate(node.stateSinceMs),
    role: toRole(node.role),
    capacityBytes: node.capacityBytes,
    incarnation: node.incarnation,
    version: node.version,
    metricsAddress: node.metricsAddress === "" ? undefined : node.metricsAddress,
    load: node.load && toLoadInfo(node.load),
  };
}

export function toLoadInfo(load: Load): NodeLoadInfo {
  return {
    eventLoopDelayMs: load.eventLoopDelayMs,
    inFlight: load.inFlight,
    cpuFraction: load.cpuFraction,
    diskUsedBytes: load.diskUsedBytes,
    diskFreeBytes: load.diskFreeBytes,
    residentBytes: load.residentBytes,
    records: load.records,
    operationsPerSecond: load.operationsPerSecond,
    chunks: load.chunks,
    chunkBytes: load.chunkBytes,
    reclaimableBytes: load.reclaimableBytes,
    uploadingBytes: load.uploadingBytes,
    full: load.full,
    damage: toDamageInfo(load.damage),
    sync: load.sync && toSyncInfo(load.sync),
  };
}

function toSyncInfo(sync: SyncStatus): SyncInfo {
  return {
    state: toSyncState(sync.state),
    behindRecords: sync.behindRecords,
    behindBytes: sync.behindBytes,
    behindChunks: sync.behindChunks,
    remainingMs: sync.remainingMs === 0 ? undefined : sync.remainingMs,
    inSyncAt: sync.inSyncAtMs === 0 ? undefined : wallDate(sync.inSyncAtMs),
    joiningPartitions: sync.joiningPartitions,
    joinedRecords: sync.joinedRecords,
    joinedBytes: sync.joinedBytes,
    leavingPartitions: sync.leavingPartitions,
    obstacle: sync.obstacle === "" ? undefined : sync.obstacle,
  };
}

/** What is not known is not yet in sync. */
function toSyncState(state: SyncState): SyncInfo["state"] {
  switch (state) {
    case SyncState.SYNC_STATE_CATCHING_UP:
      return "catching_up";
    case SyncState.SYNC_STATE_IN_SYNC:
      return "in_sync";
    case SyncState.SYNC_STATE_COMPARING:
    case SyncState.SYNC_STATE_UNSPECIFIED:
    case SyncState.UNRECOGNIZED:
      return "comparing";
  }
}

/** A node that has never found anything leaves its counts out. */
export function toDamageInfo(damage: DamageCounts | undefined): DamageInfo {
  const { recordsDamaged = 0, recordsRepaired = 0, chunksDamaged = 0, chunksRepaired = 0 } = damage ?? {};
  return { recordsDamaged, recordsRepaired, chunksDamaged, chunksRepaired };
}

export function toNodeState(state: NodeState): NodeInfo["state"] {
  switch (state) {
    case NodeState.NODE_STATE_UP:
      return "up";
    case NodeState.NODE_STATE_SUSPECT:
      return "suspect";
    case NodeState.NODE_STATE_DOWN:
    case NodeState.NODE_STATE_UNSPECIFIED:
    case NodeState.UNRECOGNIZED:
      return "down";
  }
}

export function toClusterStatus(response: GetStatusResponse): ClusterStatus {
  const cluster = required(response.cluster, "cluster");
  return {
    clusterId: response.clusterId,
    version: response.version,
    startedAt: wallDate(response.startedAtMs),
    ready: response.ready,
    condition: response.condition,
    replicas: cluster.replicas,
    layout: cluster.layout?.number,
    change: response.change && toLayoutChange(response.change),
    nodes: cluster.nodes.map(toNodeInfo).sort((a, b) => a.id - b.id),
    buckets: cluster.buckets.map((bucket) => toBucketInfo(bucket, cluster.replicas)).sort(byName),
  };
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

export function toStateSummary(summary: WireSummary): StateSummary {
  const { files, bytes, underReplicated, unreachable } = summary;
  return { files, bytes, underReplicated, unreachable };
}
