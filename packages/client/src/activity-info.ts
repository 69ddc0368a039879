import type { WallDate } from "./adapters/wall-date.js";
import type { NodeInfo, NodeLoadInfo } from "./cluster-info.js";

/** What clients ask of DataNodes. */
export const operationKinds = ["get", "stat", "put", "delete", "list"] as const;
export type OperationKind = (typeof operationKinds)[number];

/** What a cluster did in one second, or in a longer span of time made of such. */
export interface ActivitySample {
  /** The end of that time, by the SuperNode's wall clock. */
  readonly at: WallDate;
  /** How long it was: 1 as a rule, more in what {@link summarizeActivity} made. */
  readonly seconds: number;
  /** One of those that came first, from before anybody asked. */
  readonly isHistory: boolean;
  /** Of all nodes. Rates are the sums of theirs. */
  readonly total: ActivityFigures;
  /** All members, by id. */
  readonly nodes: readonly NodeActivity[];
  /** The busiest first; at most 100 of each node, those without any activity left out. */
  readonly buckets: readonly BucketActivity[];
  /** The busiest first, at most 10 of each node; an estimate. */
  readonly hotFiles: readonly HotFile[];
}

/** What one DataNode did. */
export interface NodeActivity extends ActivityFigures {
  readonly node: number;
  readonly state: NodeInfo["state"];
  /** Whether it said what it did; if not, all of its figures are 0. */
  readonly isHeard: boolean;
  /** Undefined: it was not heard. In history without `damage` and `sync`. */
  readonly load: NodeLoadInfo | undefined;
}

/** Operations of all kinds together, and of each. */
export interface ActivityFigures extends OperationFigures {
  readonly kinds: Readonly<Record<OperationKind, OperationFigures>>;
  /** Of contents, in records and in chunks. */
  readonly bytesReadPerSecond: number;
  readonly bytesWrittenPerSecond: number;
}

/** Operations that have ended, as DataNodes count them: an operation that a client repeated counts each time. */
export interface OperationFigures {
  /** Also with "there is no such file" and "the condition does not hold". */
  readonly answered: number;
  /** For want of a quorum, by damage, or for a fault of the node. */
  readonly failed: number;
  /** Turned away for too much load; clients try again by themselves. */
  readonly refused: number;
  /** All that ended, refusals too. */
  readonly operationsPerSecond: number;
  /** Failed ones. */
  readonly errorsPerSecond: number;
  readonly refusalsPerSecond: number;
  /** Of those answered, from their coming in at the DataNode to the answer; undefined: there were none. */
  readonly latency: LatencyFigures | undefined;
  /** Of those answered, by core's latency buckets; those missing at the end are 0. */
  readonly latencyCounts: readonly number[];
}

/** Percentiles in ms, off by less than a tenth. */
export interface LatencyFigures {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** What was asked of a bucket, on all DataNodes together. */
export interface BucketActivity {
  readonly bucket: string;
  readonly reads: number;
  /** Puts, appends and deletes. */
  readonly writes: number;
  readonly lists: number;
  readonly failed: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly listsPerSecond: number;
  readonly errorsPerSecond: number;
  /** Of contents in records; chunks are not told apart by bucket. */
  readonly bytesReadPerSecond: number;
  readonly bytesWrittenPerSecond: number;
}

/** A file that much is asked of, with rates over the last half minute or so. */
export interface HotFile {
  /** `bucket/path`. */
  readonly name: string;
  readonly bucket: string;
  readonly path: string;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}
