import Table from "cli-table3";
import { formatBytes } from "@quorumfs/runtime";
import { formatTimeline } from "../history/timeline.js";
import type { LatencySummary } from "../measure/latency.js";
import { formatCount, formatMs, formatSeconds } from "./figures.js";
import type { Report, Verification } from "./report.js";

/** The results for people. */
export function reportAsTable(report: Report): string {
  return [
    headline(report),
    latencyTable(report),
    ...(report.kinds.length > 2 ? [kindTable(report)] : []),
    ...pauseLines(report),
    ...errorLines(report),
    ...(report.verification ? [verificationLines(report.verification)] : []),
    "",
  ].join("\n");
}

function headline(report: Report): string {
  const { config } = report;
  const all = report.groups.at(-1);
  const sizes = [config.size.minBytes, config.size.maxBytes].map(formatBytes);
  const size = sizes[0] === sizes[1] ? sizes[0] : sizes.join(" to ");
  const what = config.mode === "state-query" ? "state queries" : `${(config.readRatio * 100).toFixed(0)} % reads`;
  const processes = config.processes === 1 ? "" : ` from ${config.processes} processes`;
  return [
    `${config.mode}: ${what}, ${formatCount(config.files)} files of ${size}, ${config.distribution}, ` +
      `${config.concurrency} in flight${processes}, seed ${config.seed}`,
    `${formatCount(all?.latency.count ?? 0)} operations in ${formatSeconds(report.elapsedMs)}` +
      `${report.complete ? "" : " (stopped early)"}: ` +
      `${formatCount(all?.operationsPerSecond ?? 0)} operations/s, ${formatBytes(Math.round(report.bytesPerSecond))}/s`,
  ].join("\n");
}

const columns = ["per s", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"];

function latencyTable({ groups, config }: Report): string {
  const table = plainTable(["latency in ms", ...columns]);
  for (const group of groups) {
    table.push([group.name, formatCount(group.operationsPerSecond), group.latency].flatMap(cellsOf));
    if (group.corrected) table.push([`${group.name} *`, "", group.corrected].flatMap(cellsOf));
  }
  const rate = config.ratePerSecond;
  if (rate === undefined) return table.toString();
  return `${table.toString()}\n* from when each should have started, at ${formatCount(rate)} operations/s`;
}

function cellsOf(cell: string | LatencySummary): string[] {
  return typeof cell === "string" ? [cell] : figures(cell);
}

function figures({ meanMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs }: LatencySummary): string[] {
  return [meanMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs].map(formatMs);
}

function kindTable({ kinds }: Report): string {
  const table = plainTable(["operation", "count", "missed", "failed", "p50", "p99", "max"]);
  for (const { name, missed, failed, latency } of kinds) {
    const counts = [latency.count, missed, failed].map(formatCount);
    table.push([name, ...counts, ...[latency.p50Ms, latency.p99Ms, latency.maxMs].map(formatMs)]);
  }
  return table.toString();
}

function plainTable(head: string[]): Table.Table {
  const colAligns = head.map((_, index) => (index === 0 ? ("left" as const) : ("right" as const)));
  return new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
}

function pauseLines({ longestPause: pause }: Report): string[] {
  if (!pause) return [];
  const length = formatMs(pause.toMs - pause.fromMs);
  return [`longest time without an answer: ${length} ms, after ${formatSeconds(pause.fromMs)}`];
}

function errorLines({ errors, groups }: Report): string[] {
  const failed = groups.at(-1)?.failed ?? 0;
  const codes = Object.entries(errors).map(([code, { count, example }]) => {
    return `  ${code} ${formatCount(count)}: ${example}${count > 1 ? ", and the like" : ""}`;
  });
  return [`failed operations: ${formatCount(failed)}`, ...codes];
}

function verificationLines({ verdict, operations, files, unknown, tookMs }: Verification): string {
  const checked =
    `${formatCount(operations)} operations on ${formatCount(files)} files, ${formatCount(unknown)} with unknown outcome, ` +
    `checked in ${formatSeconds(tookMs)}`;
  if (verdict.ok) return `linearizable: yes (${checked})`;
  return [
    `linearizable: NO (${checked})`,
    "",
    `Operations on ${verdict.file} that contradict each other, times in ms:`,
    formatTimeline(verdict.minimal),
  ].join("\n");
}
