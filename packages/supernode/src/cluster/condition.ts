import type { NodeId } from "@quorumfs/core";
import { dataNodes } from "../layout/reason.js";
import { remainingIn } from "../layout/next-step.js";
import type { ClusterState } from "./cluster-state.js";
import { formingMessage } from "./forming.js";
import type { Member } from "./member.js";

export interface ClusterCondition {
  readonly ready: boolean;
  /** One sentence for people: `ready`, or what is missing. */
  readonly text: string;
}

type Roster = Pick<ClusterState, "members" | "healthOf">;

/** Ready means that every file of every bucket can be read and written with the DataNodes that are not down. */
export function conditionOf(state: ClusterState, initialNodes: number): ClusterCondition {
  const forming = formingMessage(state, initialNodes);
  if (forming !== undefined) return { ready: false, text: forming };
  const holders = holdersOf(state);
  const isDown = ({ id }: Member): boolean => state.healthOf(id) === "down";
  const down = state.members.filter((member) => isDown(member) && holders.has(member.id)).map(({ id }) => id);
  const roster = { members: state.members, healthOf: (id: NodeId) => state.healthOf(id) };
  const missing = down.length === 0 ? "" : `${dataNodes(down)} down`;
  const { lost, total, bucket } = partitionsWithoutQuorum(state);
  const notes = [
    ...changeNote(state),
    ...idleNote(roster, holders),
    ...drainedNote(state, holders),
    ...goneNote(roster, holders),
  ]
    .map((note) => `; ${note}`)
    .join("");
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

/** Who holds files, or is to. */
function holdersOf({ layout, targets, change }: ClusterState): ReadonlySet<NodeId> {
  const now = layout?.partitions.flatMap(({ nodes, joining }) => [...nodes, ...joining]) ?? [];
  return new Set([...now, ...(change ? (targets ?? []).flat() : [])]);
}

/** Who waits for files: a DataNode that joins gets none before somebody says so. */
function idleNote({ members, healthOf }: Roster, holders: ReadonlySet<NodeId>): readonly string[] {
  const idle = members.filter(({ id, role }) => role === "active" && !holders.has(id) && healthOf(id) !== "down");
  if (idle.length === 0) return [];
  const [hold, get] = idle.length === 1 ? ["holds", "its share"] : ["hold", "their shares"];
  return [`${dataNodes(idle.map(({ id }) => id))} ${hold} nothing yet: quorumfs layout apply gives ${get}`];
}

/** Who has given everything away, as it was told to. */
function drainedNote(state: ClusterState, holders: ReadonlySet<NodeId>): readonly string[] {
  const drained = state.members
    .filter(({ id, role }) => role === "draining" && !holders.has(id) && state.healthOf(id) === "up")
    .filter(({ id }) => state.loadOf(id)?.sync?.leavingPartitions === 0)
    .map(({ id }) => id);
  if (drained.length === 0) return [];
  return [`${dataNodes(drained)} ${drained.length === 1 ? "is" : "are"} drained, and may be stopped`];
}

/** Who has been replaced, or came and went: nobody misses it. */
function goneNote({ members, healthOf }: Roster, holders: ReadonlySet<NodeId>): readonly string[] {
  const gone = members.filter(({ id }) => !holders.has(id) && healthOf(id) === "down").map(({ id }) => id);
  if (gone.length === 0) return [];
  const [be, hold] = gone.length === 1 ? ["is", "holds"] : ["are", "hold"];
  return [
    `${dataNodes(gone)} ${be} down and ${hold} nothing: quorumfs node remove --lost takes ${gone.length === 1 ? "it" : "them"} off the list`,
  ];
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
