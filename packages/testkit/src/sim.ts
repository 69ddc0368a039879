/**
 * `pnpm sim`: plays histories from seeds until one goes wrong, then shows that one, cut down to what it takes. One seed
 * reproduces one history exactly, on any machine.
 */
import { type QuorumSettings, checkQuorum } from "@quorumfs/core";
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { startStopwatch } from "./adapters/stopwatch.js";
import { Coverage } from "./simulation/coverage.js";
import { drawAnyPlan } from "./simulation/plan-profiles.js";
import type { HistoryPlan } from "./simulation/plan.js";
import { runHistory } from "./simulation/run-history.js";
import { shrinkPlan } from "./simulation/shrink-plan.js";

const options = await yargs(hideBin(process.argv))
  .scriptName("pnpm sim")
  .usage("$0 [options]\n\nPlays simulated histories of one file and checks each for linearizability.")
  .option("seed", { type: "number", default: 1, describe: "seed of the first history; the next ones follow on" })
  .option("histories", { type: "number", default: 10_000, describe: "how many, for each quorum" })
  .option("quorum", {
    type: "string",
    array: true,
    default: ["3/2/2", "5/3/3", "5/2/4", "3/3/1", "3/1/3"],
    describe: "N/R/W; may be given several times",
  })
  .option("trace", { type: "boolean", default: false, describe: "print every message of every history" })
  .example("$0 --histories 100000", "look for trouble")
  .example("$0 --seed 4711 --histories 1 --quorum 5/3/3 --trace", "watch one history")
  .check(({ quorum }) => quorum.map(parseQuorum).length > 0)
  .strict()
  .wrap(100)
  .parse();

const quorums = options.quorum.map(parseQuorum);
for (const quorum of quorums) if (!play(quorum)) process.exitCode = 1;

function parseQuorum(text: string): QuorumSettings {
  const [replicas = NaN, read = NaN, write = NaN] = text.split("/").map(Number);
  return checkQuorum({ replicas, read, write });
}

function play(quorum: QuorumSettings): boolean {
  const { seed, histories, trace } = options;
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
  console.log(`\nagain: pnpm sim --seed ${plan.seed} --histories 1 --quorum ${quorum} --trace`);
}

function formatQuorum({ replicas, read, write }: QuorumSettings): string {
  return `${replicas}/${read}/${write}`;
}
