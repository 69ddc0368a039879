import { describe, expect, test } from "@jest/globals";
import { drawSystemPlan } from "../../src/system/plan/system-plan.js";
import { runSystem } from "../../src/system/run-system.js";

describe("one seed is one run, to the last byte", () => {
  test.each([27, 99])(
    "seed %i",
    async (seed) => {
      const first = await runSystem(drawSystemPlan(seed));
      const second = await runSystem(drawSystemPlan(seed), { traced: true });
      expect(second.checksum).toBe(first.checksum);
      expect(second.events).toBe(first.events);
      expect(second.virtualMs).toBe(first.virtualMs);
    },
    120_000,
  );

  test("another seed is another run", async () => {
    const [one, other] = [await runSystem(drawSystemPlan(1)), await runSystem(drawSystemPlan(2))];
    expect(one.checksum).not.toBe(other.checksum);
  }, 120_000);
});
