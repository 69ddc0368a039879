import {
  type BucketId,
  type Electorate,
  type Layout,
  type NodeId,
  type PartitionId,
  QuorumError,
  bucketId,
  checkQuorum,
  nodeId,
  partitionOf,
  votersOf,
} from "@quorumfs/core";
import {
  type Bucket,
  type Cluster,
  Durability,
  type Layout as LayoutMessage,
  type Node,
  NodeState,
} from "@quorumfs/proto";

/** A bucket as votes need it. */
export interface BucketView {
  readonly id: BucketId;
  readonly name: string;
  /** R. */
  readonly read: number;
  /** W. */
  readonly write: number;
  readonly durability: "fsync" | "memory";
  /** Being deleted: its files can be read, and no longer changed. */
  readonly deleting: boolean;
}

export interface NodeView {
  readonly id: NodeId;
  /** host:port. */
  readonly address: string;
  /** The SuperNode's word at this revision; good for choosing whom to ask, never for deciding who counts. */
  readonly state: "up" | "suspect" | "down";
  /** Another one than before: it has started anew. */
  readonly incarnation: number;
}

/** Who votes on a file. */
export interface FilePlace {
  readonly partition: PartitionId;
  /** Number of the layout that changed this partition last; every vote carries it. */
  readonly layout: number;
  readonly voters: Electorate;
}

/**
 * One revision of the cluster, decoded once into the lookups that every operation makes. Immutable: an operation that
 * began with one view ends with it.
 */
export class ClusterView {
  readonly clusterId: string;
  /** Grows with every change; 0 is the view of a node that knows nothing yet. */
  readonly revision: number;
  /** Undefined while the cluster is forming. */
  readonly layout: Layout | undefined;
  /** N. */
  readonly replicas: number;
  readonly nodes: ReadonlyMap<NodeId, NodeView>;
  readonly buckets: ReadonlyMap<BucketId, BucketView>;
  readonly #nodeNumbers: ReadonlySet<number>;
  readonly #formerNumbers: ReadonlySet<number>;
  readonly #bucketsByName: ReadonlyMap<string, BucketView>;
  /** By bucket, then by partition; filled as they are asked for. */
  readonly #places = new Map<BucketId, (FilePlace | undefined)[]>();

  private constructor(cluster: Cluster) {
    this.clusterId = cluster.clusterId;
    this.revision = cluster.revision;
    this.layout = cluster.layout && layoutFrom(cluster.layout);
    this.replicas = cluster.replicas;
    this.nodes = new Map(cluster.nodes.map(nodeView).map((node) => [node.id, node]));
    this.#nodeNumbers = new Set(this.nodes.keys());
    this.#formerNumbers = new Set(cluster.formerNodes);
    this.buckets = new Map(cluster.buckets.map(bucketView).map((bucket) => [bucket.id, bucket]));
    this.#bucketsByName = new Map([...this.buckets.values()].map((bucket) => [bucket.name, bucket]));
    for (const { read, write } of this.buckets.values()) {
      if (this.replicas > 0) checkQuorum({ replicas: this.replicas, read, write });
    }
  }

  /** @throws QuorumError `internal` when the message contradicts itself */
  static of(cluster: Cluster): ClusterView {
    try {
      return new ClusterView(cluster);
    } catch (cause) {
      const message = "the SuperNode published a cluster that this DataNode cannot follow";
      throw new QuorumError({ code: "internal", message, cause });
    }
  }

  /** What a node knows before it has heard from any SuperNode. */
  static readonly empty = new ClusterView({
    clusterId: "",
    revision: 0,
    layout: undefined,
    nodes: [],
    buckets: [],
    replicas: 0,
    formerNodes: [],
  });

  bucketNamed(name: string): BucketView | undefined {
    return this.#bucketsByName.get(name);
  }

  /** Whether this number, wherever it comes from, is that of a DataNode of the cluster. */
  hasNode(id: number): boolean {
    return this.#nodeNumbers.has(id);
  }

  /** Whether this number is, or once was, that of a DataNode of the cluster: ballots of nodes that have left stay in records. */
  hasHadNode(id: number): boolean {
    return this.#nodeNumbers.has(id) || this.#formerNumbers.has(id);
  }

  /** Number of the layout; 0 while the cluster is forming. */
  get layoutNumber(): number {
    return this.layout?.number ?? 0;
  }

  /** Undefined while the cluster is forming. */
  place(bucket: BucketView, path: string): FilePlace | undefined {
    if (!this.layout) return undefined;
    return this.placeOf(bucket, partitionOf(bucket.id, path, this.layout.partitions.length));
  }

  placeOf(bucket: BucketView, partition: PartitionId): FilePlace | undefined {
    let places = this.#places.get(bucket.id);
    if (!places) this.#places.set(bucket.id, (places = []));
    const cached = places[partition];
    if (cached) return cached;
    const assignment = this.layout?.partitions[partition];
    if (!assignment) return undefined;
    const place = { partition, layout: assignment.layout, voters: votersOf(assignment, bucket) };
    places[partition] = place;
    return place;
  }

  /** For people: what is still missing before files can be served, or undefined when nothing is. */
  get forming(): string | undefined {
    if (this.layout) return undefined;
    if (this.replicas === 0) return "this DataNode has not heard from a SuperNode yet";
    return `cluster is forming: ${this.nodes.size} of ${this.replicas} DataNodes have joined`;
  }
}

function layoutFrom(layout: LayoutMessage): Layout {
  return {
    number: layout.number,
    replicas: layout.replicas,
    partitions: layout.partitions.map((partition) => ({
      nodes: partition.nodes.map(nodeId),
      joining: partition.joining.map(nodeId),
      layout: partition.layout,
    })),
  };
}

function nodeView(node: Node): NodeView {
  return { id: nodeId(node.id), address: node.address, state: stateOf(node.state), incarnation: node.incarnation };
}

function stateOf(state: NodeState): NodeView["state"] {
  if (state === NodeState.NODE_STATE_UP) return "up";
  return state === NodeState.NODE_STATE_SUSPECT ? "suspect" : "down";
}

/** @throws RangeError */
export function bucketView(bucket: Bucket): BucketView {
  return {
    id: bucketId(bucket.id),
    name: bucket.name,
    read: bucket.readQuorum,
    write: bucket.writeQuorum,
    durability: bucket.durability === Durability.DURABILITY_MEMORY ? "memory" : "fsync",
    deleting: bucket.deleting,
  };
}
