import type { HistoryPlan } from "../../../src/index.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, cutOff, laidOut, newGroup, oldGroup, someOf } from "./laid-out.js";

/**
 * A round has died and left one vote, at a high ballot, in the old group. One of the new group hears of it, the others do
 * not: they cannot reach who holds it. Did the one copy the vote, the others could choose something below its ballot, and
 * lose that to it.
 */
export function loneVotes(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const [lone = 0] = someOf(random, oldGroup, 1);
  const [hearer = 0, ...others] = someOf(random, newGroup, 3);
  const movesAtMs = random.between(50, 80);
  // By then the new group is alone as a rule.
  const writesAtMs = movesAtMs + random.between(50, 100);
  return laidOut(random, {
    seed,
    clients: [
      clientAt(0, "put", [0]),
      clientAt(writesAtMs, "put", [random.pick(others)]),
      clientAt(writesAtMs + random.between(30, 80), "read", [random.pick(newGroup)]),
    ],
    faults: [
      { kind: "half_round", atMs: random.between(20, 40), node: random.pick(oldGroup), to: lone, above: 12 },
      ...cutOff(movesAtMs - 5, lone, others, 200),
      { kind: "move", atMs: movesAtMs, to: newGroup },
      ...cutOff(writesAtMs - 5, hearer, others, 30),
    ],
  });
}
