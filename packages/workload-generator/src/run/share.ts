import type { WorkloadConfig } from "../config.js";

/** What one of the processes of a run has to do. */
export interface Share {
  readonly config: WorkloadConfig;
  /** 8 hexadecimal digits that no other run has. */
  readonly runId: string;
  /** 0, 1, 2, ... */
  readonly process: number;
}

export function operationsOf({ config, process }: Share): number {
  return config.operations === undefined ? Infinity : part(config.operations, process, config.processes);
}

export function concurrencyOf({ config, process }: Share): number {
  return part(config.concurrency, process, config.processes);
}

export function rateOf({ config }: Share): number | undefined {
  return config.ratePerSecond === undefined ? undefined : config.ratePerSecond / config.processes;
}

/** As even as whole numbers allow. */
function part(whole: number, index: number, parts: number): number {
  return Math.floor(whole / parts) + (index < whole % parts ? 1 : 0);
}
