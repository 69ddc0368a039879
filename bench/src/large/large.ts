/** What the smallest real cluster does with large files. */
import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { parseArgs } from "node:util";
import { BenchCluster } from "../bench-cluster.js";
import { sleep } from "../load.js";
import { describeMachine } from "../machine.js";
import { idleMemory, type ProcessMemory } from "../memory.js";
import { cpuMicroseconds, residentMemory } from "../proc.js";
import { writeResults } from "../results-file.js";
import { ClientProcess } from "./client-process.js";
import { type DiskRate, diskRate } from "./disk-rate.js";
import { PeakMemory } from "./peak-memory.js";
import { aimLines, head, type LargeResults, type Line, lineText, replicas } from "./report.js";
import type { FilesTask, Task } from "./tasks.js";

const usage = `pnpm bench large [options]

Starts a SuperNode and three DataNodes as processes, and a client as one more; transfers large files up and down, and
compares with the aims and with what the disk takes.

  --sizes A,B,...      MiB of a file (default 256,2048)
  --in-flight A,B,...  files at once (default 1,4)
  --small-files N      files of 1 MiB (default 1000; 0: none)
  --only TEXT          only the lines whose name contains this; downloads need their uploads
  --directory DIR      where the data goes meanwhile (default: the system's temporary directory)
  --profile DIR        write CPU profiles of all processes there
  --name NAME          write bench/results/NAME.json (default: large)
`;

const mebi = 2 ** 20;
const gibi = 2 ** 30;
const diskRateBytes = gibi;
const smallFileBytes = mebi;
const smallFilesInFlight = 16;
const appendBytes = 4 * mebi;
const appends = 32;
const firstBytes = 100;
const warmUpBytes = 64 * mebi;
const settleMs = 1_000;

export async function benchLarge(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: "string", default: "256,2048" },
      "in-flight": { type: "string", default: "1,4" },
      "small-files": { type: "string", default: "1000" },
      only: { type: "string", default: "" },
      directory: { type: "string" },
      profile: { type: "string" },
      name: { type: "string", default: "large" },
      help: { type: "boolean", default: false },
    },
  });
  const sizes = values.sizes.split(",").map((size) => Number(size) * mebi);
  const inFlights = values["in-flight"].split(",").map(Number);
  const smallFiles = Number(values["small-files"]);
  if (values.help || ![...sizes, ...inFlights].every(isPositive) || !(smallFiles >= 0)) {
    process.stderr.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const results = await run({
    sizes,
    inFlights,
    smallFiles,
    only: values.only,
    directory: values.directory,
    profile: values.profile,
  });
  process.stdout.write(`\n${aimLines(results).join("\n")}\n`);
  await writeResults(values.name, results);
}

function isPositive(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

interface RunOptions {
  readonly sizes: readonly number[];
  readonly inFlights: readonly number[];
  readonly smallFiles: number;
  readonly only: string;
  readonly directory: string | undefined;
  readonly profile: string | undefined;
}

async function run({ sizes, inFlights, smallFiles, only, directory, profile }: RunOptions): Promise<LargeResults> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  process.stdout.write(
    `${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}\n\n${head()}\n`,
  );
  const lines: Line[] = [];
  const disk: DiskRate[] = [];
  let idle: readonly ProcessMemory[] = [];
  // A cluster of its own for each size: what one has stored does not weigh on the next, on disk and in memory.
  for (const work of [...sizes.map((bytes) => sizeLines(bytes, inFlights)), otherLines(smallFiles)]) {
    const wanted = work.filter(({ name }) => name.includes(only));
    if (wanted.length === 0) continue;
    await using cluster = await BenchCluster.start({ parent: directory, profile });
    disk.push(await diskRate(cluster.directory, diskRateBytes));
    await checkRoom(cluster.directory, wanted);
    await using bench = await Bench.start(cluster, profile);
    ({ idle } = bench);
    for (const { name, direction, task } of wanted) {
      const line = await bench.measure(name, direction, task);
      process.stdout.write(`${lineText(line)}\n`);
      lines.push(line);
    }
    disk.push(await diskRate(cluster.directory, diskRateBytes));
  }
  const cluster = "1 SuperNode, 3 DataNodes, N/R/W 3/2/2, fsync; one client process; all on one machine";
  return { benchmark: "large", startedAt, machine, cluster, disk, idle, lines };
}

interface Work {
  readonly name: string;
  readonly direction: Line["direction"];
  readonly task: Exclude<Task, { kind: "connect" }>;
}

function sizeLines(bytes: number, inFlights: readonly number[]): readonly Work[] {
  const size = bytes >= gibi ? `${bytes / gibi} GiB` : `${bytes / mebi} MiB`;
  const lines = inFlights.flatMap((inFlight) => {
    const names = Array.from({ length: inFlight }, (_, index) => `files/${bytes}/${inFlight}/${index}`);
    const task = { names, bytes, inFlight };
    const files = `${inFlight} × ${size}`;
    return [
      { name: `up, ${files}`, direction: "up", task: { kind: "upload", ...task } },
      { name: `down, ${files}`, direction: "down", task: { kind: "download", ...task } },
    ] satisfies Work[];
  });
  const name = `files/${bytes}/${inFlights[0]}/0`;
  return [
    ...lines,
    {
      name: `first byte, ${size}`,
      direction: "first byte",
      task: { kind: "firstByte", name, bytes, times: firstBytes },
    },
  ];
}

function otherLines(smallFiles: number): readonly Work[] {
  const names = Array.from({ length: smallFiles }, (_, index) => `files/small/${index}`);
  const task: Omit<FilesTask, "kind"> = { names, bytes: smallFileBytes, inFlight: smallFilesInFlight };
  const files = `${smallFiles} files of 1 MiB, ${smallFilesInFlight} at a time`;
  const small: readonly Work[] = [
    { name: `up, ${files}`, direction: "up", task: { kind: "upload", ...task } },
    { name: `down, ${files}`, direction: "down", task: { kind: "download", ...task } },
  ];
  return [
    ...(smallFiles > 0 ? small : []),
    {
      name: `append, ${appends} × ${appendBytes / mebi} MiB`,
      direction: "up",
      task: { kind: "append", name: "files/appended", bytes: appendBytes, times: appends },
    },
  ];
}

/** Fails before anything is written where the disk would run full. */
async function checkRoom(directory: string, work: readonly Work[]): Promise<void> {
  const needed = work.reduce((sum, { task }) => sum + (task.kind === "upload" ? bytesOf(task) : 0), 0) * replicas;
  const { bavail, bsize, blocks } = await statfs(directory);
  // DataNodes keep 5 % free.
  const free = (bavail - blocks / 20) * bsize;
  if (free < needed + gibi)
    throw new Error(`needs ${Math.ceil(needed / gibi) + 1} GiB of free disk beside 5 %; try --sizes`);
}

function bytesOf(task: Work["task"]): number {
  return task.bytes * ("names" in task ? task.names.length : task.times);
}

/** A cluster, a client, and what they are like when nobody asks for anything. */
class Bench implements AsyncDisposable {
  readonly #cluster: BenchCluster;
  readonly #client: ClientProcess;
  readonly idle: readonly ProcessMemory[];

  private constructor(cluster: BenchCluster, client: ClientProcess, idle: readonly ProcessMemory[]) {
    this.#cluster = cluster;
    this.#client = client;
    this.idle = idle;
  }

  static async start(cluster: BenchCluster, profile: string | undefined): Promise<Bench> {
    const client = await ClientProcess.start(cluster.superNode.address, profile);
    const servers = await idleMemory(cluster);
    const idle = [{ process: client.name, memory: residentMemory(client.pid) }, ...servers];
    const bench = new Bench(cluster, client, idle);
    const names = ["files/warm-up"];
    await client.run({ kind: "upload", names, bytes: warmUpBytes, inFlight: 1 });
    await client.run({ kind: "download", names, bytes: warmUpBytes, inFlight: 1 });
    return bench;
  }

  async measure(name: string, direction: Line["direction"], task: Work["task"]): Promise<Line> {
    await sleep(settleMs);
    const { servers, dataNodes, superNode } = this.#cluster;
    const memory = new PeakMemory([this.#client, ...dataNodes, superNode]);
    const cpu = this.#cpu(servers.map(({ pid }) => pid));
    const { elapsedMs, bytes, latenciesMs } = await this.#client.run(task);
    const cpuAfter = this.#cpu(servers.map(({ pid }) => pid));
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    const perGiB = (before: number | undefined, after: number | undefined) =>
      before === undefined || after === undefined ? undefined : (after - before) / 1e6 / (bytes / gibi);
    return {
      name,
      direction,
      files: latenciesMs.length,
      fileBytes: task.bytes,
      inFlight: "inFlight" in task ? task.inFlight : 1,
      bytes,
      elapsedMs,
      bytesPerSecond: (bytes * 1000) / elapsedMs,
      p50Ms: at(sorted, 0.5),
      p95Ms: at(sorted, 0.95),
      clientCpuPerGiB: perGiB(cpu.client, cpuAfter.client),
      serversCpuPerGiB: perGiB(cpu.servers, cpuAfter.servers),
      peakBeyondIdleBytes: this.#beyondIdle(memory.end()),
      cached: bytesOf(task) * replicas <= totalmem() / 2,
    };
  }

  #cpu(servers: readonly number[]) {
    return { client: cpuMicroseconds([this.#client.pid]), servers: cpuMicroseconds(servers) };
  }

  #beyondIdle(peaks: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    const beyond = Object.entries(peaks).map(([name, bytes]) => {
      const idle = this.idle.find(({ process }) => process === name)?.memory?.totalBytes ?? 0;
      return [name, Math.max(0, bytes - idle)];
    });
    return Object.fromEntries(beyond) as Record<string, number>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

function at(sorted: readonly number[], fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
}
