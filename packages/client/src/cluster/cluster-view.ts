import { type BucketId, bucketId, partitionOf, partitionOfChunk, QuorumError } from "@quorumfs/core";
import type { Bucket, Cluster, Node, Partition } from "@quorumfs/proto";
import type { ChunkPlaces } from "./chunk-places.js";

/** Nodes that may have a chunk, those that are asked first first. */
export interface ChunkReaders {
  readonly replicas: readonly (readonly number[])[];
  /** They have it only if something went late. */
  readonly others: readonly number[];
}

/** One revision of the cluster as the SuperNode published it, made for looking things up. Never changes. */
export class ClusterView {
  readonly clusterId: string;
  readonly revision: number;
  /** 0 while the cluster is forming. */
  readonly layout: number;
  readonly replicas: number;
  readonly nodes: ReadonlyMap<number, Node>;
  readonly #partitions: readonly Partition[];
  readonly #buckets: ReadonlyMap<string, Bucket>;

  constructor(cluster: Cluster) {
    this.clusterId = cluster.clusterId;
    this.revision = cluster.revision;
    this.layout = cluster.layout?.number ?? 0;
    this.replicas = cluster.replicas;
    this.nodes = new Map(cluster.nodes.map((node) => [node.id, node]));
    this.#partitions = cluster.layout?.partitions ?? [];
    this.#buckets = new Map(cluster.buckets.map((bucket) => [bucket.name, bucket]));
  }

  /** Undefined also for a bucket that is newer than this revision. */
  bucketId(name: string): BucketId | undefined {
    const bucket = this.#buckets.get(name);
    return bucket && bucketId(bucket.id);
  }

  /** Where a chunk of a file in this bucket belongs, and on how many nodes it is safe. */
  chunkPlaces(bucket: string, upload: Uint8Array, index: number): ChunkPlaces {
    const needed = this.#buckets.get(bucket)?.writeQuorum ?? this.replicas;
    const { nodes, joining } = this.#chunkPartition(upload, index);
    const groups = [nodes, joining].filter((members) => members.length > 0);
    return { groups: groups.map((members) => ({ nodes: members, needed })), nodes: [...new Set(groups.flat())] };
  }

  /**
   * Whom to ask for a chunk: its replicas; then who is to take them over; then all others, for a chunk that came late to a
   * partition that moved may be where that was before.
   */
  chunkReaders(upload: Uint8Array, index: number): ChunkReaders {
    const { nodes, joining } = this.#chunkPartition(upload, index);
    const next = joining.filter((node) => !nodes.includes(node));
    const others = [...this.nodes.keys()].filter((node) => !nodes.includes(node) && !next.includes(node));
    return { replicas: [nodes, next], others };
  }

  #chunkPartition(upload: Uint8Array, index: number): Pick<Partition, "nodes" | "joining"> {
    return this.#partitions[partitionOfChunk(upload, index, this.#partitions.length)] ?? { nodes: [], joining: [] };
  }

  /** The nodes that hold a file, preferred coordinator first; empty if that is not known here, and any node will do. */
  replicasOf(bucket: BucketId | undefined, path: string): readonly number[] {
    if (bucket === undefined) return [];
    const partition = this.#partitions[partitionOf(bucket, path, this.#partitions.length)];
    return partition?.nodes ?? [];
  }

  /** @throws QuorumError `unavailable` while too few DataNodes have joined for a first layout */
  requireFormed(): void {
    if (this.layout > 0) return;
    throw new QuorumError({
      code: "unavailable",
      message: `cluster is forming: ${this.nodes.size} of ${this.replicas} DataNodes have joined`,
    });
  }
}
