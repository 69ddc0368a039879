import { describe, expect, test } from "@jest/globals";
import { type HistoryPlan, drawPlan, replicaRules, runHistory, shrinkPlan, usualRanges } from "../../src/index.js";

describe("shrinking", () => {
  test("what is left still goes wrong, and each thing in it is needed", () => {
    const options = { replicaRules: { ...replicaRules, replyAfterSync: false } };
    const quorum = { replicas: 3, read: 2, write: 2 };
    const seeds = Array.from({ length: 200 }, (_, index) => index + 1);
    const plans = seeds.map((seed) => drawPlan(seed, { ...usualRanges, quorum }));
    const plan = plans.find((one) => runHistory(one, options).violation !== undefined);
    if (!plan) throw new Error("no seed caught the mutant");
    const smallest = shrinkPlan(plan, options);
    expect(runHistory(smallest, options).violation).toBeDefined();
    expect(sizeOf(smallest)).toBeLessThan(sizeOf(plan));
    for (const client of smallest.clients.keys()) {
      const smaller = { ...smallest, clients: smallest.clients.toSpliced(client, 1) };
      expect(runHistory(smaller, options).violation).toBeUndefined();
    }
  });
});

function sizeOf({ clients, faults }: HistoryPlan): number {
  return faults.length + clients.reduce((sum, { operations }) => sum + operations.length, 0);
}
