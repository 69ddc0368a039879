import type { Histogram } from "hdr-histogram-js";
import type { WorkloadConfig } from "../config.js";
import type { Verdict } from "../history/check.js";
import { latencyHistogram, type LatencySummary, summarize } from "../measure/latency.js";
import type { Failures, KindMeasurements, Measurements } from "../measure/measurements.js";
import { longestPause, type Pause } from "../measure/pauses.js";
import { isWrite, type OperationKind, operationKinds } from "../plan/mix.js";

/** Operations of one sort, as a line of the results. */
export interface GroupReport {
  /** `reads`, `writes`, `all`, or a kind of operation. */
  readonly name: string;
  readonly operationsPerSecond: number;
  /** Answered in the negative: no such file, condition not met. Part of `latency.count`. */
  readonly missed: number;
  readonly failed: number;
  /** From start to answer. */
  readonly latency: LatencySummary;
  /** From when it should have started; set if the run had a rate. */
  readonly corrected: LatencySummary | undefined;
}

export interface Verification {
  readonly verdict: Verdict;
  readonly operations: number;
  readonly files: number;
  /** Mutations whose outcome nobody learned. */
  readonly unknown: number;
  readonly tookMs: number;
}

/** Everything that a run has to say; tables, files and pages are made of this. */
export interface Report {
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly runId: string;
  readonly config: WorkloadConfig;
  /** False if it was stopped by hand. */
  readonly complete: boolean;
  readonly elapsedMs: number;
  readonly bytesPerSecond: number;
  /** Reads and writes, as far as there are any, and all. */
  readonly groups: readonly GroupReport[];
  readonly kinds: readonly GroupReport[];
  /** By code. */
  readonly errors: Readonly<Record<string, Failures>>;
  readonly longestPause: Pause | undefined;
  readonly verification: Verification | undefined;
}

export interface ReportOptions {
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly runId: string;
  readonly config: WorkloadConfig;
  readonly complete: boolean;
  readonly measurements: Measurements;
  readonly verification: Verification | undefined;
}

export function makeReport(options: ReportOptions): Report {
  const { measurements, config, ...rest } = options;
  const elapsedMs = measurements.endedMs;
  const kinds = operationKinds.filter((kind) => measurements.kinds.has(kind));
  const group = (name: string, members: readonly OperationKind[]): GroupReport => {
    const parts = partsOf(measurements, members);
    const latency = summarize(sumOf(parts.map((part) => part.latency)));
    return {
      name,
      operationsPerSecond: perSecond(latency.count, elapsedMs),
      missed: parts.reduce((sum, part) => sum + part.missed, 0),
      failed: parts.reduce((sum, part) => sum + part.failed, 0),
      latency,
      corrected: config.ratePerSecond === undefined ? undefined : summarize(sumOf(parts.map((part) => part.corrected))),
    };
  };
  return {
    ...rest,
    config,
    elapsedMs,
    bytesPerSecond: perSecond(measurements.bytes, elapsedMs),
    groups: groupsOf(kinds).map(([name, members]) => group(name, members)),
    kinds: kinds.map((kind) => group(kind, [kind])),
    errors: Object.fromEntries([...measurements.errors].sort(([a], [b]) => a.localeCompare(b))),
    longestPause: longestPause(measurements.pauses),
  };
}

/** Latencies of reads, writes and all, for plots. */
export function groupLatencies(measurements: Measurements): readonly { name: string; latency: Histogram }[] {
  return groupsOf([...measurements.kinds.keys()]).map(([name, members]) => {
    return { name, latency: sumOf(partsOf(measurements, members).map(({ latency }) => latency)) };
  });
}

function groupsOf(kinds: readonly OperationKind[]): readonly (readonly [string, readonly OperationKind[]])[] {
  const reads = kinds.filter((kind) => !isWrite(kind));
  const writes = kinds.filter((kind) => isWrite(kind));
  const groups = [["reads", reads] as const, ["writes", writes] as const].filter(([, members]) => members.length > 0);
  return [...groups, ["all", kinds]];
}

function partsOf(measurements: Measurements, members: readonly OperationKind[]): readonly KindMeasurements[] {
  return [...measurements.kinds].filter(([kind]) => members.includes(kind)).map(([, of]) => of);
}

function sumOf(histograms: readonly Histogram[]): Histogram {
  const sum = latencyHistogram();
  for (const histogram of histograms) sum.add(histogram);
  return sum;
}

function perSecond(count: number, elapsedMs: number): number {
  return elapsedMs === 0 ? 0 : (count * 1000) / elapsedMs;
}
