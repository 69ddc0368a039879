/** `pnpm bench small`: what the smallest real cluster does with small files. See docs/BENCHMARKS.md. */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BenchCluster } from "./bench-cluster.js";
import { measureLoad } from "./load.js";
import { describeMachine } from "./machine.js";
import { fillWithSmallFiles, idleMemory, million as millionFiles } from "./memory.js";
import { aimLines, loadLine, type Results, scenarioHead, type ScenarioResult } from "./results.js";
import { prepareScenarios } from "./scenarios.js";

const usage = `pnpm bench small [options]

Starts a SuperNode and three DataNodes as processes, drives them from this one process, and compares with the aims.

  --seconds N          measured time of each line (default 5)
  --in-flight A,B,...  operations under way at once (default 1,64,256)
  --only TEXT          only the scenarios whose name contains this
  --million            also store 1,000,000 files and look at memory; takes minutes
  --directory DIR      where the data goes meanwhile (default: the system's temporary directory)
  --name NAME          write bench/results/NAME.json (default: small)
`;

const warmUpMs = 2_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "5" },
    "in-flight": { type: "string", default: "1,64,256" },
    only: { type: "string", default: "" },
    million: { type: "boolean", default: false },
    directory: { type: "string" },
    name: { type: "string", default: "small" },
    help: { type: "boolean", default: false },
  },
});

const measureMs = Number(values.seconds) * 1000;
const inFlights = values["in-flight"].split(",").map(Number);
const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 16_384;
if (values.help || positionals.join() !== "small" || !(measureMs > 0) || !inFlights.every(isWhole)) {
  process.stderr.write(usage);
  process.exit(values.help ? 0 : 2);
}

const results = await run();
const lines = aimLines(results);
process.stdout.write(`\n${lines.join("\n")}\n`);
const directory = fileURLToPath(new URL("../results/", import.meta.url));
await mkdir(directory, { recursive: true });
await writeFile(`${directory}${values.name}.json`, `${JSON.stringify(results, undefined, 2)}\n`);
process.stdout.write(`\nwritten to bench/results/${values.name}.json\n`);

async function run(): Promise<Results> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  process.stdout.write(`${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}\n`);
  await using cluster = await BenchCluster.start(values.directory);
  const idle = await idleMemory(cluster);
  const scenarios = await runScenarios(cluster);
  const base: Results = {
    benchmark: "small",
    startedAt,
    machine,
    cluster: "1 SuperNode, 3 DataNodes, N/R/W 3/2/2, fsync; load from one process on the same machine",
    measureMs,
    idle,
    scenarios,
  };
  if (!values.million) return base;
  const million = await onFreshCluster((fresh) =>
    fillWithSmallFiles(fresh, millionFiles, (done) =>
      process.stderr.write(`\r${done.toLocaleString("en")} files written `),
    ),
  );
  process.stderr.write("\n");
  return { ...base, million };
}

async function onFreshCluster<T>(use: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  await using cluster = await BenchCluster.start(values.directory);
  return await use(cluster);
}

async function runScenarios(cluster: BenchCluster): Promise<readonly ScenarioResult[]> {
  await using client = await cluster.connect();
  const scenarios = (await prepareScenarios(client)).filter(({ name }) => name.includes(values.only));
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
