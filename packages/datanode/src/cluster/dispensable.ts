import { type Cluster, NodeState } from "@quorumfs/proto";

/**
 * Whether a cluster serves, and has everything, without one of its DataNodes: in each partition of that node, and in both of
 * its groups while it moves, a read quorum of every bucket is up among the others.
 *
 * Why that is enough. R of the others answer, so every read finds the newest acknowledged version. And of the W nodes
 * that acknowledged a chunk, W - 1 at least are others; at most N - 1 - R of the others are away, which is W - 2 or less since
 * R + W > N; so one that is up has it.
 *
 * @param cluster as its SuperNode tells it now
 */
export function isDispensable(cluster: Cluster, node: number): boolean {
  const { layout, buckets, nodes } = cluster;
  if (!layout) return true;
  const up = new Set(nodes.filter(({ state }) => state === NodeState.NODE_STATE_UP).map(({ id }) => id));
  const needed = Math.max(Math.floor(layout.replicas / 2) + 1, ...buckets.map(({ readQuorum }) => readQuorum));
  const goesOn = (group: readonly number[]): boolean =>
    !group.includes(node) || group.filter((id) => id !== node && up.has(id)).length >= needed;
  return layout.partitions.every((partition) => goesOn(partition.nodes) && goesOn(partition.joining));
}
