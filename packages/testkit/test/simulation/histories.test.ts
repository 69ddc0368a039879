import { describe, expect, test } from "@jest/globals";
import type { QuorumSettings } from "@quorumfs/core";
import { Coverage, drawAnyPlan, drawMovingPlan, runHistory } from "../../src/index.js";
import { buildMutant } from "./mutants/build-mutant.js";
import { shortRing } from "./mutants/mutants.js";

const historiesPerQuorum = 3_500;
// They take five times as long.
const movesPerQuorum = 400;
// Where each test's seeds begin: `npm run sim -- register --seed S` shows any of them again.
const firstSeed = 1;

const quorums = [
  [3, 2, 2],
  [5, 3, 3],
  [5, 2, 4],
  [3, 3, 1],
  [4, 3, 2],
  [5, 4, 2],
  [3, 1, 3],
] as const;

describe(`histories of one file, seeds from ${firstSeed}`, () => {
  test.each(quorums)("N/R/W = %i/%i/%i: every one linearizable, nothing lost", (replicas, read, write) => {
    const quorum = { replicas, read, write };
    const coverage = new Coverage();
    for (let seed = firstSeed; seed < firstSeed + historiesPerQuorum; seed += 1) {
      const { violation, coverage: ofOne } = runHistory(drawAnyPlan(seed, quorum));
      coverage.add(ofOne);
      if (violation !== undefined) throw new Error(`seed ${seed}: ${violation}`);
    }
    const possible = mustHappen.filter((what) => !cannotHappen(what, { replicas, read, write }));
    for (const what of possible) expect([what, coverage.get(what) > 0]).toEqual([what, true]);
  });

  // Where every mutation pushes its predecessor's mark out, retries lose theirs all the time.
  test("a ring of one mark: every history linearizable", async () => {
    const shortened = await buildMutant([shortRing]);
    const quorum = { replicas: 3, read: 2, write: 2 };
    for (let seed = firstSeed; seed < firstSeed + historiesPerQuorum; seed += 1) {
      const { violation } = runHistory(drawAnyPlan(seed, quorum), { protocol: shortened });
      if (violation !== undefined) throw new Error(`seed ${seed}: ${violation}`);
    }
  });

  test("one seed, one history: two runs leave the same trace", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const plan = drawAnyPlan(seed, { replicas: 3, read: 2, write: 2 });
      const first = runHistory(plan, { traced: true });
      const second = runHistory(plan, { traced: true });
      expect(second.trace).toEqual(first.trace);
      expect(second.operations).toEqual(first.operations);
      expect(first.trace.length).toBeGreaterThan(10);
    }
  });
});

describe(`histories of one file that moves, seeds from ${firstSeed}`, () => {
  test.each(quorums)("N/R/W = %i/%i/%i: every one linearizable, nothing lost", (replicas, read, write) => {
    const quorum = { replicas, read, write };
    const coverage = new Coverage();
    for (let seed = firstSeed; seed < firstSeed + movesPerQuorum; seed += 1) {
      const { violation, coverage: ofOne } = runHistory(drawMovingPlan(seed, quorum));
      coverage.add(ofOne);
      if (violation !== undefined) throw new Error(`seed ${seed}: ${violation}`);
    }
    const possible = mustMove.filter((what) => !cannotHappen(what, quorum));
    for (const what of possible) expect([what, coverage.get(what) > 0]).toEqual([what, true]);
  });

  test("one seed, one history: two runs leave the same trace", () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const plan = drawMovingPlan(seed, { replicas: 3, read: 2, write: 2 });
      expect(runHistory(plan, { traced: true }).trace).toEqual(runHistory(plan, { traced: true }).trace);
    }
  });
});

const mustMove = [
  "SuperNode crash",
  "layout: another move instead",
  "layout: member lost for good",
  "layout: move",
  "layout: move taken back",
  "layout: moved",
  "operation begun anew under a newer layout",
  "question of a newer layout",
  "replica dropped what it had left",
  "replica joined",
  "round that dies half-way",
  "stale_layout",
  "takeover: chosen",
  "takeover: copy ok",
  "takeover: nothing",
  "takeover: short",
  "takeover: unsettled",
  "transfer round: applied",
];

function cannotHappen(what: string, { replicas, read, write }: QuorumSettings): boolean {
  // Where every promise is needed, or one vote is enough, what one replica loses may be lost for good.
  if (what.startsWith("corrupt") || what.startsWith("repair") || what.endsWith("for good")) return read === replicas;
  // One vote makes it chosen.
  if (what.startsWith("takeover: unsettled") || what.startsWith("transfer")) return write === 1;
  return write === 1 && (what === "read settled with write-back" || what === "read settled by an identity round");
}

/** A simulation that never got there would prove nothing about it. */
const mustHappen = [
  "collection erasing",
  "coordinator crash",
  "coordinator pause",
  "corrupt content",
  "corrupt record",
  "floor raised by another file",
  "mutation applied, one round trip",
  "mutation applied, two round trips or more",
  "nack",
  "partition",
  "put if absent: condition failed",
  "put: unknown",
  "read settled by an identity round",
  "read settled in one vote",
  "read settled with write-back",
  "repair round: applied",
  "replica crash",
  "retry that may have run",
];
