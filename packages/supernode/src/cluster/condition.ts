import { destinations, type NodeId } from "@quorumfs/core";
import { dataNodes } from "../layout/reason.js";
import { remainingIn } from "../layout/next-step.js";
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
  const missing = down.length === 0 ? "" : `${dataNodes(down)} down`;
  const { lost, total, bucket } = partitionsWithoutQuorum(state);
  const notes = [...changeNote(state), ...idleNote(state)].map((note) => `; ${note}`).join("");
  if (lost === 0) return { ready: true, text: `${missing === "" ? "ready" : `ready, but ${missing}`}${notes}` };
  return { ready: false, text: `${lost} of ${total} partitions of bucket ${bucket} lack a quorum: ${missing}${notes}` };
}

/** What moves just now. */
function changeNote({ change, layout, targets }: ClusterState): readonly string[] {
  if (!change || !layout || !targets) return [];
  const { movesTotal, reason, state } = change;
  const done = Math.max(0, movesTotal - remainingIn(layout, targets));
  return [`${reason} (${state}: ${done} of ${movesTotal} partitions done)`];
}

/** Who waits for files: a DataNode that joins gets none before somebody says so. */
function idleNote(state: ClusterState): readonly string[] {
  if (!state.layout) return [];
  const holders = new Set([
    ...destinations(state.layout).flat(),
    ...(state.change ? (state.targets?.flat() ?? []) : []),
  ]);
  const idle = state.members
    .filter(({ id, role }) => role === "active" && !holders.has(id) && state.healthOf(id) !== "down")
    .map(({ id }) => id);
  if (idle.length === 0) return [];
  const [hold, get] = idle.length === 1 ? ["holds", "its share"] : ["hold", "their shares"];
  return [`${dataNodes(idle)} ${hold} nothing yet: quorumfs layout apply gives ${get}`];
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
