import { type Electorate, type NodeId, partitionOfChunk, QuorumError } from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView, ClusterView } from "../cluster/cluster-view.js";

/** One chunk of some file; where it lies follows from these alone. */
export interface ChunkName {
  /** 16 bytes. */
  readonly upload: Uint8Array;
  readonly index: number;
}

/** Which nodes hold a chunk, and how many of them make it safe. @throws QuorumError `unavailable` without a layout */
export function chunkVoters(view: ClusterView, bucket: BucketView, { upload, index }: ChunkName): Electorate {
  const partition = partitionOfChunk(upload, index, view.layout?.partitions.length);
  const place = view.placeOf(bucket, partition);
  if (place) return place.voters;
  throw new QuorumError({ code: "unavailable", message: view.forming ?? "this DataNode knows no layout" });
}

/** Where chunks lie by the newest layout. */
export class ChunkPlaces {
  readonly #store: Pick<ClusterStore, "view">;
  readonly #isLocal: (node: NodeId) => boolean;

  constructor(options: { readonly store: Pick<ClusterStore, "view">; readonly isLocal: (node: NodeId) => boolean }) {
    this.#store = options.store;
    this.#isLocal = options.isLocal;
  }

  /** The nodes that hold the chunk when all is well: this one, then those that are up, then the others; who is yet to get it comes last. */
  nearestFirst({ upload, index }: ChunkName): readonly NodeId[] {
    const { layout } = this.#store.view;
    const assignment = layout?.partitions[partitionOfChunk(upload, index, layout.partitions.length)];
    if (!assignment) return [];
    const { nodes, joining } = assignment;
    return [...this.#nearest(nodes), ...this.#nearest(joining.filter((node) => !nodes.includes(node)))];
  }

  /** All other nodes, in the same order: a chunk that came late to a partition that moved may be where that was before. */
  elsewhere(chunk: ChunkName): readonly NodeId[] {
    const replicas = this.nearestFirst(chunk);
    return this.#nearest([...this.#store.view.nodes.keys()].filter((node) => !replicas.includes(node)));
  }

  #nearest(members: readonly NodeId[]): readonly NodeId[] {
    const { nodes } = this.#store.view;
    const rank = (node: NodeId) => (this.#isLocal(node) ? 0 : nodes.get(node)?.state === "up" ? 1 : 2);
    return [...members].sort((a, b) => rank(a) - rank(b));
  }

  /** Whether this node is to hold the chunk. */
  isHere(chunk: ChunkName): boolean {
    return this.nearestFirst(chunk).some(this.#isLocal);
  }
}
