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
  /** Whether this is, or once was, a DataNode of the cluster: the ballots of nodes that have left live on. */
  isMember(node: number): boolean;
}
