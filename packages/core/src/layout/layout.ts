import { assert } from "../assert.js";
import { QuorumError } from "../errors.js";
import type { BucketId, NodeId, PartitionId } from "../ids.js";
import { type Electorate, electorate } from "../quorum/electorate.js";
import { partitionCount, partitionOf } from "./partition.js";
import { type PlacementNode, placePartition } from "./placement.js";

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

/** The first layout of a cluster. `nodes` must be at least `replicas` many. */
export function firstLayout(nodes: readonly PlacementNode[], replicas: number): Layout {
  assert(nodes.length >= replicas, "a layout needs as many nodes as replicas");
  const partitions = Array.from({ length: partitionCount }, (_, index) => ({
    nodes: placePartition({ partition: index as PartitionId, nodes, replicas }),
    joining: [],
    layout: 1,
  }));
  return { number: 1, replicas, partitions };
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
