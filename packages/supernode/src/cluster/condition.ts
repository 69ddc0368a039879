import type { NodeId } from "@quorumfs/core";
import type { ClusterState } from "./cluster-state.js";
import { formingMessage } from "./forming.js";

export interface ClusterCondition {
  readonly ready: boolean;
  /** One sentence for people: `ready`, or what is missing. */
  readonly text: string;
}

/** Ready means that every file of every bucket can be read and written with the DataNodes that are not down. */
export function conditionOf(state: ClusterState, initialNodes: number): ClusterCondition {
  const forming = formingMessage(state, initialNodes);
  if (forming !== undefined) return { ready: false, text: forming };
  const down = state.members.filter((member) => state.healthOf(member.id) === "down").map((member) => member.id);
  const missing = down.length === 0 ? "" : `${down.length === 1 ? "DataNode" : "DataNodes"} ${down.join(", ")} down`;
  const { lost, total, bucket } = partitionsWithoutQuorum(state);
  if (lost === 0) return { ready: true, text: missing === "" ? "ready" : `ready, but ${missing}` };
  return { ready: false, text: `${lost} of ${total} partitions of bucket ${bucket} lack a quorum: ${missing}` };
}

/** For the bucket that suffers most. */
function partitionsWithoutQuorum(state: ClusterState): { lost: number; total: number; bucket: string } {
  const partitions = state.layout?.partitions ?? [];
  const isThere = (id: NodeId): boolean => state.healthOf(id) !== "down";
  const present = partitions.map(({ nodes, joining }) =>
    Math.min(nodes.filter(isThere).length, joining.length === 0 ? Infinity : joining.filter(isThere).length),
  );
  let worst = { lost: 0, total: partitions.length, bucket: "" };
  for (const { name, readQuorum, writeQuorum } of state.buckets) {
    const needed = Math.max(readQuorum, writeQuorum);
    const lost = present.filter((count) => count < needed).length;
    if (lost > worst.lost) worst = { ...worst, lost, bucket: name };
  }
  return worst;
}
