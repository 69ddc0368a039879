import type { BenchCluster } from "./bench-cluster.js";
import { sleep } from "./load.js";
import { type ResidentMemory, residentMemory } from "./proc.js";
import { inParallel } from "./scenarios.js";

export interface ProcessMemory {
  readonly process: string;
  readonly memory: ResidentMemory | undefined;
}

/** Idle: nobody has asked for anything yet. */
const settleMs = 3_000;

export async function idleMemory(cluster: BenchCluster): Promise<readonly ProcessMemory[]> {
  await sleep(settleMs);
  return cluster.servers.map(({ name, pid }) => ({ process: name, memory: residentMemory(pid) }));
}

export interface MillionResult {
  readonly files: number;
  readonly contentBytes: number;
  readonly tookMs: number;
  readonly before: readonly ProcessMemory[];
  readonly after: readonly ProcessMemory[];
}

export const million = 1_000_000;
const smallBytes = 100;

/** Stores many small files and compares what the servers keep in memory before and after. */
export async function fillWithSmallFiles(
  cluster: BenchCluster,
  files: number,
  progress: (done: number) => void,
): Promise<MillionResult> {
  const before = await idleMemory(cluster);
  await using client = await cluster.connect();
  const content = new Uint8Array(smallBytes).fill(0x71);
  const startedAt = performance.now();
  await inParallel(files, async (index) => {
    await client.put(`files/million/${String(index % 1000).padStart(3, "0")}/${index}`, content);
    if (index % 10_000 === 0) progress(index);
  });
  const tookMs = performance.now() - startedAt;
  return { files, contentBytes: smallBytes, tookMs, before, after: await idleMemory(cluster) };
}
