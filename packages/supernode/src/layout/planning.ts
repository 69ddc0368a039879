/** What a change of the layout would mean: where everything goes, how much moves, and what could go wrong. Pure. */
import {
  destinations,
  holdings,
  idealShares,
  type Layout,
  type NodeId,
  type PlacementNode,
  planLayout,
  QuorumError,
  type Targets,
  unevenness,
} from "@quorumfs/core";
import type { Bucket, LayoutPlan, Load, NodeShare, NodeTransfer, PartitionMove } from "@quorumfs/proto";
import type { Member, Role } from "../cluster/member.js";
import type { Health } from "../membership/membership.js";
import { sameSet } from "./next-step.js";
import { warningsOf } from "./warnings.js";

/** What a plan rests on. */
export interface PlanView {
  readonly layout: Layout;
  readonly members: readonly Member[];
  readonly buckets: readonly Bucket[];
  readonly healthOf: (id: NodeId) => Health;
  readonly loadOf: (id: NodeId) => Load | undefined;
}

/** What is to become of one DataNode. */
export interface RoleChange {
  readonly node: NodeId;
  readonly role: Role;
  /** Takes over what the node holds; undefined: whoever it may be. */
  readonly replacedBy: NodeId | undefined;
}

export interface PlanWish {
  readonly changes: readonly RoleChange[];
  /** DataNodes that are to hold nothing because they are away. */
  readonly without: readonly NodeId[];
  /** Who takes the places of whom, besides what `changes` say. */
  readonly replacements: ReadonlyMap<NodeId, NodeId>;
  /** Where everything was to go so far; undefined: where it is, or just moves to. */
  readonly from: Targets | undefined;
  /** False: only what those hold that go is given anew. */
  readonly rebalance: boolean;
  /** Who does not hold anything yet gets nothing, unless there are too few others. */
  readonly holdersOnly: boolean;
}

/** What is going to be. */
export interface Plan {
  readonly base: Layout;
  readonly targets: Targets;
  /** Members whose role changes, as they are then. */
  readonly members: readonly Member[];
  /** Partitions that get another set of DataNodes. */
  readonly moves: readonly PartitionMove[];
  /** Whether the order of any partition's nodes changes. */
  readonly reorders: boolean;
  readonly transfers: readonly NodeTransfer[];
  readonly bytesTotal: number;
  readonly unevenness: { readonly before: number; readonly after: number };
  readonly warnings: readonly string[];
}

/** Of a record besides the content: what it takes on disk. */
const recordBytes = 1024;

/** @throws QuorumError `invalid_argument`, `not_found`, `precondition_failed` */
export function makePlan(view: PlanView, wish: PlanWish): Plan {
  const { layout } = view;
  const { replicas } = layout;
  const members = view.members.map((member) => withRole(member, wish.changes));
  const current = destinations(layout);
  const replacements = new Map(wish.replacements);
  for (const { node, replacedBy } of wish.changes) if (replacedBy !== undefined) replacements.set(node, replacedBy);
  const held = holdings(current);
  const heldNow = holdings(layout.partitions.map(({ nodes, joining }) => [...new Set([...nodes, ...joining])]));
  checkChanges(view, wish.changes);
  const isHolder = ({ id }: Member): boolean => heldNow.has(id);
  const isDown = ({ id }: Member): boolean => view.healthOf(id) === "down";
  const willing = members.filter((member) => member.role === "active" && !wish.without.includes(member.id));
  const able = willing.filter((member) => isHolder(member) || !isDown(member));
  const successors = new Set(replacements.values());
  const holders = able.filter((member) => isHolder(member) || successors.has(member.id));
  const chosen = wish.holdersOnly && holders.length >= replicas ? holders : able;
  if (chosen.length < replicas) throw tooFew(chosen, replicas);
  const nodes = chosen.map(placementNode);
  const noMore = chosen.filter((member) => isDown(member) || view.loadOf(member.id)?.full === true);
  const targets = planLayout({
    current: wish.from ?? current,
    replicas,
    nodes,
    noMore: new Set(noMore.map(({ id }) => id)),
    replacements,
    rebalance: wish.rebalance,
  });
  const moves = movesBetween(current, targets);
  const partitionBytes = bytesPerPartition(view);
  const transfers = transfersOf(moves, { current, targets, partitionBytes });
  const before = evenness(held, members.filter((member) => held.has(member.id)).map(placementNode), replicas);
  const plan = {
    base: layout,
    targets,
    members: members.filter(({ id, role }) => view.members.some((was) => was.id === id && was.role !== role)),
    moves,
    reorders: targets.some((list, index) => list.some((node, rank) => node !== current[index]?.[rank])),
    transfers,
    bytesTotal: transfers.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
    unevenness: { before, after: evenness(holdings(targets), nodes, replicas) },
  };
  return { ...plan, warnings: warningsOf(view, plan, chosen) };
}

export function planToWire(plan: Plan, estimatedMs: number): LayoutPlan {
  return {
    baseLayout: plan.base.number,
    moves: [...plan.moves],
    transfers: [...plan.transfers],
    unevennessBefore: plan.unevenness.before,
    unevennessAfter: plan.unevenness.after,
    estimatedMs: Math.round(estimatedMs),
    warnings: [...plan.warnings],
  };
}

/** Who holds how much, of those that hold or are to hold anything. */
export function sharesOf({ layout, members }: Pick<PlanView, "layout" | "members">): readonly NodeShare[] {
  const counts = holdings(destinations(layout));
  const wanted = members.filter(({ id, role }) => role === "active" && counts.has(id));
  const { replicas, partitions } = layout;
  const ideal =
    wanted.length >= replicas
      ? idealShares(wanted.map(placementNode), { replicas, partitions: partitions.length })
      : new Map<NodeId, number>();
  return members.map(({ id }) => ({
    node: id,
    partitions: counts.get(id)?.held ?? 0,
    preferred: counts.get(id)?.first ?? 0,
    idealPartitions: ideal.get(id) ?? 0,
  }));
}

/** Estimated bytes of one replica of one partition, from what the DataNodes say that they hold. */
export function bytesPerPartition({ layout, loadOf }: Pick<PlanView, "layout" | "loadOf">): number {
  let bytes = 0;
  let places = 0;
  for (const [node, { held }] of holdings(layout.partitions.map(({ nodes }) => nodes))) {
    const load = loadOf(node);
    if (!load) continue;
    bytes += load.chunkBytes + load.records * recordBytes;
    places += held;
  }
  return places === 0 ? 0 : Math.round(bytes / places);
}

export function placementNode({ id, zone, capacityBytes }: Member): PlacementNode {
  return { id, zone, weight: Math.max(1, capacityBytes) };
}

function withRole(member: Member, changes: readonly RoleChange[]): Member {
  const change = changes.find(({ node }) => node === member.id);
  return change ? { ...member, role: change.role } : member;
}

function checkChanges({ layout, members, healthOf }: PlanView, changes: readonly RoleChange[]): void {
  const known = new Map(members.map((member) => [member.id, member]));
  if (new Set(changes.map(({ node }) => node)).size < changes.length) throw invalid("name each DataNode once");
  for (const { node, role, replacedBy } of changes) {
    const member = known.get(node);
    if (!member) throw notFound(node);
    if (role === "lost" && healthOf(node) === "up") {
      throw precondition(`DataNode ${node} is up: what is declared lost must never run again; remove it instead`);
    }
    if (member.role === "lost" && role !== "lost") {
      throw precondition(`DataNode ${node} was declared lost, and cannot come back`);
    }
    if (replacedBy === undefined) continue;
    if (role !== "leaving" && role !== "lost") throw invalid("only who leaves or is lost can be replaced");
    const successor = known.get(replacedBy);
    if (!successor) throw notFound(replacedBy);
    const isLeaving = changes.some((change) => change.node === replacedBy && change.role !== "active");
    if (successor.role !== "active" || isLeaving || replacedBy === node) {
      throw precondition(`DataNode ${replacedBy} is to leave itself, and cannot take over from DataNode ${node}`);
    }
    if (changes.filter((change) => change.replacedBy === replacedBy).length > 1) {
      throw invalid(`DataNode ${replacedBy} cannot replace two others`);
    }
    // By where each partition is to be: what the other one takes over from it just now, it does not hold twice.
    const both = destinations(layout).filter((nodes) => nodes.includes(node) && nodes.includes(replacedBy));
    if (both.length > 0) {
      throw precondition(
        `DataNode ${replacedBy} holds ${both.length} partitions together with DataNode ${node} already, and cannot hold ` +
          "them twice; take one that holds nothing yet, or remove the node without a replacement",
      );
    }
  }
}

function movesBetween(before: Targets, after: Targets): readonly PartitionMove[] {
  return after.flatMap((to, partition) => {
    const from = before[partition] ?? [];
    return sameSet(from, to) ? [] : [{ partition, from: [...from], to: [...to] }];
  });
}

function transfersOf(
  moves: readonly PartitionMove[],
  options: { readonly current: Targets; readonly targets: Targets; readonly partitionBytes: number },
): readonly NodeTransfer[] {
  const [before, after] = [holdings(options.current), holdings(options.targets)];
  const gained = new Map<number, number>();
  const lost = new Map<number, number>();
  const add = (counts: Map<number, number>, node: number): void => void counts.set(node, (counts.get(node) ?? 0) + 1);
  for (const { from, to } of moves) {
    for (const node of to) if (!from.includes(node)) add(gained, node);
    for (const node of from) if (!to.includes(node)) add(lost, node);
  }
  const nodes = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  return nodes.map((node) => ({
    node,
    partitionsBefore: before.get(node)?.held ?? 0,
    partitionsAfter: after.get(node)?.held ?? 0,
    bytesIn: (gained.get(node) ?? 0) * options.partitionBytes,
    bytesOut: (lost.get(node) ?? 0) * options.partitionBytes,
  }));
}

function evenness(
  counts: ReadonlyMap<NodeId, { readonly held: number }>,
  nodes: readonly PlacementNode[],
  replicas: number,
): number {
  if (nodes.length < replicas) return 0;
  const held = new Map([...counts].map(([id, count]) => [id, count.held]));
  const places = [...held.values()].reduce((sum, count) => sum + count, 0);
  return unevenness(held, idealShares(nodes, { replicas, partitions: places / replicas }));
}

function tooFew(left: readonly Member[], replicas: number): QuorumError {
  const who = left.length === 0 ? "none" : left.map(({ id }) => id).join(", ");
  return precondition(
    `every file lies on ${replicas} DataNodes, and only ${left.length} would be left to hold it (${who}); add DataNodes first`,
  );
}

function notFound(node: number): QuorumError {
  return new QuorumError({ code: "not_found", message: `there is no DataNode ${node}` });
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}

function precondition(message: string): QuorumError {
  return new QuorumError({ code: "precondition_failed", message });
}
