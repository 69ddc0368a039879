/**
 * A round of the old group dies when its vote has reached node 2 only, at a ballot that the new group never promised. The
 * new group is told of nothing but what is chosen, and writes below that ballot. Does the vote get into the new group all
 * the same, it is the highest there, and brings back what was overwritten.
 */
import type { HistoryPlan } from "../../../src/index.js";
import type { PlannedClient, PlannedFault } from "../../../src/simulation/plan.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, cutOff, laidOut, newGroup, nodes } from "./laid-out.js";

// Each step is over when the next one begins.
const halfRoundAtMs = 30;
const movesAtMs = 60;
/** Those who join have waited for node 2 in vain, and have taken over what the others say. */
const takenOverAtMs = 100;
/** So long the partition stays joint where that is asked for. */
const jointUntilMs = 140;

/** Node 2 stays, and has the vote with it. */
export function voteOfOneWhoStays(seed: number): HistoryPlan {
  const random = new Prng(seed);
  return laidOut(random, {
    seed,
    clients: writeBeforeAndAfter(random, { movedAtMs: takenOverAtMs + 15, writer: random.pick([3, 4]) }),
    faults: leaveVoteBehind(random, [2, 3, 4]),
  });
}

/** All move. Node 3 has taken over, and compares itself with node 2 while both groups vote. */
export function voteThatIsReplayed(seed: number): HistoryPlan {
  const random = new Prng(seed);
  return laidOut(random, {
    seed,
    clients: writeBeforeAndAfter(random, { movedAtMs: jointUntilMs + 20, writer: random.pick([4, 5]) }),
    faults: [
      ...leaveVoteBehind(random, newGroup),
      stayJoint,
      { kind: "catch_up", atMs: takenOverAtMs + random.between(0, 10), node: 3, other: 2 },
    ],
  });
}

/**
 * All move. Node 3 has taken over, and reads while both groups vote. It waits for two that do not answer; and when it has
 * waited, nobody whose vote is missing can hear it but itself.
 */
export function voteThatIsWrittenBack(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const asksAtMs = takenOverAtMs + random.between(0, 10);
  const answeredAtMs = asksAtMs + random.between(4, 7);
  return laidOut(random, {
    seed,
    clients: [
      ...writeBeforeAndAfter(random, { movedAtMs: jointUntilMs + 20, writer: random.pick([4, 5]) }),
      clientAt(asksAtMs, "read", [3]),
    ],
    faults: [
      ...leaveVoteBehind(random, newGroup),
      stayJoint,
      ...cutOff(asksAtMs, 3, [1, 5], jointUntilMs - asksAtMs),
      ...cutOff(answeredAtMs, 3, [0, 4], jointUntilMs - answeredAtMs),
    ],
  });
}

/** The file is written, overwritten by the new group, and read. */
function writeBeforeAndAfter(random: Prng, options: { movedAtMs: number; writer: number }): readonly PlannedClient[] {
  const { movedAtMs, writer } = options;
  return [
    clientAt(random.between(0, 10), "put", [random.below(3)]),
    clientAt(movedAtMs + random.between(10, 30), "put", [writer]),
    clientAt(movedAtMs + random.between(60, 80), "read", [random.below(nodes)]),
  ];
}

/** What was written is voted for once more, on node 2 alone. Then the file moves, and those who join hear nothing of node 2. */
function leaveVoteBehind(random: Prng, to: readonly number[]): readonly PlannedFault[] {
  const atMs = halfRoundAtMs + random.between(0, 10);
  const joining = to.filter((node) => node !== 2);
  return [
    { kind: "half_round", atMs, node: random.below(2), to: 2, above: random.below(8) },
    ...cutOff(0, 2, joining, takenOverAtMs - random.between(0, 5)),
    { kind: "move", atMs: movesAtMs, to },
  ];
}

/** The SuperNode has told of the move, and hears of nothing. */
const stayJoint: PlannedFault = { kind: "super_node_crash", atMs: movesAtMs + 5, forMs: jointUntilMs - movesAtMs - 5 };
