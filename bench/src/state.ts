/**
 * `pnpm bench state`: how many files a second a state query tells, the whole way from the DataNodes over the SuperNode to
 * a caller of the SDK, and what that costs each of them.
 */
import { parseArgs } from "node:util";
import type { QuorumFs, StateOptions, StateSummary } from "@quorumfs/client";
import { BenchCluster } from "./bench-cluster.js";
import { describeMachine } from "./machine.js";
import { cpuMicroseconds } from "./proc.js";
import { writeResults } from "./results-file.js";

const usage = `pnpm bench state [options]

Starts a SuperNode and three DataNodes as processes, stores small files, and asks for the state of them all.

  --files N            files to store (default 200,000); fewer if that takes more than --fill-seconds
  --fill-seconds N     (default 90)
  --repeat N           queries of each kind, of which the median counts (default 5)
  --directory DIR      where the data goes meanwhile (default: the system's temporary directory)
  --profile DIR        write CPU profiles of the servers there
  --name NAME          write bench/results/NAME.json (default: state)
`;

const inFlight = 256;
const directories = 100;
const content = Buffer.alloc(100, "x");
const aimPerSecond = 100_000;
const settlePollMs = 250;
const settleTimeoutMs = 30_000;

/** By id. */
interface Processes {
  readonly superNode: number;
  readonly dataNodes: readonly number[];
}

interface Line {
  readonly name: string;
  readonly query: StateOptions;
}

/** One kind of query; figures are for each file that the DataNodes looked at. */
interface LineResult {
  readonly name: string;
  readonly filesTold: number;
  readonly seconds: number;
  readonly filesPerSecond: number;
  readonly cpuMicrosecondsPerFile: {
    readonly client: number;
    readonly superNode: number | undefined;
    readonly eachDataNode: number | undefined;
    readonly all: number | undefined;
  };
}

const lines: readonly Line[] = [
  { name: "all files", query: {} },
  { name: "totals only", query: { totalsOnly: true } },
  { name: "under-replicated files (none)", query: { health: "under_replicated" } },
  { name: "files of 1 MiB or more (none)", query: { sizeMin: 2 ** 20 } },
  { name: "one directory in a hundred", query: { bucket: "files", prefix: "d007/" } },
];

const linesWithoutOne: readonly Line[] = [
  { name: "a DataNode down: under-replicated files (all)", query: { health: "under_replicated" } },
  { name: "a DataNode down: totals only", query: { totalsOnly: true } },
];

export async function benchState(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      files: { type: "string", default: "200000" },
      "fill-seconds": { type: "string", default: "90" },
      repeat: { type: "string", default: "5" },
      directory: { type: "string" },
      profile: { type: "string" },
      name: { type: "string", default: "state" },
      help: { type: "boolean", default: false },
    },
  });
  const { directory, profile, name, help } = values;
  const [files, fillSeconds, repeat] = [Number(values.files), Number(values["fill-seconds"]), Number(values.repeat)];
  if (help || !(files >= 1) || !(fillSeconds > 0) || !(repeat >= 1)) {
    process.stderr.write(usage);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  process.stdout.write(`${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}\n`);
  await using cluster = await BenchCluster.start({ parent: directory, profile });
  await using client = await cluster.connect();
  const stored = await fill(client, { files, deadline: Date.now() + fillSeconds * 1000 });
  await settled(client, stored);
  process.stdout.write(`\n${stored.toLocaleString("en")} files of ${content.length} bytes\n${head()}\n`);
  const [superNode, running] = [cluster.superNode.pid, cluster.dataNodes.map(({ pid }) => pid)];
  const results = await measureAll(client, { lines, stored, repeat, superNode, dataNodes: running });
  await cluster.dataNodes[2]?.stop();
  await nodeDown(client);
  const left = { superNode, dataNodes: running.slice(0, 2) };
  results.push(...(await measureAll(client, { lines: linesWithoutOne, stored, repeat, ...left })));
  const best = results[0]?.filesPerSecond ?? 0;
  process.stdout.write(
    `\nall files: ${Math.round(best).toLocaleString("en")}/s, aim ${aimPerSecond.toLocaleString("en")}\n`,
  );
  await writeResults(name, { benchmark: "state", startedAt, machine, files: stored, repeat, results });
}

/** @returns how many there are */
async function fill(client: QuorumFs, { files, deadline }: { files: number; deadline: number }): Promise<number> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < files && Date.now() < deadline) {
      const index = next++;
      const directory = `d${String(index % directories).padStart(3, "0")}`;
      await client.put(`files/${directory}/file-${String(index).padStart(7, "0")}.bin`, content);
      if (index % 10_000 === 0) process.stderr.write(`\r${index.toLocaleString("en")} files written `);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  process.stderr.write("\n");
  return next;
}

/** Until the third replicas have everything. */
async function settled(client: QuorumFs, files: number): Promise<void> {
  await until("all files have all their copies", async () => {
    const totals = await client.state({ totalsOnly: true }).totals();
    return totals.files === files && totals.underReplicated === 0;
  });
}

async function nodeDown(client: QuorumFs): Promise<void> {
  await until("a DataNode is down", async () => (await client.nodes()).some(({ state }) => state === "down"));
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + settleTimeoutMs; !(await isSo());) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, settlePollMs));
  }
}

async function measureAll(
  client: QuorumFs,
  options: Processes & { readonly lines: readonly Line[]; readonly stored: number; readonly repeat: number },
): Promise<LineResult[]> {
  const { lines: some, repeat } = options;
  const results: LineResult[] = [];
  for (const { name, query } of some) {
    const runs: LineResult[] = [];
    for (let run = 0; run < repeat; run += 1) runs.push(await measure(client, { ...options, name, query }));
    const median = runs.sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)];
    if (!median) continue;
    process.stdout.write(`${lineText(median)}\n`);
    results.push(median);
  }
  return results;
}

async function measure(
  client: QuorumFs,
  { name, query, stored, superNode, dataNodes }: Processes & Line & { readonly stored: number },
): Promise<LineResult> {
  const running = client.state(query);
  const before = { superNode: cpuMicroseconds([superNode]), dataNodes: cpuMicroseconds(dataNodes) };
  const ownBefore = process.cpuUsage();
  const startedMs = performance.now();
  let told = 0;
  for await (const _file of running) told += 1;
  const seconds = (performance.now() - startedMs) / 1000;
  const own = process.cpuUsage(ownBefore);
  const looked = query.prefix === undefined ? stored : told;
  const perFile = (after: number | undefined, earlier: number | undefined): number | undefined =>
    after === undefined || earlier === undefined ? undefined : (after - earlier) / looked;
  const superNodeCost = perFile(cpuMicroseconds([superNode]), before.superNode);
  const dataNodesCost = perFile(cpuMicroseconds(dataNodes), before.dataNodes);
  const clientCost = (own.user + own.system) / looked;
  checkTotals(running.summary, query, told);
  return {
    name,
    filesTold: told,
    seconds,
    filesPerSecond: looked / seconds,
    cpuMicrosecondsPerFile: {
      client: clientCost,
      superNode: superNodeCost,
      eachDataNode: dataNodesCost === undefined ? undefined : dataNodesCost / dataNodes.length,
      all:
        superNodeCost === undefined || dataNodesCost === undefined
          ? undefined
          : clientCost + superNodeCost + dataNodesCost,
    },
  };
}

function checkTotals(summary: StateSummary | undefined, { totalsOnly = false }: StateOptions, told: number): void {
  if (!summary || (!totalsOnly && summary.files !== told)) throw new Error("the summary does not fit the files");
}

function head(): string {
  return ["".padEnd(48), "told", "seconds", "files/s", "µs client", "SuperNode", "DataNode", "all"]
    .map((word, index) => (index === 0 ? word : word.padStart(10)))
    .join("");
}

function lineText({ name, filesTold, seconds, filesPerSecond, cpuMicrosecondsPerFile: cpu }: LineResult): string {
  const microseconds = [cpu.client, cpu.superNode, cpu.eachDataNode, cpu.all].map((value) => value?.toFixed(2) ?? "-");
  const figures = [filesTold.toLocaleString("en"), seconds.toFixed(3), Math.round(filesPerSecond).toLocaleString("en")];
  return name.padEnd(48) + [...figures, ...microseconds].map((text) => text.padStart(10)).join("");
}
