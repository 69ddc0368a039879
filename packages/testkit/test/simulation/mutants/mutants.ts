import type { QuorumSettings } from "@quorumfs/core";
import {
  type HistoryPlan,
  type PlanProfile,
  type SimulationOptions,
  coordinatorRules,
  drawPlan,
  layoutRules,
  movingProfiles,
  noFaults,
  planProfiles,
  replicaRules,
  superNodeRules,
  takeoverRules,
  usualRanges,
} from "../../../src/index.js";
import { collectedWhileMoving } from "./collected-while-moving.js";
import { forgottenLayout } from "./forgotten-layout.js";
import { lateNews } from "./late-news.js";
import { lateRetries } from "./late-retries.js";
import { voteOfOneWhoStays, voteThatIsReplayed, voteThatIsWrittenBack } from "./left-behind-votes.js";
import { loneVotes } from "./lone-votes.js";
import { promiseOfTheOldGroup } from "./promise-of-the-old-group.js";

/** A piece of source text that is there exactly once, and what stands there in the mutant. */
export interface Patch {
  /** Below packages/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** The rule that is taken out. */
  readonly rule: string;
  readonly patches?: readonly Patch[];
  /** Rules of the simulated shell, for what is not in the core. */
  readonly options?: SimulationOptions;
  /** What happens: drawn from ranges, or laid out for a rule that needs much to come together. */
  readonly plan: (seed: number) => HistoryPlan;
  /** Where the seeds begin; default 1. Later where what it takes is rare, and looking for it takes long. */
  readonly firstSeed?: number;
  /** Within so many seeds it is caught; about three times what it took when this was written. */
  readonly seedsMax: number;
}

/** Plans of these kinds of weather. */
function drawn(quorum: string, overrides: PlanProfile = {}): (seed: number) => HistoryPlan {
  const [replicas = 0, read = 0, write = 0] = quorum.split("/").map(Number);
  const settings: QuorumSettings = { replicas, read, write };
  return (seed) => drawPlan(seed, { ...usualRanges, ...overrides, quorum: settings });
}

const register = "core/src/register";
const { fleeting, collecting, crashing, duelling, retrying, forgetting, decaying } = planProfiles;
/** Marks that are pushed out soon, so that short histories are enough. The protocol has to bear any size. */
export const shortRing: Patch = {
  file: `${register}/value.ts`,
  find: "export const ringSizeMax = 8;",
  replace: "export const ringSizeMax = 1;",
};

const promiseByR: readonly Patch[] = [
  {
    file: "core/src/quorum/electorate.ts",
    find: "return Math.max(group.read, Math.floor(group.members.length / 2) + 1);",
    replace: "return group.read;",
  },
];

const { moving, sweeping, failing, ignorant, escalating } = movingProfiles;
const transferVoters = "return { groups: [{ ...from, write: 0 }, to], members: joint.members };";
const layout = "core/src/layout/layout.ts";

/** By name: those that are laid out. With all rules, all of them end well. */
export const laidOutPlans = {
  lateNews,
  loneVotes,
  lateRetries,
  collectedWhileMoving,
  promiseOfTheOldGroup,
  voteOfOneWhoStays,
  voteThatIsReplayed,
  voteThatIsWrittenBack,
  forgottenLayout,
} as const;

export const mutants: readonly Mutant[] = [
  {
    rule: "PREPARE: the promise is stored",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "return { reply: stateOf({ ...view, register }, false), store: register };",
        replace: "return { reply: stateOf({ ...view, register }, false) };",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "PREPARE: an equal ballot is refused",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "compareBallots(ballot, promised) <= 0) return nack(view)",
        replace: "compareBallots(ballot, promised) < 0) return nack(view)",
      },
    ],
    plan: drawn("3/2/2", duelling),
    seedsMax: 30_000,
  },
  {
    rule: "PREPARE: every promise quorum meets every other",
    patches: promiseByR,
    plan: drawn("5/2/4", duelling),
    seedsMax: 30_000,
  },
  {
    rule: "ACCEPT: refused below the promise",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "if (compareBallots(ballot, promised) < 0 || compareBallots(ballot, accepted) < 0) return nack(view);",
        replace: "if (compareBallots(ballot, accepted) < 0) return nack(view);",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "replica: replies after the sync",
    options: { replicaRules: { ...replicaRules, replyAfterSync: false } },
    plan: drawn("3/2/2", crashing),
    seedsMax: 30_000,
  },
  {
    rule: "replica: abstains when its record is damaged",
    options: { replicaRules: { ...replicaRules, abstainWhenCorrupt: false } },
    plan: drawn("3/2/2", {
      faults: { ...noFaults, corruption: 3, partition: 2 },
      faultsPerHistory: [2, 6],
      calm: 0.1,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "damaged record: replaced by a vote above the ceiling only",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "accept({ register: undefined, floor: ceiling, committed: zeroBallot }, request)",
        replace: "accept({ register: undefined, floor: 0, committed: zeroBallot }, request)",
      },
    ],
    plan: drawn("3/2/2", decaying),
    seedsMax: 30_000,
  },
  {
    rule: "damaged record: a ballot at the ceiling is not above it",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "accept({ register: undefined, floor: ceiling, committed: zeroBallot }, request)",
        replace: "accept({ register: undefined, floor: ceiling - 1, committed: zeroBallot }, request)",
      },
    ],
    plan: drawn("3/2/2", {
      ...decaying,
      kinds: { put: 3, delete: 0, read: 1, stat: 0 },
      conditions: { none: 1, absent: 0, version: 0, etag: 0 },
      operationsPerClient: [1, 2],
      restMs: 4,
      faults: { ...noFaults, corruption: 3, partition: 1 },
      faultForMs: 15,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "damaged record: nothing is promised before a vote has replaced it",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: 'if (request.kind !== "accept" || ceiling === undefined) return { reply: corrupt };',
        replace:
          'if (ceiling === undefined) return { reply: corrupt }; if (request.kind === "prepare") return prepare({ register: undefined, floor: ceiling, committed: zeroBallot }, request.ballot); if (request.kind !== "accept") return { reply: corrupt };',
      },
    ],
    plan: drawn("3/2/2", decaying),
    seedsMax: 30_000,
  },
  {
    rule: "damaged record: who abstains has promised nothing",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: '      case "corrupt":\n',
        replace:
          '      case "corrupt": if (this.#phase === "prepare") { this.#tally.aye(from); return this.#tally.result === "won" ? this.#decide() : []; }\n',
      },
    ],
    plan: drawn("3/2/2", decaying),
    seedsMax: 30_000,
  },
  {
    rule: "ceiling: raised with promises, not with votes only",
    options: { replicaRules: { ...replicaRules, ceilingCoversPromises: false } },
    plan: drawn("3/2/2", decaying),
    seedsMax: 30_000,
  },
  {
    rule: "floor: no ballot at or below it without a record",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "return !view.register && ballot.counter <= view.floor;",
        replace: "return false && view;",
      },
    ],
    plan: drawn("3/2/2", collecting),
    seedsMax: 30_000,
  },
  {
    rule: "floor: taken from what was promised, not from what was accepted",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "Math.max(view.floor, register.promised.counter)",
        replace: "Math.max(view.floor, register.accepted.counter)",
      },
    ],
    plan: drawn("3/2/2", {
      ...collecting,
      kinds: { put: 5, delete: 5, read: 1, stat: 0 },
      conditions: { none: 1, absent: 0, version: 0, etag: 0 },
      faults: { ...noFaults, collection: 8, partition: 2 },
      reordering: 0.3,
      lateMs: 60,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "ERASE: only what is still at the collected ballot",
    patches: [
      {
        file: `${register}/replica.ts`,
        find: "if (!register || !sameBallot(register.accepted, ballot)) return { reply: ok };",
        replace: "if (!register) return { reply: ok };",
      },
    ],
    plan: drawn("3/2/2", collecting),
    seedsMax: 30_000,
  },
  {
    rule: "collection: all N have voted, not W",
    patches: [
      {
        file: `${register}/collection.ts`,
        find: "if (missing.length === 0) return this.#erase();",
        replace: "if (missing.length >= 0) return this.#erase();",
      },
      {
        file: `${register}/collection.ts`,
        find: "if (this.#voted.size < members.length) return [];",
        replace: "if (this.#voted.size < (this.#request.voters.groups[0]?.write ?? 0)) return [];",
      },
    ],
    plan: drawn("3/2/2", collecting),
    seedsMax: 30_000,
  },
  {
    // Promise quorums that meet each other keep a ballot to one operation as well; each of the two rules is enough.
    rule: "ballot: unique by node and incarnation, where promise quorums do not meet",
    patches: [
      ...promiseByR,
      {
        file: `${register}/ballot.ts`,
        find: "return a.counter - b.counter || a.node - b.node || a.incarnation - b.incarnation;",
        replace: "return a.counter - b.counter;",
      },
      {
        file: `${register}/ballot.ts`,
        find: "return a.counter === b.counter && a.node === b.node && a.incarnation === b.incarnation;",
        replace: "return a.counter === b.counter;",
      },
    ],
    plan: drawn("5/2/4", duelling),
    seedsMax: 30_000,
  },
  {
    rule: "ballot: the incarnation grows at every start, where promise quorums do not meet",
    patches: promiseByR,
    options: { coordinatorRules: { ...coordinatorRules, countsIncarnations: false } },
    plan: drawn("5/2/4", {
      ...duelling,
      faults: { ...noFaults, coordinator_crash: 1 },
      faultsPerHistory: [4, 10],
      faultForMs: 10,
      counterHints: { none: 1, "own replica": 0, "highest seen": 0 },
      calm: 0,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "quorum: R + W > N",
    plan: drawn("3/1/2"),
    seedsMax: 30_000,
  },
  {
    rule: "known: by W votes, not R",
    patches: [
      {
        file: `${register}/known.ts`,
        find: 'return hasQuorum(voters, "write", (node) => {',
        replace: 'return hasQuorum(voters, "read", (node) => {',
      },
    ],
    plan: drawn("5/2/4"),
    seedsMax: 30_000,
  },
  {
    rule: "known: by a hint of this ballot, not of a higher one",
    patches: [
      {
        file: `${register}/known.ts`,
        find: "if (sameBallot(reply.committed, finding.accepted)) return true;",
        replace: "if (compareBallots(reply.committed, finding.accepted) >= 0) return true;",
      },
    ],
    plan: drawn("3/2/2", {
      ...fleeting,
      clients: [3, 5],
      operationsPerClient: [1, 2],
      loss: 0.4,
      reordering: 0.5,
      lateMs: 30,
      extraCoordinator: 1,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "known: a floor is no vote for a tombstone",
    patches: [
      {
        file: `${register}/known.ts`,
        find: "return sameBallot(reply.accepted, finding.accepted);",
        replace:
          'return sameBallot(reply.accepted, finding.accepted) || (finding.value?.kind === "tombstone" && isZeroBallot(reply.accepted) && reply.floor >= finding.accepted.counter);',
      },
    ],
    plan: drawn("3/2/2", {
      ...collecting,
      conditions: { none: 1, absent: 0, version: 0, etag: 0 },
      kinds: { put: 2, delete: 3, read: 5, stat: 0 },
      faults: { ...noFaults, foreign_floor: 4, partition: 2, replica_crash: 2 },
      loss: 0.5,
      restMs: 6,
      timeoutMs: [4, 40],
    }),
    seedsMax: 30_000,
  },
  {
    rule: "read: what is not known is written back",
    patches: [
      {
        file: `${register}/reading.ts`,
        find: "if (isNewest(finding, this.#replies, voters) && isKnown(finding, this.#replies, voters))",
        replace: "if (isNewest(finding, this.#replies, voters))",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "read: who has erased since vouches for nothing older",
    patches: [
      {
        file: `${register}/known.ts`,
        find: "return !isZeroBallot(reply.accepted) || reply.floor < finding.accepted.counter;",
        replace: "return true;",
      },
    ],
    plan: drawn("2/2/1", {
      ...collecting,
      kinds: { put: 4, delete: 4, read: 4, stat: 0 },
      conditions: { none: 1, absent: 0, version: 0, etag: 0 },
      operationsPerClient: [1, 4],
      faults: { ...noFaults, collection: 6, replica_crash: 2 },
      reordering: 0.3,
      lateMs: 150,
      loss: 0.05,
      timeoutMs: [60, 300],
      calm: 0.3,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "read: a NACK is no vote",
    patches: [
      {
        file: `${register}/reading.ts`,
        find: 'if (reply.kind === "ok") this.#tally.aye(from);',
        replace: 'if (reply.kind === "ok" || reply.kind === "nack") this.#tally.aye(from);',
      },
    ],
    plan: drawn("3/2/2", duelling),
    seedsMax: 30_000,
  },
  {
    rule: "read: content belongs to the version that was voted on",
    patches: [
      {
        file: `${register}/reading.ts`,
        find: "&& sameBallot(fetched.version, value.version)",
        replace: "",
      },
    ],
    plan: drawn("3/2/2", duelling),
    seedsMax: 30_000,
  },
  {
    rule: "mutation: a NACK is no vote",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "        this.#overtaken = true;\n",
        replace: "        if (this.#phase === 'accept') return this.#onVote(from);\n        this.#overtaken = true;\n",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "mutation: replies count in their own round only",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "    if (round !== this.#round) return [];\n    switch (reply.kind) {",
        replace: "    switch (reply.kind) {",
      },
    ],
    plan: drawn("3/2/2", duelling),
    seedsMax: 30_000,
  },
  {
    rule: "mutation: a version's counter is above its predecessor's",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "if (Math.max(finding.floor, finding.accepted.counter) >= this.#ballot.counter) return this.#prepareHigher();",
        replace: "",
      },
    ],
    plan: drawn("3/2/2", {
      ...duelling,
      kinds: { put: 4, delete: 1, read: 6, stat: 0 },
      operationsPerClient: [1, 3],
      counterHints: { none: 1, "own replica": 0, "highest seen": 0 },
    }),
    seedsMax: 30_000,
  },
  {
    rule: "mutation: COMMIT only what W voted for",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "return [this.#send(members, this.#isTransfer ? request : { ...request, next: this.#next })];",
        replace:
          'return [this.#send(members, { ...request, next: this.#next }), { kind: "send", round: 0, to: members, request: { kind: "commit", ballot: this.#ballot } }];',
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "kept promise: good for proposing, not for refusing",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "if (findMark(current, requestId) || !conditionHolds(condition, current)) return this.#prepare();",
        replace:
          'if (!conditionHolds(condition, current)) return this.#finish({ kind: "condition_failed", current, before: false });',
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "kept promise: not for a retry",
    patches: [
      shortRing,
      {
        file: `${register}/mutation.ts`,
        find: "if (!kept || mayHaveRun || counterHint > kept.next.counter) return this.#prepare();",
        replace: "if (!kept || counterHint > kept.next.counter) return this.#prepare();",
      },
    ],
    plan: drawn("3/2/2", forgetting),
    seedsMax: 30_000,
  },
  {
    rule: "condition: refused only on a known value",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "if (known && !this.#mayTakeEffect) return",
        replace: "if (!this.#mayTakeEffect) return",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "condition: refused only when no vote of ours is out",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "if (known && !this.#mayTakeEffect) return",
        replace: "if (known) return",
      },
    ],
    plan: drawn("3/2/2", {
      ...duelling,
      conditions: { none: 1, absent: 5, version: 0, etag: 0 },
      kinds: { put: 5, delete: 4, read: 4, stat: 0 },
      timeoutMs: [6, 50],
      faults: { ...usualRanges.faults, corruption: 0 },
      loss: 0.6,
      calm: 0,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "condition: a refusal is marked for the other attempts",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "const ring = withMark(current, refusalOf(this.#request.requestId));",
        replace: "const ring = current?.ring ?? [];",
      },
    ],
    plan: drawn("3/2/2", {
      ...retrying,
      conditions: { none: 2, absent: 5, version: 0, etag: 0 },
      kinds: { put: 5, delete: 5, read: 2, stat: 0 },
      timeoutMs: [5, 25],
      overrun: 8,
      faults: { ...noFaults, coordinator_pause: 1, partition: 1 },
      faultsPerHistory: [4, 10],
      calm: 0,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "retry: looks for its mark",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "const mark = findMark(current, requestId);",
        replace: "const mark = current && false ? findMark(current, requestId) : undefined;",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "retry: a full ring may have lost its mark",
    patches: [
      shortRing,
      {
        file: `${register}/request-ring.ts`,
        find: "return ring.length === ringSizeMax || floor >= lowest;",
        replace: "return floor >= lowest;",
      },
    ],
    plan: drawn("3/2/2", forgetting),
    seedsMax: 30_000,
  },
  {
    rule: "retry: a first attempt that comes late proves that no other has run",
    patches: [
      shortRing,
      {
        file: `${register}/mutation.ts`,
        find: "return mayBeForgotten({ value, floor, lowest: seenVersion + 1 });",
        replace: "return false;",
      },
    ],
    plan: drawn("3/2/2", {
      ...retrying,
      conditions: { none: 2, absent: 3, version: 1, etag: 0 },
      kinds: { put: 5, delete: 4, read: 2, stat: 0 },
      timeoutMs: [5, 25],
      overrun: 8,
      faults: { ...noFaults, coordinator_pause: 1, partition: 1, collection: 1 },
      faultsPerHistory: [4, 10],
      calm: 0,
    }),
    seedsMax: 30_000,
  },
  {
    rule: "retry: a collected tombstone may have taken its mark along",
    patches: [
      {
        file: `${register}/request-ring.ts`,
        find: "return ring.length === ringSizeMax || floor >= lowest;",
        replace: "return ring.length === ringSizeMax && lowest > 0;",
      },
    ],
    plan: drawn("3/2/2", { ...collecting, attempts: [2, 4], timeoutMs: [6, 60] }),
    seedsMax: 30_000,
  },
  {
    rule: "outcome: unknown, not failed, once a vote of ours is out",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: 'if (this.#inDoubt) return this.#finish({ kind: "unknown", reason });',
        replace: "",
      },
    ],
    plan: drawn("3/2/2"),
    seedsMax: 30_000,
  },
  {
    rule: "joint layout: a write needs the new group, too",
    patches: [
      {
        file: layout,
        find: "groups.push({ members: assignment.joining, read: quorum.read, write: quorum.write });",
        replace: "groups.push({ members: assignment.joining, read: quorum.read, write: 0 });",
      },
    ],
    plan: drawn("3/2/2", moving),
    seedsMax: 3_000,
  },
  {
    rule: "joint layout: a write needs the old group, too",
    patches: [
      {
        file: layout,
        find: "const groups = [{ members: assignment.nodes, read: quorum.read, write: quorum.write }];",
        replace:
          "const groups = [{ members: assignment.nodes, read: quorum.read, write: assignment.joining.length > 0 ? 0 : quorum.write }];",
      },
    ],
    plan: drawn("3/2/2", moving),
    seedsMax: 3_000,
  },
  {
    rule: "joint layout: every quorum is needed in both groups, not in the old one only",
    patches: [
      {
        file: "core/src/quorum/tally.ts",
        find: "for (const group of this.#voters.groups) {",
        replace: "for (const group of this.#voters.groups.slice(0, 1)) {",
      },
    ],
    plan: drawn("3/2/2", moving),
    seedsMax: 3_000,
  },
  {
    rule: "joint layout: every quorum is needed in both groups, not in the new one only",
    patches: [
      {
        file: "core/src/quorum/tally.ts",
        find: "for (const group of this.#voters.groups) {",
        replace: "for (const group of this.#voters.groups.slice(-1)) {",
      },
    ],
    plan: drawn("3/2/2", moving),
    seedsMax: 3_000,
  },
  {
    rule: "vote: refused under an older layout",
    options: { replicaRules: { ...replicaRules, refusesOlderLayouts: false } },
    plan: drawn("3/2/2", moving),
    seedsMax: 3_000,
  },
  {
    rule: "vote: one of a newer layout waits until that is followed",
    options: { replicaRules: { ...replicaRules, waitsForNewerLayouts: false } },
    plan: drawn("3/1/3", sweeping),
    seedsMax: 10_000,
  },
  {
    rule: "joining: begins with nothing",
    options: { replicaRules: { ...replicaRules, joinsWithNothing: false } },
    plan: drawn("4/3/2", sweeping),
    firstSeed: 2_400,
    seedsMax: 7_500,
  },
  {
    rule: "end of a move: N - min(R, W) + 1 of the old group are fenced, not R",
    options: { superNodeRules: { ...superNodeRules, fence: "R" } },
    plan: drawn("3/1/3", ignorant),
    seedsMax: 5_000,
  },
  {
    rule: "end of a move: all of the new group have taken over, not W",
    options: { superNodeRules: { ...superNodeRules, waitsForAll: false } },
    plan: drawn("4/3/2", sweeping),
    seedsMax: 5_000,
  },
  {
    rule: "end of a move: what was taken over for another move does not count",
    options: { superNodeRules: { ...superNodeRules, asksForWhich: false } },
    plan: drawn("3/2/2", moving),
    seedsMax: 5_000,
  },
  {
    rule: "transfer round: promises of the old group",
    patches: [
      {
        file: "core/src/quorum/electorate.ts",
        find: transferVoters,
        replace: "return { groups: [to], members: joint.members };",
      },
    ],
    plan: drawn("3/2/2", moving),
    seedsMax: 3_000,
  },
  {
    rule: "transfer round: promises and votes of the new group",
    patches: [
      {
        file: "core/src/quorum/electorate.ts",
        find: transferVoters,
        replace: "return { groups: [from], members: joint.members };",
      },
    ],
    plan: drawn("3/2/2", failing),
    seedsMax: 3_000,
  },
  {
    rule: "transfer round: W of the new group, not of the old one, so that a lost node can be replaced where W = N",
    patches: [
      {
        file: "core/src/quorum/electorate.ts",
        find: transferVoters,
        replace: "return { groups: [from, { ...to, write: 0 }], members: joint.members };",
      },
    ],
    plan: drawn("3/1/3", moving),
    seedsMax: 3_000,
  },
  {
    rule: "transfer round: leaves no hint",
    patches: [
      {
        file: `${register}/mutation.ts`,
        find: "if (this.#isTransfer) return this.#finish(this.#outcomeOf(proposal));",
        replace: "",
      },
    ],
    plan: drawn("3/1/3", moving),
    seedsMax: 3_000,
  },
  {
    rule: "takeover: R of the old group are asked, not one",
    patches: [{ file: `${register}/takeover.ts`, find: "if (got < from.read)", replace: "if (got < 1)" }],
    plan: drawn("3/2/2", escalating),
    firstSeed: 2_600,
    seedsMax: 7_500,
  },
  {
    rule: "operation: a vote under an older layout stays in doubt",
    options: { coordinatorRules: { ...coordinatorRules, doubtsOutlastLayouts: false } },
    plan: drawn("5/2/4", moving),
    seedsMax: 3_000,
  },
  {
    rule: "takeover: what is handed over is told by who is fenced",
    options: { replicaRules: { ...replicaRules, tellsWhenFenced: false } },
    plan: lateNews,
    seedsMax: 100,
  },
  {
    rule: "takeover: only what is known to be chosen is copied",
    patches: [
      {
        file: `${register}/takeover.ts`,
        find: 'return isTold || holders.length >= from.write ? { kind: "chosen", ballot: highest, holders } : { kind: "unsettled" };',
        replace: 'return { kind: "chosen", ballot: highest, holders };',
      },
    ],
    plan: loneVotes,
    seedsMax: 100,
  },
  {
    rule: "takeover: floors are carried over",
    options: { takeoverRules: { ...takeoverRules, carriesFloor: false } },
    plan: lateRetries,
    seedsMax: 100,
  },
  {
    rule: "kept promise: ends with its layout",
    options: { coordinatorRules: { ...coordinatorRules, keepsWithinLayout: false } },
    plan: promiseOfTheOldGroup,
    seedsMax: 100,
  },
  {
    rule: "joint layout: a read writes nothing back",
    patches: [
      {
        file: `${register}/reading.ts`,
        find: "if (isJoint(voters) || !isNewest(finding, this.#replies, voters)) return this.#startIdentity();",
        replace: "if (!isNewest(finding, this.#replies, voters)) return this.#startIdentity();",
      },
    ],
    plan: voteThatIsWrittenBack,
    seedsMax: 100,
  },
  {
    rule: "joint layout: votes that were lost are not replayed",
    options: { takeoverRules: { ...takeoverRules, catchesUpWhenStill: false } },
    plan: voteThatIsReplayed,
    seedsMax: 100,
  },
  {
    rule: "takeover: a node that stays takes over, too",
    options: { takeoverRules: { ...takeoverRules, staysAndTakesOver: false } },
    plan: voteOfOneWhoStays,
    seedsMax: 100,
  },
  {
    rule: "takeover: a node that stays counts its own record",
    options: { takeoverRules: { ...takeoverRules, countsItsOwn: false } },
    plan: voteOfOneWhoStays,
    seedsMax: 100,
  },
  {
    rule: "layout: followed once it is durable",
    options: { layoutRules: { ...layoutRules, followsWhenDurable: false } },
    plan: forgottenLayout,
    seedsMax: 300,
  },
  {
    rule: "collection: not while the partition moves, by the votes of all of the old group",
    patches: [
      {
        file: `${register}/collection.ts`,
        find: "if (isJoint(this.#request.voters))",
        replace: "if (false)",
      },
      {
        file: `${register}/collection.ts`,
        find: "const missing = this.#request.voters.members.filter((node) => !this.#voted.has(node));",
        replace: "const missing = this.#request.voters.groups[0]!.members.filter((node) => !this.#voted.has(node));",
      },
      {
        file: `${register}/collection.ts`,
        find: "if (this.#voted.size < members.length) return [];",
        replace: "if (!this.#request.voters.groups[0]!.members.every((node) => this.#voted.has(node))) return [];",
      },
    ],
    plan: collectedWhileMoving,
    seedsMax: 100,
  },
];
