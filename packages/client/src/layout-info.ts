import type { WallDate } from "./adapters/wall-date.js";

/**
 * What a DataNode is there for. `active`: has, or gets with the next change of the layout, its share of the files.
 * `draining`: gives its share away, and stays. `leaving`: gives its share away, and is no member then. `lost`: never runs
 * again, by the operator's word; whatever comes back under its number does not vote.
 */
export type NodeRole = "active" | "draining" | "leaving" | "lost";

/** What is to become of one DataNode. */
export interface NodeChange {
  readonly node: number;
  readonly role: NodeRole;
  /** With `leaving` and `lost`: this DataNode takes over what the other one held, and nothing else moves. */
  readonly replacedBy?: number;
}

/** Which DataNodes hold how much, and the change that is under way. */
export interface LayoutInfo {
  /** Undefined while the cluster is forming. */
  readonly number: number | undefined;
  /** By node. */
  readonly shares: readonly NodeShare[];
  /**
   * Largest difference of a node's partitions from its ideal share, as a fraction of that share; 0 is perfectly even. Nodes
   * without a share of their own, which drain or leave, do not count.
   */
  readonly unevenness: number;
  /** Undefined: there is none. */
  readonly change: LayoutChange | undefined;
}

/** The part of all partitions (1,024) that one DataNode holds; each partition is held by N of them. */
export interface NodeShare {
  readonly node: number;
  /** That it holds or takes over. */
  readonly partitions: number;
  /** Of these, the ones that it is asked first about. */
  readonly preferred: number;
  /** What its weight entitles it to. */
  readonly idealPartitions: number;
}

/** Who votes on one part of the files. */
export interface PartitionInfo {
  /** Ids, in order of preference as coordinator. */
  readonly nodes: readonly number[];
  /** While it moves: all that will hold it. Empty: it stays. */
  readonly joining: readonly number[];
}

/** What a change would move. */
export interface LayoutPlan {
  /** The layout that it starts from. Handed to `apply`, only what was seen is applied. */
  readonly baseLayout: number;
  /** Empty: nothing has to move. */
  readonly moves: readonly PartitionMove[];
  /** By node. */
  readonly transfers: readonly NodeTransfer[];
  /** As in {@link LayoutInfo}. */
  readonly unevennessBefore: number;
  readonly unevennessAfter: number;
  /** At the rate of earlier moves, or of a careful guess. */
  readonly estimatedMs: number;
  /** What could go wrong, or stands in the way; sentences for people. */
  readonly warnings: readonly string[];
}

export interface PartitionMove {
  readonly partition: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** What a plan means for one DataNode; bytes are estimated from what the nodes hold now. */
export interface NodeTransfer {
  readonly node: number;
  readonly partitionsBefore: number;
  readonly partitionsAfter: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/**
 * `moving`: under way. `stopping`: ends after what is moving just now. `stopped`: was ended before its time, and the rest
 * did not move. `superseded`: another change took its place.
 */
export type LayoutChangeState = "moving" | "stopping" | "stopped" | "done" | "superseded";

/** A change of the layout, which goes on by itself until it is done or stopped. */
export interface LayoutChange {
  /** Counts the changes of this cluster. */
  readonly id: number;
  readonly state: LayoutChangeState;
  /** One sentence: `node 4 joins`. */
  readonly reason: string;
  readonly startedAt: WallDate;
  /** Undefined: it is under way. */
  readonly endedAt: WallDate | undefined;
  /** The layout that it started from, and the newest that it has made. */
  readonly firstLayout: number;
  readonly lastLayout: number;
  /** Partitions that move, have moved, and are moving now. */
  readonly movesTotal: number;
  readonly movesDone: number;
  readonly moving: number;
  /** Of all moves, estimated. */
  readonly bytesTotal: number;
  /** Undefined: not known. */
  readonly remainingMs: number | undefined;
  /** What holds it up; sentences for people. */
  readonly obstacles: readonly string[];
}

/** Whether nothing more comes of a change. */
export function hasEnded({ state }: LayoutChange): boolean {
  switch (state) {
    case "moving":
    case "stopping":
      return false;
    case "stopped":
    case "done":
    case "superseded":
      return true;
  }
}
