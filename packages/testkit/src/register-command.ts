/**
 * `npm run sim -- register`: plays histories of one file from seeds until one goes wrong, then shows that one, cut down to
 * what it takes. One seed reproduces one history exactly, on any machine.
 */
import { type QuorumSettings, checkQuorum } from "@quorumfs/core";
import { startStopwatch } from "./adapters/stopwatch.js";
import { Coverage } from "./simulation/coverage.js";
import { drawAnyPlan } from "./simulation/plan-profiles.js";
import type { HistoryPlan } from "./simulation/plan.js";
import { runHistory } from "./simulation/run-history.js";
import { shrinkPlan } from "./simulation/shrink-plan.js";

export interface RegisterOptions {
  /** Seed of the first history; the next ones follow on. */
  readonly seed: number;
  /** How many, for each quorum. */
  readonly histories: number;
  readonly trace: boolean;
}

/** @throws QuorumError `invalid_argument` */
export function parseQuorum(text: string): QuorumSettings {
  const [replicas = NaN, read = NaN, write = NaN] = text.split("/").map(Number);
  return checkQuorum({ replicas, read, write });
}

/** Plays histories with a quorum; false if one went wrong. */
export function playRegister(quorum: QuorumSettings, { seed, histories, trace }: RegisterOptions): boolean {
  const coverage = new Coverage();
  const elapsedMs = startStopwatch();
  for (let index = 0; index < histories; index += 1) {
    const plan = drawAnyPlan(seed + index, quorum);
    const result = runHistory(plan, { traced: trace });
    coverage.add(result.coverage);
    for (const line of result.trace) console.log(line);
    if (result.violation !== undefined) {
      report(plan, result.violation);
      return false;
    }
  }
  const perSecond = Math.round((histories / elapsedMs()) * 1000);
  console.log(`N/R/W ${formatQuorum(quorum)}: ${histories} histories from seed ${seed}, no violation, ${perSecond}/s`);
  for (const [what, count] of coverage.entries()) console.log(`  ${String(count).padStart(10)}  ${what}`);
  return true;
}

function report(plan: HistoryPlan, violation: string): void {
  const quorum = formatQuorum(plan.quorum);
  console.log(`N/R/W ${quorum}, seed ${plan.seed}: ${violation}\n`);
  const smallest = shrinkPlan(plan);
  const result = runHistory(smallest, { traced: true });
  console.log("the least that still goes wrong:");
  for (const line of result.trace) console.log(line);
  console.log(`\n${result.violation ?? ""}`);
  console.log(`\nagain: npm run sim -- register --seed ${plan.seed} --histories 1 --quorum ${quorum} --trace`);
}

function formatQuorum({ replicas, read, write }: QuorumSettings): string {
  return `${replicas}/${read}/${write}`;
}
