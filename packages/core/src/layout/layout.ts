import { assert } from "../assert.js";
import { QuorumError } from "../errors.js";
import { type BucketId, type NodeId, partitionId } from "../ids.js";
import { type Electorate, electorate } from "../quorum/electorate.js";
import { partitionCount, partitionOf } from "./partition.js";
import { type PlacementNode, placePartition } from "./placement.js";
import { planLayout, type Targets } from "./plan.js";

/** Who holds one partition. */
export interface PartitionAssignment {
  /** In order of preference as coordinator. */
  readonly nodes: readonly NodeId[];
  /** The nodes that take over, while the partition moves; empty otherwise. */
  readonly joining: readonly NodeId[];
  /** Number of the layout that changed this partition last. */
  readonly layout: number;
}

/** The numbered assignment of all partitions; a higher number supersedes a lower one. */
export interface Layout {
  readonly number: number;
  /** N. */
  readonly replicas: number;
  readonly partitions: readonly PartitionAssignment[];
}

/** The first layout of a cluster: drawn by hash, then levelled. `nodes` must be at least `replicas` many. */
export function firstLayout(
  nodes: readonly PlacementNode[],
  replicas: number,
  partitions: number = partitionCount,
): Layout {
  assert(nodes.length >= replicas, "a layout needs as many nodes as replicas");
  const drawn = Array.from({ length: partitions }, (_, index) =>
    placePartition({ partition: partitionId(index), nodes, replicas }),
  );
  const levelled = planLayout({ current: drawn, nodes, replicas });
  return { number: 1, replicas, partitions: levelled.map((list) => ({ nodes: list, joining: [], layout: 1 })) };
}

/** Where each partition is, or will be when what moves just now has moved. */
export function destinations(layout: Layout): Targets {
  return layout.partitions.map(({ nodes, joining }) => (joining.length > 0 ? joining : nodes));
}

/** How many partitions each node holds, and of how many it is the first. */
export function holdings(targets: Targets): ReadonlyMap<NodeId, { readonly held: number; readonly first: number }> {
  const counts = new Map<NodeId, { held: number; first: number }>();
  for (const nodes of targets) {
    for (const [rank, node] of nodes.entries()) {
      const { held, first } = counts.get(node) ?? { held: 0, first: 0 };
      counts.set(node, { held: held + 1, first: rank === 0 ? first + 1 : first });
    }
  }
  return counts;
}

/** Where a file's partition is, in a layout. */
export function assignmentOf(layout: Layout, bucket: BucketId, path: string): PartitionAssignment {
  const assignment = layout.partitions[partitionOf(bucket, path, layout.partitions.length)];
  if (!assignment) throw new QuorumError({ code: "internal", message: "the layout has no partitions" });
  return assignment;
}

/** The voters of a partition for a bucket with these quorums. Reused by the caller: make it once per assignment. */
export function votersOf(assignment: PartitionAssignment, quorum: { read: number; write: number }): Electorate {
  const groups = [{ members: assignment.nodes, read: quorum.read, write: quorum.write }];
  if (assignment.joining.length > 0) {
    groups.push({ members: assignment.joining, read: quorum.read, write: quorum.write });
  }
  return electorate(groups);
}
