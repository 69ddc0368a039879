import { parseArgs } from "node:util";
import { BenchCluster } from "./bench-cluster.js";
import { measureLoad } from "./load.js";
import { describeMachine } from "./machine.js";
import { fillWithSmallFiles, idleMemory, million as millionFiles } from "./memory.js";
import { writeResults } from "./results-file.js";
import { aimLines, loadLine, type Results, scenarioHead, type ScenarioResult } from "./results.js";
import { prepareScenarios } from "./scenarios.js";

const usage = `pnpm bench small [options]

Starts a SuperNode and three DataNodes as processes, drives them from this one process, and compares with the aims.

  --seconds N          measured time of each line (default 5)
  --in-flight A,B,...  operations under way at once (default 1,64,256)
  --only TEXT          only the scenarios whose name contains this
  --million            also store 1,000,000 files and look at memory; takes minutes
  --directory DIR      where the data goes meanwhile (default: the system's temporary directory)
  --profile DIR        write CPU profiles of the servers there
  --name NAME          write bench/results/NAME.json (default: small)
`;

const warmUpMs = 2_000;

/** What the smallest real cluster does with small files. */
export async function benchSmall(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "5" },
      "in-flight": { type: "string", default: "1,64,256" },
      only: { type: "string", default: "" },
      million: { type: "boolean", default: false },
      directory: { type: "string" },
      profile: { type: "string" },
      name: { type: "string", default: "small" },
      help: { type: "boolean", default: false },
    },
  });
  const { only, million, directory, profile, name, help } = values;
  const measureMs = Number(values.seconds) * 1000;
  const inFlights = values["in-flight"].split(",").map(Number);
  if (help || !(measureMs > 0) || !inFlights.every(isWhole)) {
    process.stderr.write(usage);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const results = await run({ measureMs, inFlights, only, million, directory, profile });
  process.stdout.write(`\n${aimLines(results).join("\n")}\n`);
  await writeResults(name, results);
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 16_384;
}

interface RunOptions {
  readonly measureMs: number;
  readonly inFlights: readonly number[];
  readonly only: string;
  readonly million: boolean;
  readonly directory: string | undefined;
  readonly profile: string | undefined;
}

async function run(options: RunOptions): Promise<Results> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  process.stdout.write(`${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}\n`);
  await using cluster = await BenchCluster.start({ parent: options.directory, profile: options.profile });
  const idle = await idleMemory(cluster);
  const scenarios = await runScenarios(cluster, options);
  const base: Results = {
    benchmark: "small",
    startedAt,
    machine,
    cluster: "1 SuperNode, 3 DataNodes, N/R/W 3/2/2, fsync; load from one process on the same machine",
    measureMs: options.measureMs,
    idle,
    scenarios,
  };
  if (!options.million) return base;
  await using fresh = await BenchCluster.start({ parent: options.directory });
  const million = await fillWithSmallFiles(fresh, millionFiles, (done) =>
    process.stderr.write(`\r${done.toLocaleString("en")} files written `),
  );
  process.stderr.write("\n");
  return { ...base, million };
}

async function runScenarios(
  cluster: BenchCluster,
  { measureMs, inFlights, only }: RunOptions,
): Promise<readonly ScenarioResult[]> {
  await using client = await cluster.connect();
  const scenarios = (await prepareScenarios(client)).filter(({ name }) => name.includes(only));
  const pids = cluster.servers.map(({ pid }) => pid);
  process.stdout.write(`\n${scenarioHead()}\n`);
  const done: ScenarioResult[] = [];
  for (const { name, unit, aim, operation } of scenarios) {
    const loads = [];
    for (const inFlight of inFlights) {
      const load = await measureLoad({ inFlight, operation, warmUpMs, measureMs, pids });
      process.stdout.write(`${loadLine(loads.length === 0 ? name : "", load)}\n`);
      loads.push(load);
    }
    done.push({ name, unit, aim, loads });
  }
  return done;
}
