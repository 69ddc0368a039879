import type { QuorumError } from "@quorumfs/core";
import type { WallDate } from "./adapters/wall-date.js";
import type { DurabilityClass } from "./file-info.js";
import type { LayoutChange, NodeRole } from "./layout-info.js";

/** A namespace of files with its own quorums, which never change. */
export interface BucketInfo {
  readonly name: string;
  /** Never given twice: a bucket made anew under an old name is another bucket. */
  readonly id: number;
  /** N: DataNodes that hold each of its files; one figure for the whole cluster. */
  readonly replicas: number;
  /** R: answers that a read needs. */
  readonly readQuorum: number;
  /** W: acknowledgements that a write needs. */
  readonly writeQuorum: number;
  readonly durability: DurabilityClass;
  readonly createdAt: WallDate;
}

export interface NodeLoadInfo {
  /** 99th percentile over the last second: how late the node comes to anything. */
  readonly eventLoopDelayMs: number;
  readonly inFlight: number;
  /** Of one core. */
  readonly cpuFraction: number;
  readonly diskUsedBytes: number;
  readonly diskFreeBytes: number;
  readonly residentBytes: number;
  readonly records: number;
  readonly operationsPerSecond: number;
  readonly chunks: number;
  readonly chunkBytes: number;
  /** Of `chunkBytes`, what no version names any more and what will be gone when its time is up. */
  readonly reclaimableBytes: number;
  /** Of `chunkBytes`, what no version names yet. */
  readonly uploadingBytes: number;
  /** Less than 5 % of the disk is free: the node takes no new content. */
  readonly full: boolean;
  readonly damage: DamageInfo;
  /** Undefined: the node has not compared anything yet. */
  readonly sync: SyncInfo | undefined;
}

/** How far a DataNode is behind the other replicas of what it holds, and how far it is with partitions that move. */
export interface SyncInfo {
  /** `comparing`: what it may lack is not known yet. `catching_up`: it fetches what it lacks. `in_sync`: it lacked nothing. */
  readonly state: "comparing" | "catching_up" | "in_sync";
  /** Records that it is known to lack or to hold in an older version, and what their files have in bytes. */
  readonly behindRecords: number;
  readonly behindBytes: number;
  readonly behindChunks: number;
  /** Until it has caught up, at the present pace; undefined: not known, or nothing to do. */
  readonly remainingMs: number | undefined;
  /** Of the last comparison that found nothing lacking; undefined: there was none since the node's start. */
  readonly inSyncAt: WallDate | undefined;
  /** Partitions that it takes over and has not got all of yet, and what it has fetched for them. */
  readonly joiningPartitions: number;
  readonly joinedRecords: number;
  readonly joinedBytes: number;
  /** Partitions that are not its own any more, of which it still holds something. */
  readonly leavingPartitions: number;
  /** Why it gets no further with a partition, for people; undefined: nothing is in the way. */
  readonly obstacle: string | undefined;
}

/** What was found damaged or missing since the node's store was made, and what was put right and read back. */
export interface DamageInfo {
  readonly recordsDamaged: number;
  readonly recordsRepaired: number;
  readonly chunksDamaged: number;
  readonly chunksRepaired: number;
}

/** A pass over all records and chunks of one DataNode. */
export interface ScrubInfo {
  /** `idle`: the last pass is complete; the next one begins when its time has come. */
  readonly state: "running" | "paused" | "idle";
  /** Undefined: there was none. */
  readonly passStartedAt: WallDate | undefined;
  /** Of the last complete pass. */
  readonly passEndedAt: WallDate | undefined;
  readonly bytesPerSecond: number;
  /** Of this pass, or of the last one. */
  readonly recordsChecked: number;
  readonly chunksChecked: number;
  readonly bytesChecked: number;
  /** What there is to check, as counted at the start of the pass. */
  readonly bytesTotal: number;
  readonly damage: DamageInfo;
}

/** What one DataNode answered to a maintenance call. */
export type NodeScrub =
  | { readonly node: number; readonly scrub: ScrubInfo; readonly error?: undefined }
  | { readonly node: number; readonly scrub?: undefined; readonly error: QuorumError };

export interface NodeInfo {
  readonly id: number;
  /** `host:port`. */
  readonly address: string;
  readonly zone: string;
  /** `suspect`: has missed beats and may be back at once. `down`: is not asked any more. */
  readonly state: "up" | "suspect" | "down";
  readonly stateSince: WallDate;
  readonly role: NodeRole;
  readonly capacityBytes: number;
  /** Starts of the node so far. */
  readonly incarnation: number;
  /** Version of its software. */
  readonly version: string;
  /** `host:port` where Prometheus finds its metrics; undefined: it serves none. */
  readonly metricsAddress: string | undefined;
  /** Absent until its first heartbeat. */
  readonly load: NodeLoadInfo | undefined;
}

export interface ClusterStatus {
  readonly clusterId: string;
  /** Version of the SuperNode's software. */
  readonly version: string;
  readonly startedAt: WallDate;
  readonly ready: boolean;
  /** One sentence for people: `ready`, or what is missing. */
  readonly condition: string;
  /** N. */
  readonly replicas: number;
  /** Number of the layout; absent while the cluster is forming. */
  readonly layout: number | undefined;
  /** Of the layout, under way; undefined: there is none. */
  readonly change: LayoutChange | undefined;
  readonly nodes: readonly NodeInfo[];
  readonly buckets: readonly BucketInfo[];
}

/** What the DataNodes say about one file. */
export interface FileState {
  /** `bucket/path`. */
  readonly name: string;
  readonly bucket: string;
  readonly path: string;
  /** Of the newest version that any node holds. */
  readonly version: number;
  readonly size: number;
  /** SHA-256 of the content in hexadecimal. */
  readonly etag: string;
  /** Nodes that hold the newest version. */
  readonly holders: readonly number[];
  /** Nodes that hold an older version, or a damaged record. */
  readonly behind: readonly number[];
  readonly modifiedAt: WallDate;
}

export interface StateSummary {
  readonly files: number;
  readonly bytes: number;
  /** Files with fewer up-to-date copies than the layout asks for. */
  readonly underReplicated: number;
  /** Nodes that did not answer; what only they hold is missing. */
  readonly unreachable: readonly number[];
}

/** A running state query: iterate it once; the summary is there when the iteration has come to its end. */
export interface StateQuery extends AsyncIterable<FileState> {
  /** Of the files that were asked for; with a limit, of those that were given. */
  readonly summary: StateSummary | undefined;
  /** After its end: the last file, if the limit was reached and there may be more; the next page is `after` it. */
  readonly next: string | undefined;
  /** Found so far, for showing that it goes on. */
  readonly filesSoFar: number;
  /** Goes to the end without giving the files: in place of iterating it, and best with `totalsOnly`. */
  totals(): Promise<StateSummary>;
}
