import {
  drive,
  latencyHistogram,
  type LatencySummary,
  machineClock,
  recordLatency,
  summarize,
} from "@quorumfs/workload-generator";
import { cpuMicroseconds } from "./proc.js";

/** Given to an operation while it runs. */
export interface Meter {
  /** Says that so much was done: 1, or some entries of a listing. */
  readonly count: (units: number) => void;
  /** Whether nobody measures any more: a long operation may end. */
  readonly stopped: boolean;
}

export interface LoadOptions {
  readonly inFlight: number;
  readonly operation: (meter: Meter) => Promise<void>;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** The servers, all of them. */
  readonly pids: readonly number[];
}

export interface LoadResult {
  readonly inFlight: number;
  /** Operations, or entries of listings. */
  readonly units: number;
  readonly unitsPerSecond: number;
  readonly failed: number;
  readonly latency: LatencySummary;
  /** CPU time of all servers together, and of this process, for each unit; undefined if nothing was done or nobody tells. */
  readonly serverMicroseconds: number | undefined;
  readonly clientMicroseconds: number | undefined;
}

/** Runs one operation over and over, so many at a time; measures what ends in the time after the warm-up. */
export async function measureLoad(options: LoadOptions): Promise<LoadResult> {
  const { inFlight, operation, warmUpMs, measureMs, pids } = options;
  const clock = machineClock();
  const histogram = latencyHistogram();
  let measuring = false;
  let units = 0;
  let failed = 0;
  const meter = {
    stopped: false,
    count: (done: number) => {
      if (measuring) units += done;
    },
  };
  const running = drive({
    next: () => operation,
    perform: async (perform) => {
      const startedAt = clock.nowMs();
      try {
        await perform(meter);
        if (measuring) recordLatency(histogram, clock.nowMs() - startedAt);
      } catch {
        if (measuring) failed += 1;
      }
    },
    concurrency: inFlight,
    ratePerSecond: undefined,
    durationMs: undefined,
    clock,
  });
  await sleep(warmUpMs);
  measuring = true;
  const startedAt = clock.nowMs();
  const serversBefore = cpuMicroseconds(pids);
  const ownBefore = process.cpuUsage();
  await sleep(measureMs);
  const own = process.cpuUsage(ownBefore);
  const serversAfter = cpuMicroseconds(pids);
  const elapsedMs = clock.nowMs() - startedAt;
  measuring = false;
  meter.stopped = true;
  running.stop();
  await running.ended;
  const servers = serversBefore === undefined || serversAfter === undefined ? undefined : serversAfter - serversBefore;
  return {
    inFlight,
    units,
    unitsPerSecond: (units * 1000) / elapsedMs,
    failed,
    latency: summarize(histogram),
    serverMicroseconds: servers === undefined || units === 0 ? undefined : servers / units,
    clientMicroseconds: units === 0 ? undefined : (own.user + own.system) / units,
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
