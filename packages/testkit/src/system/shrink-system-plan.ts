import type { SystemPlan } from "./plan/system-plan.js";
import { runSystem } from "./run-system.js";

/** Runs that are spent on it: a minute or two. */
const runsMax = 150;

/** Takes away what a plan does not need to go wrong, one thing after the other. */
export async function shrinkSystemPlan(plan: SystemPlan): Promise<{ plan: SystemPlan; violation: string }> {
  let runs = 0;
  let smallest = plan;
  let violation = (await runSystem(plan)).violation ?? "it does not go wrong";
  const tryPlan = async (candidate: SystemPlan): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs += 1;
    const result = await runSystem(candidate);
    if (result.violation === undefined) return false;
    smallest = candidate;
    ({ violation } = result);
    return true;
  };
  for (let isSmaller = true; isSmaller && runs < runsMax;) {
    isSmaller = false;
    for (let index = smallest.faults.length - 1; index >= 0; index -= 1) {
      const faults = smallest.faults.filter((_, other) => other !== index);
      if (await tryPlan({ ...smallest, faults })) isSmaller = true;
    }
    const fewer: readonly Partial<SystemPlan>[] = [
      ...(smallest.clients > 1 ? [{ clients: smallest.clients - 1 }] : []),
      ...(smallest.operations > 4 ? [{ operations: smallest.operations >> 1 }] : []),
      ...(smallest.filesPerBucket > 1 ? [{ filesPerBucket: smallest.filesPerBucket - 1 }] : []),
      ...(smallest.buckets.length > 1 ? [{ buckets: smallest.buckets.slice(0, 1) }] : []),
      ...(smallest.largeShare > 0 ? [{ largeShare: 0 }] : []),
    ];
    for (const change of fewer) if (await tryPlan({ ...smallest, ...change })) isSmaller = true;
  }
  return { plan: smallest, violation };
}
