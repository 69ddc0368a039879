import { type BucketId, bucketId, partitionOf, partitionOfChunk, QuorumError } from "@quorumfs/core";
import type { Bucket, Cluster, Node, Partition } from "@quorumfs/proto";

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

  /** W; undefined as for {@link bucketId}. */
  writeQuorumOf(name: string): number | undefined {
    return this.#buckets.get(name)?.writeQuorum;
  }

  /** The nodes that hold a chunk. */
  replicasOfChunk(upload: Uint8Array, index: number): readonly number[] {
    return this.#partitions[partitionOfChunk(upload, index, this.#partitions.length)]?.nodes ?? [];
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
