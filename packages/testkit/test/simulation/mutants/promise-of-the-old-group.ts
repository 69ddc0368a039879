import type { HistoryPlan } from "../../../src/index.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, laidOut, newGroup, nodes, oldGroup, operation } from "./laid-out.js";

const movesAtMs = 40;
const movedAtMs = 90;
/** Holds nothing itself. At the same counter, its ballots are above those of the others. */
const keeper = nodes;

/**
 * The keeper writes, and keeps what the old group promised along with its votes. The file moves. The new group knows the
 * vote, and nothing of the promise: there somebody else may write at the very counter that was promised to the keeper. What
 * the keeper proposes on its promise is above that, and knows nothing of it.
 */
export function promiseOfTheOldGroup(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const condition = random.pick(["none", "version", "etag"] as const);
  return laidOut(random, {
    seed,
    coordinators: nodes + 1,
    counterHints: random.pick(["none", "own replica", "highest seen"]),
    clients: [
      clientAt(random.between(0, 10), "put", [keeper]),
      {
        // Its condition is that of the first version, and there is another one when it comes back.
        operations: [
          operation({ kind: "read", restMs: random.between(20, 30), coordinators: [random.pick(oldGroup)] }),
          operation({ kind: "put", restMs: movedAtMs + random.between(0, 20), coordinators: [keeper], condition }),
        ],
      },
      clientAt(movedAtMs + random.between(0, 10), "put", [random.pick([3, 4])]),
      clientAt(movedAtMs + random.between(80, 100), "read", [random.below(nodes)]),
    ],
    faults: [{ kind: "move", atMs: movesAtMs, to: random.chance(0.5) ? newGroup : [2, 3, 4] }],
  });
}
