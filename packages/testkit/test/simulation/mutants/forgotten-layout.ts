import type { HistoryPlan } from "../../../src/index.js";
import { Prng } from "../../../src/simulation/prng.js";
import { clientAt, cutOff, laidOut, superNode } from "./laid-out.js";

/** By then the first write is over, though disks are slow. */
const movesAtMs = 140;
const endMs = 700;

/**
 * Node 0 never hears of the move. Node 1 does, says so, and takes over what it held; it crashes while the news is still on
 * its way to the disk, and hears nothing more. Did it count as fenced, the new group is alone by now, and the two of them
 * are still a quorum of the old one.
 */
export function forgottenLayout(seed: number): HistoryPlan {
  const random = new Prng(seed);
  const crashesAtMs = movesAtMs + random.between(12, 35);
  const writesAtMs = movesAtMs + random.between(130, 170);
  return laidOut(random, {
    seed,
    nodes: 4,
    coordinators: 4,
    syncMs: 40,
    clients: [
      clientAt(random.between(0, 10), "put", [random.below(3)]),
      clientAt(writesAtMs, "put", [random.pick([2, 3])]),
      clientAt(writesAtMs + random.between(160, 200), "read", [0]),
    ],
    faults: [
      ...cutOff(0, superNode, [0], endMs),
      { kind: "move", atMs: movesAtMs, to: [1, 2, 3] },
      { kind: "replica_crash", atMs: crashesAtMs, node: 1, forMs: random.between(5, 20) },
      ...cutOff(crashesAtMs, superNode, [1], endMs - crashesAtMs),
      ...cutOff(movesAtMs, 0, [2], endMs - movesAtMs),
    ],
  });
}
