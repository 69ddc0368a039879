import type { HistoryPlan } from "../../../src/index.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, laidOut, newGroup, oldGroup } from "./laid-out.js";

/**
 * A write is applied, and its coordinator pauses before it has said so. The file is read, deleted, and its tombstone collected;
 * then it moves, and only then the client asks the new group to try again. Nothing but the floor knows that it has run.
 */
export function lateRetries(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const [first, other] = [0, random.pick([1, 2])];
  const pausesAtMs = random.between(2, 8);
  const deletesAtMs = random.between(30, 50);
  const collectsAtMs = deletesAtMs + random.between(20, 40);
  const movesAtMs = collectsAtMs + random.between(20, 40);
  const retriesAtMs = movesAtMs + random.between(40, 80);
  return laidOut(random, {
    seed,
    clients: [
      clientAt(0, "put", [first, random.pick(newGroup)], retriesAtMs),
      clientAt(deletesAtMs - 15, "read", [other]),
      clientAt(deletesAtMs, "delete", [other]),
      clientAt(retriesAtMs + random.between(20, 80), "read", [random.pick(newGroup)]),
    ],
    faults: [
      { kind: "coordinator_pause", atMs: pausesAtMs, node: first, forMs: 2 * retriesAtMs },
      { kind: "collection", atMs: collectsAtMs, node: random.pick(oldGroup.slice(1)) },
      { kind: "move", atMs: movesAtMs, to: newGroup },
    ],
  });
}
