/**
 * Kinds of weather. Most histories draw from the usual ranges; the others go where the usual ones hardly ever get, each
 * to a corner in which a bug has been, or could be.
 */
import type { QuorumSettings } from "@quorumfs/core";
import { type HistoryPlan, type PlanRanges, drawPlan } from "./plan.js";
import { Prng } from "./prng.js";

/** What a kind of weather changes of the usual ranges. */
export type PlanProfile = Partial<Omit<PlanRanges, "quorum">>;

export const usualRanges: Omit<PlanRanges, "quorum"> = {
  clients: [2, 4],
  operationsPerClient: [1, 5],
  kinds: { put: 5, delete: 2, read: 4, stat: 1 },
  conditions: { none: 4, absent: 2, version: 3, etag: 1 },
  restMs: 15,
  attempts: [1, 3],
  timeoutMs: [10, 120],
  overrun: 2,
  tellsSeenVersion: 0.7,
  faults: {
    replica_crash: 4,
    coordinator_crash: 3,
    coordinator_pause: 2,
    partition: 3,
    corruption: 1,
    foreign_floor: 1,
    collection: 5,
  },
  faultsPerHistory: [0, 7],
  faultForMs: 60,
  calm: 0.4,
  loss: 0.25,
  duplication: 0.2,
  reordering: 0.3,
  lateMs: 150,
  syncMs: 4,
  extraCoordinator: 0.3,
  counterHints: { none: 1, "own replica": 2, "highest seen": 3 },
};

export const noFaults = Object.fromEntries(
  Object.keys(usualRanges.faults).map((kind) => [kind, 0]),
) as PlanRanges["faults"];

/** Few writes and reads, of which many get lost half-way. */
const fleeting: PlanProfile = {
  kinds: { put: 1, delete: 0, read: 1, stat: 0 },
  conditions: { none: 1, absent: 0, version: 0, etag: 0 },
  faults: noFaults,
  restMs: 10,
  timeoutMs: [10, 60],
  calm: 0.1,
};

/** Much deleting and collecting, with replicas that miss some of it. */
const collecting: PlanProfile = {
  kinds: { put: 4, delete: 4, read: 3, stat: 0 },
  faults: { ...noFaults, collection: 8, replica_crash: 2, partition: 2 },
  faultsPerHistory: [4, 10],
  calm: 0.1,
};

/** Replicas that crash all the time, on slow disks. */
const crashing: PlanProfile = {
  faults: { ...noFaults, replica_crash: 6, coordinator_crash: 1 },
  faultsPerHistory: [6, 12],
  faultForMs: 10,
  syncMs: 12,
  calm: 0.1,
};

/** Writers that overtake each other and give up early. */
const duelling: PlanProfile = {
  kinds: { put: 5, delete: 2, read: 3, stat: 0 },
  operationsPerClient: [2, 6],
  restMs: 4,
  calm: 0.2,
};

/** Conditional writes that are tried again and again while others change the file. */
const retrying: PlanProfile = {
  ...duelling,
  conditions: { none: 2, absent: 3, version: 3, etag: 1 },
  attempts: [2, 4],
  timeoutMs: [6, 40],
};

const forgetting: PlanProfile = {
  ...retrying,
  kinds: { put: 12, delete: 0, read: 1, stat: 0 },
  conditions: { none: 1, absent: 0, version: 0, etag: 0 },
  operationsPerClient: [3, 6],
  clients: [3, 4],
  timeoutMs: [4, 40],
};

/** Collecting, with messages that come when all is over. */
const lingering: PlanProfile = {
  ...collecting,
  kinds: { put: 4, delete: 3, read: 6, stat: 0 },
  operationsPerClient: [1, 4],
  reordering: 0.3,
  lateMs: 300,
  timeoutMs: [60, 300],
  calm: 0.3,
};

/** Records that are damaged and repaired, with messages and coordinators that come back from before. */
const decaying: PlanProfile = {
  ...duelling,
  operationsPerClient: [2, 5],
  restMs: 10,
  faults: { ...noFaults, corruption: 8, coordinator_pause: 2, partition: 2, replica_crash: 1, collection: 1 },
  faultsPerHistory: [3, 9],
  faultForMs: 40,
  reordering: 0.3,
  calm: 0.1,
};

/** A file that moves from node to node. */
const moving: PlanProfile = {
  operationsPerClient: [2, 6],
  restMs: 25,
  layout: {
    spares: [1, 3],
    moves: [1, 4],
    catchUps: [0, 4],
    ignorance: [0, 4],
    ignorantForMs: 150,
    halfRounds: [0, 2],
    superNodeCrashes: [0, 1],
    loss: 0.15,
  },
};

/** Moves, with messages and coordinators that come back from before, and writes that get lost half-way. */
const haunted: PlanProfile = {
  ...moving,
  kinds: { put: 5, delete: 1, read: 4, stat: 0 },
  conditions: { none: 4, absent: 1, version: 1, etag: 0 },
  timeoutMs: [10, 60],
  faults: { ...noFaults, coordinator_pause: 3, partition: 4, replica_crash: 1, coordinator_crash: 1 },
  faultsPerHistory: [2, 8],
  loss: 0.35,
  reordering: 0.3,
  lateMs: 250,
  calm: 0.1,
};

/** Moves among deletes and collections. */
const sweeping: PlanProfile = {
  ...collecting,
  operationsPerClient: [2, 6],
  restMs: 25,
  reordering: 0.3,
  layout: {
    spares: [1, 2],
    moves: [2, 5],
    catchUps: [0, 2],
    ignorance: [0, 3],
    ignorantForMs: 100,
    halfRounds: [0, 1],
    superNodeCrashes: [0, 0],
    loss: 0,
  },
};

/** Moves among crashes and damage. */
const failing: PlanProfile = {
  ...moving,
  faults: { ...noFaults, replica_crash: 4, coordinator_crash: 2, corruption: 3, partition: 1, collection: 1 },
  faultsPerHistory: [3, 9],
  faultForMs: 30,
  syncMs: 8,
  calm: 0.1,
};

/** Puts and reads on nodes of which some have not heard of the move, in perfect weather. */
const ignorant: PlanProfile = {
  kinds: { put: 3, delete: 0, read: 3, stat: 0 },
  conditions: { none: 1, absent: 0, version: 0, etag: 0 },
  clients: [3, 4],
  operationsPerClient: [3, 7],
  attempts: [1, 1],
  restMs: 30,
  timeoutMs: [20, 60],
  faults: noFaults,
  calm: 1,
  layout: {
    spares: [2, 3],
    moves: [1, 2],
    catchUps: [0, 2],
    ignorance: [3, 6],
    ignorantForMs: 400,
    halfRounds: [0, 2],
    superNodeCrashes: [0, 0],
    loss: 0,
  },
};

/** Moves of what was left half-written, and coordinators that had to go up many ballots. */
const escalating: PlanProfile = {
  ...ignorant,
  kinds: { put: 5, delete: 0, read: 2, stat: 0 },
  clients: [2, 4],
  operationsPerClient: [1, 3],
  restMs: 70,
  timeoutMs: [30, 150],
  loss: 0.5,
  calm: 0,
  counterHints: { none: 1, "own replica": 0, "highest seen": 0 },
  layout: {
    spares: [2, 3],
    moves: [1, 2],
    catchUps: [0, 3],
    ignorance: [0, 0],
    ignorantForMs: 0,
    halfRounds: [1, 4],
    superNodeCrashes: [0, 0],
    loss: 0,
  },
};

/** In which the file moves. */
export const movingProfiles = { moving, haunted, sweeping, failing, ignorant, escalating } as const;

export const planProfiles = {
  fleeting,
  collecting,
  crashing,
  duelling,
  retrying,
  forgetting,
  lingering,
  decaying,
} as const;

/** A plan in which the file moves from node to node. */
export function drawMovingPlan(seed: number, quorum: QuorumSettings): HistoryPlan {
  const profile = new Prng(seed ^ 0x3c6ef372).pick(Object.values<PlanProfile>(movingProfiles));
  return drawPlan(seed, { ...usualRanges, ...profile, quorum });
}

/** A plan in the weather that the seed brings: the usual one for every second seed, one of the others else. */
export function drawAnyPlan(seed: number, quorum: QuorumSettings): HistoryPlan {
  const prng = new Prng(seed ^ 0x5bd1e995);
  const profile = prng.chance(0.5) ? {} : prng.pick(Object.values<PlanProfile>(planProfiles));
  return drawPlan(seed, { ...usualRanges, ...profile, quorum });
}
