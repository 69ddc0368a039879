/**
 * Plans that are laid out by hand: for rules that need so much to come together that drawn plans hardly ever get there. Each
 * of them tells one story, whose seeds move times and places about; some seeds miss the point of it, and most should not.
 */
import type { HistoryPlan } from "../../../src/index.js";
import { superNodeIndex } from "../../../src/simulation/network.js";
import type { PlannedClient, PlannedCondition, PlannedFault, PlannedOperation } from "../../../src/simulation/plan.js";
import type { Prng } from "../../../src/simulation/prng.js";

/** N=3, R=2, W=2: the first three of six nodes hold the file, and others take it over. */
export const nodes = 6;

/** On a network that loses nothing but what the faults tell it to. */
export function laidOut(
  random: Prng,
  plan: Pick<HistoryPlan, "seed" | "clients" | "faults"> & Partial<HistoryPlan>,
): HistoryPlan {
  return {
    quorum: { replicas: 3, read: 2, write: 2 },
    nodes,
    coordinators: nodes,
    network: { loss: 0, duplication: 0, reordering: 0, lateMs: 0, delayMs: random.between(0.5, 2) },
    syncMs: random.between(0, 1.5),
    patienceMs: 8,
    counterHints: "own replica",
    ...plan,
  };
}

/** A client that does one thing, at one time, and takes its time for it. */
export function clientAt(
  atMs: number,
  kind: PlannedOperation["kind"],
  coordinators: readonly number[],
  waitsMs = 150,
): PlannedClient {
  return { operations: [operation({ kind, restMs: atMs, coordinators, waitsMs })] };
}

export function operation(
  options: Pick<PlannedOperation, "kind" | "restMs" | "coordinators"> & {
    readonly condition?: PlannedCondition;
    readonly waitsMs?: number;
  },
): PlannedOperation {
  const { waitsMs = 150, condition = "none", ...rest } = options;
  return { ...rest, condition, timeoutMs: waitsMs, deadlineMs: waitsMs, tellsSeenVersion: true };
}

/** Nothing passes between a node and these others. */
export function cutOff(atMs: number, node: number, others: readonly number[], forMs: number): readonly PlannedFault[] {
  return others.map((other) => ({ kind: "partition", atMs, a: node, b: other, forMs }));
}

/** So many of these, in any order. */
export function someOf(random: Prng, list: readonly number[], count: number): readonly number[] {
  const left = [...list];
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat();
}

export const superNode = superNodeIndex;
export const oldGroup: readonly number[] = [0, 1, 2];
export const newGroup: readonly number[] = [3, 4, 5];
