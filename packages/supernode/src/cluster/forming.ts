import { completeQuorum, firstLayout, type Layout, QuorumError } from "@quorumfs/core";
import { type Bucket, Durability } from "@quorumfs/proto";
import type { ClusterState } from "./cluster-state.js";
import type { Member } from "./member.js";

/** The bucket that every cluster has from the start. */
export const defaultBucketName = "files";

/** Members that are there to take part in the first layout. A node that came and went would be a hole in it. */
export function presentMembers(state: ClusterState): readonly Member[] {
  return state.members.filter((member) => state.healthOf(member.id) !== "down");
}

/** Why the cluster cannot serve yet; undefined once it has a layout. */
export function formingMessage(state: ClusterState, initialNodes: number): string | undefined {
  if (state.layout) return undefined;
  const needed = Math.max(state.replicas, initialNodes);
  return `cluster is forming: ${presentMembers(state).length} of ${needed} DataNodes have joined`;
}

/** @throws QuorumError `unavailable` while the cluster is forming */
export function requireLayout(state: ClusterState, initialNodes: number): Layout {
  if (state.layout) return state.layout;
  throw new QuorumError({ code: "unavailable", message: formingMessage(state, initialNodes) ?? "" });
}

/** The first layout, once enough DataNodes have joined; undefined before, and when there is one. */
export function layoutIfDue(
  state: ClusterState,
  { initialNodes, partitions }: { readonly initialNodes: number; readonly partitions: number },
): Layout | undefined {
  if (state.layout) return undefined;
  const present = presentMembers(state);
  if (present.length < Math.max(state.replicas, initialNodes)) return undefined;
  const nodes = present.map(({ id, zone, capacityBytes }) => ({ id, zone, weight: Math.max(1, capacityBytes) }));
  return firstLayout(nodes, state.replicas, partitions);
}

export function defaultBucket(options: { id: number; replicas: number; wallMs: number }): Bucket {
  const { read, write } = completeQuorum({ replicas: options.replicas });
  return {
    id: options.id,
    name: defaultBucketName,
    readQuorum: read,
    writeQuorum: write,
    durability: Durability.DURABILITY_FSYNC,
    createdAtMs: options.wallMs,
    deleting: false,
  };
}
