import type { HistoryPlan } from "../../../src/index.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, cutOff, laidOut, newGroup, oldGroup, someOf } from "./laid-out.js";

/**
 * While a file moves it is deleted, and its tombstone is to be collected. One of the new group has taken the file over before,
 * and misses all of this. Once the others have forgotten the tombstone, the file is back.
 */
export function collectedWhileMoving(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const [misses = 0, ...others] = someOf(random, newGroup, 3);
  const movesAtMs = random.between(20, 40);
  const deletesAtMs = movesAtMs + random.between(30, 60);
  const collectsAtMs = deletesAtMs + random.between(10, 40);
  const seenAtMs = collectsAtMs + random.between(20, 60);
  return laidOut(random, {
    seed,
    clients: [
      clientAt(0, "put", [0]),
      clientAt(deletesAtMs, "delete", [random.pick(oldGroup)]),
      clientAt(seenAtMs, "read", [misses]),
    ],
    faults: [
      { kind: "move", atMs: movesAtMs, to: newGroup },
      // It has told everybody of the move, and does not hear that they are through with it.
      { kind: "super_node_crash", atMs: movesAtMs + 0.1, forMs: 250 },
      ...cutOff(deletesAtMs - 3, misses, [...oldGroup, ...others], seenAtMs - deletesAtMs),
      { kind: "collection", atMs: collectsAtMs, node: random.pick([...oldGroup, ...others]) },
    ],
  });
}
