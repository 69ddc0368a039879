/** What Linux tells about other processes. Elsewhere there is no /proc, and these figures are left out. */
import { readFileSync, writeFileSync } from "node:fs";

/** `getconf CLK_TCK` of every Linux that Node runs on. */
const microsecondsPerTick = 10_000;

/** CPU time, user and system, that the processes have used together. */
export function cpuMicroseconds(pids: readonly number[]): number | undefined {
  let sum = 0;
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    // The command's name stands in parentheses and may hold anything; fields 14 and 15 count from the front.
    const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (!fields) return undefined;
    sum += (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
  }
  return sum;
}

export interface ResidentMemory {
  readonly totalBytes: number;
  /** The process's own: heap, stacks, buffers. */
  readonly ownBytes: number;
  /** Pages of files, such as those of the store, which the kernel takes back when it needs them. */
  readonly fileBytes: number;
}

export function residentMemory(pid: number): ResidentMemory | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const bytes = (field: string): number => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return {
    totalBytes: bytes("VmRSS"),
    ownBytes: bytes("RssAnon"),
    fileBytes: bytes("RssFile") + bytes("RssShmem"),
  };
}

/** Forgets the most that a process has had; `false` where that is not allowed. */
export function restartPeakMemory(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    return true;
  } catch {
    return false;
  }
}

/** The most that a process has had resident since it began, or since {@link restartPeakMemory}. */
export function peakMemoryBytes(pid: number): number | undefined {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return peak === undefined ? undefined : 1024 * Number(peak);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
