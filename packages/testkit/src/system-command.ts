import { startStopwatch } from "./adapters/stopwatch.js";
import { type Batch, playInProcesses } from "./adapters/seed-processes.js";
import { Coverage } from "./simulation/coverage.js";
import { drawSystemPlan } from "./system/plan/system-plan.js";
import { runSystem } from "./system/run-system.js";
import { shrinkSystemPlan } from "./system/shrink-system-plan.js";

/** Seeds that a process plays before it reports. */
const batchSeeds = 20;

const progressEveryMs = 5_000;

export interface SystemOptions {
  readonly seed: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly shrink: boolean;
}

/**
 * Plays many seeds, and says what they covered; also of those that were played when the signal came. False if one went wrong.
 *
 * @throws Error if a process ends before its work
 */
export async function playSystem(options: SystemOptions, signal: AbortSignal): Promise<boolean> {
  const { seed, seeds, jobs, shrink } = options;
  const coverage = new Coverage();
  const elapsedMs = startStopwatch();
  let toldAtMs = 0;
  const failures: { readonly seed: number; readonly violation: string }[] = [];
  const onBatch = (batch: Batch, done: number): void => {
    for (const [what, count] of batch.coverage) coverage.count(what, count);
    for (const failure of batch.failures) {
      failures.push(failure);
      console.log(`seed ${failure.seed}: ${failure.violation}\nagain: npm run sim -- --seed ${failure.seed} --trace\n`);
    }
    const nowMs = elapsedMs();
    if (done < seeds && nowMs - toldAtMs < progressEveryMs && !signal.aborted) return;
    toldAtMs = nowMs;
    const perSecond = (done * 1000) / nowMs;
    const left = done < seeds ? `, ${Math.ceil((seeds - done) / perSecond / 60)} min to go` : "";
    console.log(
      `${done} of ${seeds} seeds, ${failures.length} went wrong, ${perSecond.toFixed(1)}/s${signal.aborted ? "" : left}`,
    );
  };
  await playInProcesses({ seed, seeds, jobs, batchSeeds, signal, onBatch });
  for (const [what, count] of coverage.entries()) console.log(`${String(count).padStart(12)}  ${what}`);
  const [first] = failures;
  if (first && shrink && !signal.aborted) await showSmallest(first.seed);
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
