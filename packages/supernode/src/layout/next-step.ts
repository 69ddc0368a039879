/**
 * What a change of the layout does next: pure. Partitions go over one by one by joint quorums (PROTOCOL.md, "Layout
 * change"), in batches, so that most of the cluster is as it always is.
 *
 * - A partition *begins*: its target set joins, and all votes need both sets.
 * - It *ends* when all of the new set have taken it over, those that stay included, and so many of the old set know of the
 *   move that no quorum of theirs, of reads, writes or promises, can be made up of those that do not.
 * - Has one of the new set died meanwhile, and the target has changed, the partition *turns* to the new target. Is that
 *   the old set, it has ended there: every vote since has had its quorums in the old set too, so there is nothing to take over.
 *
 * What has ended is published with what begins next, under one layout number.
 */
import type { Layout, NodeId, PartitionAssignment, Targets } from "@quorumfs/core";
import type { Role } from "../cluster/member.js";
import type { Health } from "../membership/membership.js";

/**
 * Partitions that move at a time. A DataNode finds the records of some partitions by reading all that it has, so a batch
 * is to be worth a reading: with a quarter of all partitions a whole change reads a node four times. More at a time would
 * make more writes wait for two quorums, and a stop wait longer.
 */
export const batchPartitionsMax = 256;

/** So much comes to a DataNode in minutes; more than that in one batch would hold up a stop, or a change of plan, for long. */
export const batchBytesMax = 16 * 2 ** 30;

/** Part of a DataNode's free space that a batch may fill: chunks of uploads come in as well. */
const roomFraction = 0.8;

/** Ended partitions wait so long for more to end with them: each layout goes to every node and client. */
const gatherMs = 2000;

/** What a step rests on. */
export interface StepView {
  readonly layout: Layout;
  readonly targets: Targets;
  /** Nothing new begins. */
  readonly stopping: boolean;
  readonly healthOf: (id: NodeId) => Health;
  readonly roleOf: (id: NodeId) => Role | undefined;
  readonly hasSynced: (id: NodeId, partition: number, layout: number) => boolean;
  readonly hasLearned: (id: NodeId, layout: number) => boolean;
  /** Free space; undefined where the node has not said. */
  readonly freeBytes: (id: NodeId) => number | undefined;
  /** Estimated, of one replica of one partition. */
  readonly partitionBytes: number;
  /** Of each bucket. */
  readonly quorums: readonly { readonly read: number; readonly write: number }[];
  /** Since the last layout was published. */
  readonly sincePublishedMs: number;
}

export interface Step {
  /** Undefined: nothing is to be published now. */
  readonly layout: Layout | undefined;
  readonly begun: number;
  readonly ended: number;
  readonly turned: number;
  /** Partitions that are not where they are to be, before this step. */
  readonly remaining: number;
  readonly moving: number;
  /** What holds it up, for people. */
  readonly obstacles: readonly string[];
}

export function nextStep(view: StepView): Step {
  const obstacles = new Obstacles();
  const { layout, targets } = view;
  const joint: number[] = [];
  const ready: number[] = [];
  const turning: number[] = [];
  const waiting: number[] = [];
  const reordered: number[] = [];
  for (const [partition, assignment] of layout.partitions.entries()) {
    const target = targets[partition] ?? destinationOf(assignment);
    if (assignment.joining.length > 0) {
      joint.push(partition);
      if (mayEnd(view, partition, assignment, obstacles)) ready.push(partition);
      else if (mustTurn(view, assignment, target)) turning.push(partition);
    } else if (!sameSet(assignment.nodes, target)) {
      waiting.push(partition);
    } else if (assignment.nodes.some((node, rank) => node !== target[rank])) {
      reordered.push(partition);
    }
  }
  const gathers = ready.length * 2 < joint.length && view.sincePublishedMs < gatherMs && turning.length === 0;
  const ended = gathers ? [] : ready;
  const left = joint.length - ended.length;
  const mayBegin = !view.stopping && left * 2 <= batchPartitionsMax;
  const begun = mayBegin ? choose(view, waiting, batchPartitionsMax - left, obstacles) : [];
  const sorted = view.stopping ? [] : reordered;
  const changed = ended.length + turning.length + begun.length + sorted.length;
  return {
    layout: changed === 0 ? undefined : published(view, { ended, turning, begun, reordered: sorted }),
    begun: begun.length,
    ended: ended.length,
    turned: turning.length,
    remaining: waiting.length + joint.length,
    moving: joint.length - ended.length + begun.length,
    obstacles: obstacles.texts,
  };
}

/** Partitions that are not where they are to be yet. */
export function remainingIn(layout: Layout, targets: Targets): number {
  const isDue = ({ nodes, joining }: PartitionAssignment, partition: number): boolean =>
    joining.length > 0 || !sameSet(nodes, targets[partition] ?? nodes);
  return layout.partitions.filter(isDue).length;
}

export function sameSet(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((node) => b.includes(node));
}

/** Where a partition is, or will be when what moves just now has moved. */
function destinationOf({ nodes, joining }: PartitionAssignment): readonly NodeId[] {
  return joining.length > 0 ? joining : nodes;
}

/**
 * How many of the old set must know of a move before it ends: so many that every quorum of reads and of writes has one of
 * them. And a majority, as promises need: whoever asks a majority what it knows then hears of every move that has ended.
 */
function fencesNeeded({ layout: { replicas }, quorums }: StepView): number {
  const majority = Math.floor(replicas / 2) + 1;
  return Math.max(majority, ...quorums.map(({ read, write }) => replicas - Math.min(read, write) + 1));
}

function mayEnd(view: StepView, partition: number, assignment: PartitionAssignment, obstacles: Obstacles): boolean {
  const behind = assignment.joining.filter((node) => !view.hasSynced(node, partition, assignment.layout));
  for (const node of behind) if (!isThere(view, node)) obstacles.add(partition, away(view, node));
  // Who is lost for good asks nobody for anything any more.
  const isFenced = (node: NodeId): boolean => view.roleOf(node) === "lost" || view.hasLearned(node, assignment.layout);
  const unaware = assignment.nodes.filter((node) => !isFenced(node));
  const needed = fencesNeeded(view);
  // Who is there will hear of it in a moment.
  const missing = unaware.filter((node) => !isThere(view, node));
  if (assignment.nodes.length - missing.length < needed) {
    for (const node of missing) obstacles.add(partition, mustLearn(view, node));
  }
  return behind.length === 0 && assignment.nodes.length - unaware.length >= needed;
}

/** Whether a partition waits for a node that is away, and that is not wanted there any more. */
function mustTurn(view: StepView, assignment: PartitionAssignment, target: readonly NodeId[]): boolean {
  return assignment.joining.some((node) => !isThere(view, node) && !target.includes(node));
}

/** Next to move: those first that have fewest replicas alive. */
function choose(view: StepView, waiting: readonly number[], max: number, obstacles: Obstacles): readonly number[] {
  const room = new Map<NodeId, number>();
  const alive = (partition: number): number => {
    const nodes = view.layout.partitions[partition]?.nodes ?? [];
    return nodes.filter((node) => isThere(view, node)).length;
  };
  const able = waiting.filter((partition) => canBeCopied(view, partition, obstacles));
  const ordered = able.map((partition) => ({ partition, alive: alive(partition) }));
  ordered.sort((a, b) => a.alive - b.alive || a.partition - b.partition);
  const chosen: number[] = [];
  for (const { partition } of ordered) {
    if (chosen.length >= max) break;
    const { nodes = [] } = view.layout.partitions[partition] ?? {};
    const newcomers = (view.targets[partition] ?? []).filter((node) => !nodes.includes(node));
    const full = newcomers.filter((node) => !hasRoom(view, room, node));
    for (const node of full) obstacles.add(partition, `waiting for space on DataNode ${node}`);
    if (full.length > 0 || newcomers.some((node) => (room.get(node) ?? 0) > batchBytesMax)) continue;
    for (const node of newcomers) room.set(node, (room.get(node) ?? 0) + view.partitionBytes);
    chosen.push(partition);
  }
  return chosen;
}

function hasRoom(view: StepView, taken: ReadonlyMap<NodeId, number>, node: NodeId): boolean {
  const freeBytes = view.freeBytes(node);
  return freeBytes === undefined || (taken.get(node) ?? 0) + view.partitionBytes <= freeBytes * roomFraction;
}

/** Whether those are there who must give and take: a move that cannot end would only cost its partition availability. */
function canBeCopied(view: StepView, partition: number, obstacles: Obstacles): boolean {
  const { nodes = [] } = view.layout.partitions[partition] ?? {};
  const absent = (view.targets[partition] ?? []).filter((node) => !isThere(view, node));
  for (const node of absent) obstacles.add(partition, away(view, node));
  const silent = nodes.filter((node) => !isThere(view, node) && view.roleOf(node) !== "lost");
  const sources = nodes.filter((node) => isThere(view, node));
  const reads = Math.max(1, ...view.quorums.map(({ read }) => read));
  const canTell = nodes.length - silent.length >= fencesNeeded(view) && sources.length >= reads;
  if (!canTell) for (const node of silent) obstacles.add(partition, mustLearn(view, node));
  if (!canTell && silent.length === 0) obstacles.add(partition, "too few replicas are left to copy from");
  return absent.length === 0 && canTell;
}

function isThere(view: StepView, node: NodeId): boolean {
  const role = view.roleOf(node);
  return role !== undefined && role !== "lost" && view.healthOf(node) !== "down";
}

function away(view: StepView, node: NodeId): string {
  const how = view.roleOf(node) === "lost" ? "lost" : "down";
  return `waiting for DataNode ${node}, which is ${how} and is to hold a replica`;
}

function mustLearn(view: StepView, node: NodeId): string {
  const how = view.healthOf(node) === "down" ? "is down" : "has not answered";
  return `waiting for DataNode ${node}, which ${how}, since too few replicas are left without it; start it, or declare it lost`;
}

function published(
  { layout, targets }: StepView,
  steps: Readonly<Record<"ended" | "turning" | "begun" | "reordered", readonly number[]>>,
): Layout {
  const number = layout.number + 1;
  const partitions = [...layout.partitions];
  const change = (
    list: readonly number[],
    to: (from: PartitionAssignment, target: readonly NodeId[]) => PartitionAssignment,
  ) => {
    for (const partition of list) {
      const from = partitions[partition];
      if (from) partitions[partition] = to(from, targets[partition] ?? destinationOf(from));
    }
  };
  change(steps.ended, ({ joining }, target) => ({
    nodes: sameSet(joining, target) ? target : joining,
    joining: [],
    layout: number,
  }));
  change(steps.turning, ({ nodes }, target) =>
    sameSet(nodes, target)
      ? { nodes: target, joining: [], layout: number }
      : { nodes, joining: target, layout: number },
  );
  change(steps.begun, ({ nodes }, target) => ({ nodes, joining: target, layout: number }));
  // The order only says whom to ask first: nobody's vote depends on it, so its number stays.
  change(steps.reordered, (from, target) => ({ ...from, nodes: target }));
  return { ...layout, number, partitions };
}

/** Lines for people, one per reason: a change has so many partitions that each for itself would say nothing. */
class Obstacles {
  readonly #partitions = new Map<string, number[]>();

  add(partition: number, why: string): void {
    const known = this.#partitions.get(why);
    if (known) known.push(partition);
    else this.#partitions.set(why, [partition]);
  }

  get texts(): readonly string[] {
    return [...this.#partitions].map(([why, [first, ...others]]) => {
      return `${why} (${others.length === 0 ? `partition ${first}` : `${others.length + 1} partitions`})`;
    });
  }
}
