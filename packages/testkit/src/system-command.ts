import { startStopwatch } from "./adapters/stopwatch.js";
import { type Batch, playInProcesses } from "./adapters/seed-processes.js";
import { Coverage } from "./simulation/coverage.js";
import { drawSystemPlan } from "./system/plan/system-plan.js";
import { runSystem } from "./system/run-system.js";
import { shrinkSystemPlan } from "./system/shrink-system-plan.js";

/** Seeds that a process plays before it reports. */
const batchSeeds = 20;

export interface SystemOptions {
  readonly seed: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly shrink: boolean;
}

/** Plays many seeds, and says what they covered. False if one went wrong. */
export async function playSystem({ seed, seeds, jobs, shrink }: SystemOptions): Promise<boolean> {
  const coverage = new Coverage();
  const elapsedMs = startStopwatch();
  const failures: { readonly seed: number; readonly violation: string }[] = [];
  const onBatch = (batch: Batch, done: number): void => {
    for (const [what, count] of batch.coverage) coverage.count(what, count);
    for (const failure of batch.failures) {
      failures.push(failure);
      console.log(`seed ${failure.seed}: ${failure.violation}\nagain: npm run sim -- --seed ${failure.seed} --trace\n`);
    }
    const seconds = elapsedMs() / 1000;
    console.log(`${done} of ${seeds} seeds, ${failures.length} went wrong, ${(done / seconds).toFixed(1)}/s`);
  };
  if (jobs === 1) {
    for (let from = seed; from < seed + seeds; from += batchSeeds) {
      const count = Math.min(batchSeeds, seed + seeds - from);
      onBatch(await playBatch(from, count), from + count - seed);
    }
  } else await playInProcesses({ seed, seeds, jobs, batchSeeds, onBatch });
  for (const [what, count] of coverage.entries()) console.log(`${String(count).padStart(12)}  ${what}`);
  const [first] = failures;
  if (first && shrink) await showSmallest(first.seed);
  return failures.length === 0;
}

/** What a process plays at a time. */
export async function playBatch(from: number, count: number): Promise<Batch> {
  const coverage = new Coverage();
  const failures: { seed: number; violation: string }[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await runSystem(drawSystemPlan(seed));
    coverage.add(result.coverage);
    if (result.violation !== undefined) failures.push({ seed, violation: result.violation });
  }
  return { count, coverage: coverage.entries(), failures };
}

/** Plays one seed and prints all that happens. */
export async function traceSystem(seed: number): Promise<boolean> {
  const plan = drawSystemPlan(seed);
  console.log(JSON.stringify(plan, undefined, 2));
  const { trace, violation, checksum, events, virtualMs } = await runSystem(plan, { traced: true });
  for (const line of trace) console.log(line);
  console.log(
    `seed ${seed}: ${events} events in ${(virtualMs / 1000).toFixed(1)} virtual seconds, checksum ${checksum}`,
  );
  console.log(violation ?? "no violation");
  return violation === undefined;
}

async function showSmallest(seed: number): Promise<void> {
  const { plan, violation } = await shrinkSystemPlan(drawSystemPlan(seed));
  console.log(`the least of the plan of seed ${seed} that still goes wrong:`);
  console.log(JSON.stringify(plan, undefined, 2));
  console.log(violation);
}
