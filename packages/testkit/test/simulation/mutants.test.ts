import { afterAll, describe, expect, test } from "@jest/globals";
import { type SimulationOptions, runHistory } from "../../src/index.js";
import { buildMutant } from "./mutants/build-mutant.js";
import { type Mutant, laidOutPlans, mutants } from "./mutants/mutants.js";

// Each rule of the protocol is there for a reason that some history shows. That history is what these tests find.
describe("without this rule some history goes wrong", () => {
  const caughtBy: string[] = [];
  afterAll(() => {
    process.stdout.write(`seed  rule that was taken out\n${caughtBy.join("\n")}\n`);
  });

  test.each(mutants)("$rule", async (mutant) => {
    const caught = await firstViolation(mutant);
    expect(caught).toBeDefined();
    caughtBy.push(`${String(caught?.seed).padStart(5)} ${mutant.rule}: ${caught?.violation.split("\n")[0]}`);
  });
});

describe("with all rules every history that is laid out goes well", () => {
  test.each(Object.entries(laidOutPlans))("%s", (_, plan) => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const { violation } = runHistory(plan(seed));
      if (violation !== undefined) throw new Error(`seed ${seed}: ${violation}`);
    }
  });
});

async function firstViolation(mutant: Mutant): Promise<{ seed: number; violation: string } | undefined> {
  const { patches, plan, firstSeed = 1, seedsMax } = mutant;
  const options: SimulationOptions = {
    ...mutant.options,
    ...(patches && { protocol: await buildMutant(patches) }),
  };
  for (let seed = firstSeed; seed < firstSeed + seedsMax; seed += 1) {
    const { violation } = runHistory(plan(seed), options);
    if (violation !== undefined) return { seed, violation };
  }
  return undefined;
}
