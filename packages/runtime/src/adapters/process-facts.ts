import { readdirSync, readFileSync } from "node:fs";

/** What this process runs on. */
export interface ProcessFacts {
  /** Of Node.js: `v22.11.0`. */
  readonly runtimeVersion: string;
  /** File descriptors in use, and how many there may be. 0: the system does not tell. */
  readonly filesOpen: number;
  readonly filesMax: number;
}

export function processFacts(): ProcessFacts {
  return { runtimeVersion: process.version, filesOpen: filesOpen(), filesMax: filesMax() };
}

/** Linux tells below /proc, others do not. */
function filesOpen(): number {
  try {
    // One of them is that of the listing itself.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return 0;
  }
}

function filesMax(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
