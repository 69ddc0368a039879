/**
 * `npm run sim`: whole clusters on virtual time, from seeds. `npm run sim -- register`: the vote on one file alone, a thousand
 * times as fast. One seed reproduces one run exactly, on any machine.
 */
import { availableParallelism } from "node:os";
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { parseQuorum, playRegister } from "./register-command.js";
import { playSystem, traceSystem } from "./system-command.js";

const seedOption = { type: "number", default: 1, describe: "the first seed; the next ones follow on" } as const;

/** A check of yargs: that these options are whole numbers, and at least 1. */
function areCounts<Name extends string>(...names: readonly Name[]) {
  return (options: Readonly<Record<Name, number>>): true => {
    const wrong = names.find((name) => !Number.isSafeInteger(options[name]) || options[name] < 1);
    if (wrong !== undefined) throw new Error(`--${wrong} must be a whole number, and at least 1`);
    return true;
  };
}

await yargs(hideBin(process.argv))
  .scriptName("npm run sim --")
  .command(
    "$0",
    "Play whole clusters with faults, changes of the layout and clients, and check what came of it.",
    (command) =>
      command
        .option("seed", seedOption)
        .option("seeds", { type: "number", default: 500, describe: "how many" })
        .option("jobs", {
          type: "number",
          default: availableParallelism(),
          defaultDescription: "as many as there are cores",
          describe: "processes that play",
        })
        .option("trace", { type: "boolean", default: false, describe: "print all that happens in the run of --seed" })
        .option("shrink", { type: "boolean", default: true, describe: "cut a failing plan down" })
        .example("$0 --seeds 20000", "look for trouble; Ctrl-C ends early, with what was covered")
        .example("$0 --seed 4711 --trace", "watch one run")
        .check(areCounts("seed", "seeds", "jobs")),
    async ({ seed, trace, ...options }) => {
      const interrupt = new AbortController();
      if (!trace) process.once("SIGINT", () => interrupt.abort());
      const isFine = trace ? await traceSystem(seed) : await playSystem({ seed, ...options }, interrupt.signal);
      if (!isFine) process.exitCode = 1;
      else if (interrupt.signal.aborted) process.exitCode = 130;
    },
  )
  .command(
    "register",
    "Play histories of one file, and check each for linearizability.",
    (command) =>
      command
        .option("seed", seedOption)
        .option("histories", { type: "number", default: 10_000, describe: "how many, for each quorum" })
        .option("quorum", {
          type: "string",
          array: true,
          default: ["3/2/2", "5/3/3", "5/2/4", "3/3/1", "3/1/3"],
          describe: "N/R/W; may be given several times",
        })
        .option("trace", { type: "boolean", default: false, describe: "print every message of every history" })
        .example("$0 register --histories 100000", "look for trouble")
        .example("$0 register --seed 4711 --histories 1 --quorum 5/3/3 --trace", "watch one history")
        .check(areCounts("seed", "histories"))
        .check(({ quorum }) => quorum.map(parseQuorum).length > 0),
    ({ quorum, ...options }) => {
      for (const one of quorum.map(parseQuorum)) if (!playRegister(one, options)) process.exitCode = 1;
    },
  )
  .strict()
  .wrap(100)
  .parse();
