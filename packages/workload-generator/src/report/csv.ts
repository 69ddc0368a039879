import type { LatencySummary } from "../measure/latency.js";
import type { Report } from "./report.js";

const latencyColumns = ["mean", "min", "p50", "p90", "p95", "p99", "p999", "max"] as const;

/** The results for spreadsheets: a line for each group and each kind of operation; latencies in milliseconds. */
export function reportAsCsv(report: Report): string {
  const head = [
    "group",
    "operations",
    "missed",
    "failed",
    "operations_per_s",
    ...latencyColumns.map((name) => `${name}_ms`),
    ...latencyColumns.map((name) => `corrected_${name}_ms`),
  ];
  const groups = [...report.groups, ...report.kinds].map((group) => [
    group.name,
    group.latency.count,
    group.missed,
    group.failed,
    group.operationsPerSecond.toFixed(1),
    ...figures(group.latency),
    ...figures(group.corrected),
  ]);
  return [head, ...groups].map((line) => `${line.join(",")}\n`).join("");
}

function figures(latency: LatencySummary | undefined): readonly (number | string)[] {
  if (!latency) return latencyColumns.map(() => "");
  const { meanMs, minMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs } = latency;
  return [meanMs, minMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs];
}
