/** What the smallest real cluster does when more is asked of it than it can take. */
import { parseArgs } from "node:util";
import { BenchCluster } from "../bench-cluster.js";
import { sleep } from "../load.js";
import { describeMachine } from "../machine.js";
import { cpuMicroseconds, peakMemoryBytes, residentMemory, restartPeakMemory } from "../proc.js";
import { writeResults } from "../results-file.js";
import { inParallel } from "../scenarios.js";
import { contentBytes, files } from "./files.js";
import { LoadPool, type LoadProcess } from "./load-process.js";
import { aimLines, headText, merged, type OverloadResults, spreadOf, type Step, stepText } from "./report.js";
import type { LoadTask } from "./tasks.js";

const usage = `pnpm bench overload [options]

Starts a SuperNode and three DataNodes as processes, finds out what they take, and offers them multiples of it from several
processes, each operation at its time whatever becomes of the earlier ones.

  --seconds N        measured time of each step (default 5)
  --factors A,B,...  multiples of the peak to offer (default 1,2,5)
  --processes N      that make the load (default 4)
  --timeout MS       of each operation (default 1000)
  --only TEXT        only the mixes whose name contains this: writes, reads, balanced
  --directory DIR    where the data goes meanwhile (default: the system's temporary directory)
  --name NAME        write bench/results/NAME.json (default: overload)
`;

const warmUpMs = 2_000;
const lookEveryMs = 100;
// Enough for the peak, and few enough that nobody is refused for it.
const peakInFlight = 256;
// A bound on the memory of load processes; above what any of them has under way within the time of an operation.
const openInFlightMax = 50_000;
const mixes = [
  { mix: "writes", reads: 0 },
  { mix: "reads", reads: 1 },
  { mix: "balanced", reads: 0.5 },
];

export async function benchOverload(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "5" },
      factors: { type: "string", default: "1,2,5" },
      processes: { type: "string", default: "4" },
      timeout: { type: "string", default: "1000" },
      only: { type: "string", default: "" },
      directory: { type: "string" },
      name: { type: "string", default: "overload" },
      help: { type: "boolean", default: false },
    },
  });
  const measureMs = Number(values.seconds) * 1000;
  const factors = values.factors.split(",").map(Number);
  const processes = Number(values.processes);
  const timeoutMs = Number(values.timeout);
  if (values.help || ![measureMs, processes, timeoutMs, ...factors].every((value) => value > 0)) {
    process.stderr.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const { only, directory } = values;
  const results = await run({ measureMs, factors, processes, timeoutMs, only, directory });
  process.stdout.write(`\n${aimLines(results).join("\n")}\n`);
  await writeResults(values.name, results);
}

interface RunOptions {
  readonly measureMs: number;
  readonly factors: readonly number[];
  readonly processes: number;
  readonly timeoutMs: number;
  readonly only: string;
  readonly directory: string | undefined;
}

async function run(options: RunOptions): Promise<OverloadResults> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  process.stdout.write(`${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}\n`);
  await using cluster = await BenchCluster.start({ parent: options.directory });
  await prepare(cluster);
  await using pool = await LoadPool.start(cluster.superNode.address, options.processes);
  const { loads } = pool;
  const { measureMs, processes, timeoutMs, only, factors } = options;
  const done = [];
  for (const { mix, reads } of mixes.filter((each) => each.mix.includes(only))) {
    process.stdout.write(`\n${mix}\n${headText()}\n`);
    const base = { kind: "load", reads, warmUpMs, measureMs } as const;
    const perform = async (name: string, task: LoadTask, offeredPerSecond?: number): Promise<Step> => {
      const step = await performStep({ name, task, cluster, loads, offeredPerSecond });
      process.stdout.write(`${stepText(step, measureMs)}\n`);
      return step;
    };
    const closed = { ...base, ratePerSecond: undefined, inFlightMax: peakInFlight / processes, timeoutMs: 30_000 };
    const peak = await perform("peak, closed loop", closed);
    const steps = [peak];
    for (const factor of factors) {
      const offered = peak.goodputPerSecond * factor;
      const open = { ...base, ratePerSecond: offered / processes, inFlightMax: openInFlightMax, timeoutMs };
      steps.push(await perform(`${factor} times the peak`, open, offered));
    }
    done.push({ mix, steps });
  }
  return {
    benchmark: "overload",
    startedAt,
    machine,
    cluster: "1 SuperNode, 3 DataNodes, N/R/W 3/2/2, fsync; load from processes of lower priority on the same machine",
    processes,
    timeoutMs,
    mixes: done,
  };
}

async function prepare(cluster: BenchCluster): Promise<void> {
  await using client = await cluster.connect();
  await inParallel(files, (index) => client.put(`files/overload/${index}`, new Uint8Array(contentBytes)));
}

async function performStep(options: {
  readonly name: string;
  readonly task: LoadTask;
  readonly cluster: BenchCluster;
  readonly loads: readonly LoadProcess[];
  readonly offeredPerSecond: number | undefined;
}): Promise<Step> {
  const { name, task, cluster, loads, offeredPerSecond } = options;
  const pids = cluster.dataNodes.map(({ pid }) => pid);
  const before = pids.map((pid) => residentMemory(pid)?.ownBytes);
  for (const pid of pids) restartPeakMemory(pid);
  const watch = watchHeartbeats(cluster);
  const [parts, serversUs] = await Promise.all([
    Promise.all(loads.map((load) => load.load(task))),
    serversCpu([cluster.superNode.pid, ...pids], task),
  ]);
  const done = merged(parts);
  const { looks, missed } = await watch.end();
  const perSecond = (count: number): number => (count * 1000) / task.measureMs;
  const grown = pids.map((pid, index) => {
    const idle = before[index];
    const most = peakMemoryBytes(pid);
    const mapped = residentMemory(pid)?.fileBytes ?? 0;
    return idle === undefined || most === undefined ? undefined : most - mapped - idle;
  });
  const known = grown.filter((bytes) => bytes !== undefined);
  return {
    name,
    offeredPerSecond,
    begunPerSecond: perSecond(done.begun),
    goodputPerSecond: perSecond(done.servedMs.length),
    served: spreadOf(done.servedMs),
    refusals: spreadOf(done.refusalsMs),
    hints: spreadOf(done.hintsMs),
    givenUp: spreadOf(done.givenUpMs),
    failed: done.failed,
    serversUsPerServed: serversUs === undefined ? undefined : serversUs / done.servedMs.length,
    memoryBytes: known.length === 0 ? undefined : Math.max(0, ...known),
    looks,
    missed,
  };
}

/** CPU time of the servers while the load measures, in µs; undefined where nobody tells. */
async function serversCpu(pids: readonly number[], { warmUpMs, measureMs }: LoadTask): Promise<number | undefined> {
  await sleep(warmUpMs);
  const before = cpuMicroseconds(pids);
  await sleep(measureMs);
  const after = cpuMicroseconds(pids);
  return before === undefined || after === undefined ? undefined : after - before;
}

/** Looks at what the SuperNode thinks of the DataNodes. */
function watchHeartbeats(cluster: BenchCluster): { end(): Promise<{ looks: number; missed: number }> } {
  let ended = false;
  const counts = { looks: 0, missed: 0 };
  const look = async (): Promise<void> => {
    await using client = await cluster.connect();
    while (!ended) {
      const nodes = await client.nodes();
      counts.looks += 1;
      if (nodes.some(({ state }) => state !== "up")) counts.missed += 1;
      await sleep(lookEveryMs);
    }
  };
  const looking = look();
  return {
    end: async () => {
      ended = true;
      await looking;
      return counts;
    },
  };
}
