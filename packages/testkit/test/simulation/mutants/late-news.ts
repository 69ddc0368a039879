import type { HistoryPlan } from "../../../src/index.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, cutOff, laidOut, newGroup, oldGroup, someOf, superNode } from "./laid-out.js";

/**
 * A partition moves, and those who hold it hear nothing of that for a while: they take a file's first write under the layout
 * that they know. Had they told before that they hold nothing, it would be with none of the new group.
 */
export function lateNews(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const movesAtMs = random.between(20, 40);
  const heardAtMs = movesAtMs + random.between(60, 120);
  const writesAtMs = random.between(movesAtMs, heardAtMs);
  const [writer = 0] = someOf(random, oldGroup, 1);
  const [reader = 0] = someOf(random, newGroup, 1);
  return laidOut(random, {
    seed,
    clients: [clientAt(writesAtMs, "put", [writer]), clientAt(heardAtMs + random.between(20, 80), "read", [reader])],
    faults: [
      ...oldGroup.flatMap((node) => cutOff(0, node, [superNode], heardAtMs)),
      { kind: "move", atMs: movesAtMs, to: newGroup },
    ],
  });
}
