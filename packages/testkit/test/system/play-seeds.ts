import { expect, test } from "@jest/globals";
import { drawSystemPlan } from "../../src/system/plan/system-plan.js";
import { runSystem } from "../../src/system/run-system.js";

/** So many seeds are one test: a failure names its seed, and jest its batch. */
const seedsPerTest = 25;
// A seed takes a fifth of a second, on a machine that has nothing else to do.
const timeoutMs = 300_000;

export function playSeeds({ from, count }: { readonly from: number; readonly count: number }): void {
  const batches = Array.from({ length: count / seedsPerTest }, (_, index) => from + index * seedsPerTest);
  test.each(batches)(
    `seeds from %i, ${seedsPerTest} of them`,
    async (first) => {
      for (let seed = first; seed < first + seedsPerTest; seed += 1) {
        const { violation } = await runSystem(drawSystemPlan(seed));
        expect({ seed, violation }).toEqual({ seed, violation: undefined });
      }
    },
    timeoutMs,
  );
}
