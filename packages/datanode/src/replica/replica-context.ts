import type { BucketId, Layout, NodeId } from "@quorumfs/core";

/** What a replica needs to know about a bucket. */
export interface ReplicaBucket {
  /** Being deleted: no more writes. */
  readonly deleting: boolean;
  /** `memory`: votes count before the disk has them. */
  readonly durability: "fsync" | "memory";
}

/** The cluster as the replica sees it; asked anew with every message, so that a change counts at once. */
export interface ReplicaContext {
  /** This cluster and this node; undefined before the first Join. */
  readonly clusterId: string | undefined;
  readonly self: NodeId | undefined;
  /** Undefined while the cluster is forming. */
  layout(): Layout | undefined;
  /** Undefined: not known here, perhaps not yet; an implementation may take the question as a reason to ask around. */
  bucket(id: BucketId): ReplicaBucket | undefined;
  /** Whether this is a DataNode of the cluster. */
  isMember(node: number): boolean;
  /** Whether this is, or once was, a DataNode of the cluster: the ballots of nodes that have left live on. */
  wasMember(node: number): boolean;
  /** Whether this node has begun to hold the partition, as it does before its first vote on it, and has not begun to give it up. */
  holds(partition: number): boolean;
  /** Whether that is so of every partition on which it is to vote. */
  readonly holdsAll: boolean;
  /**
   * Asks for a newer layout than the one that is followed.
   *
   * @returns whether `isThere` came true; false after half a second at most. Never throws
   */
  newerLayout(isThere: () => boolean): Promise<boolean>;
}
