import { formatTable } from "./columns.js";
import type { FaultRow, NemesisReport } from "./report.js";

const count = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** The results for people. */
export function reportAsTable(report: NemesisReport): string {
  const { verification, violations, answered, failures, skipped, config } = report;
  const failed = Object.values(failures).reduce((sum, failure) => sum + failure.count, 0);
  return [
    `${seconds(report.elapsedMs)} with ${config.nodes} DataNodes at first, N=${config.replicas}, seed ${config.seed}` +
      (report.complete ? "" : "; stopped by hand, the final state was not looked at"),
    "",
    formatTable([...head], faultCells(report.rows)),
    "",
    `operations: ${count.format(answered)} answered, ${count.format(failed)} failed`,
    ...Object.entries(failures).map(
      ([code, { count: times, needsAll, example }]) =>
        `  ${count.format(times)} ${code}, ${count.format(needsAll)} of them where W = N, such as: ${example}`,
    ),
    `linearizable: ${verification.linearizable ? "yes" : "NO"} (${count.format(verification.operations)} operations on ` +
      `${verification.files} files, ${count.format(verification.unknown)} of unknown outcome, checked in ${seconds(verification.tookMs)})`,
    ...skipped.map(({ name, why }) => `left out: ${name}: ${why}`),
    ...troubles(report),
    violations.length === 0 ? "violations: 0" : `violations: ${violations.length}`,
    ...violations.map(({ kind, file, what }) => `  ${kind}: ${file === undefined ? "" : `${file}: `}${what}`),
    ...(verification.timeline === undefined ? [] : ["", verification.timeline]),
    ...(report.evidence === undefined ? [] : [`look at: ${report.evidence}`]),
    `again: ${report.command}`,
    "",
  ].join("\n");
}

/** The table of faults as docs/RELIABILITY.md shows it, with the run that it is of. */
export function reportAsMarkdown(report: NemesisReport): string {
  const { config, verification, answered, failures } = report;
  const sumOf = (of: "count" | "needsAll") => Object.values(failures).reduce((sum, failure) => sum + failure[of], 0);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `\`${report.command}\`, ${report.startedAt.slice(0, 10)}: ${seconds(report.elapsedMs)}, ${config.nodes} DataNodes at first, ` +
      `N=${config.replicas}; ${count.format(answered)} operations answered, ${count.format(sumOf("count"))} failed ` +
      `(${count.format(sumOf("needsAll"))} of them where W = N), ${count.format(verification.unknown)} of unknown outcome; ` +
      (verification.linearizable ? "linearizable" : "NOT linearizable") +
      `; ${report.violations.length} violations.`,
    "",
    line(head),
    line(head.map((_, column) => (column === 0 ? "---" : "---:"))),
    ...faultCells(report.rows).map(line),
    "",
  ].join("\n");
}

const head = [
  ...["fault", "injected", "lost", "stale", "corrupt", "double winners", "resurrected"],
  ...["failed operations", "longest pause", "slowest operation", "serves again", "in sync again"],
] as const;

function faultCells(rows: readonly FaultRow[]): readonly (readonly string[])[] {
  return rows.map(({ name, times, injected, violations, alone, together, serveMs, syncMs }) => {
    // Of what others did at the same time, nothing can be told apart.
    const met = alone ?? together;
    const mixed = alone === undefined && name !== "all" ? "≤ " : "";
    return [
      name,
      times === injected ? count.format(times) : `${count.format(injected)} in ${count.format(times)}`,
      ...[violations.lost, violations.stale, violations.corrupt].map(String),
      ...[violations["double-winner"], violations.resurrected].map(String),
      mixed + count.format(met.failed),
      mixed + seconds(met.silentMs),
      mixed + seconds(met.slowestMs),
      serveMs === undefined ? "" : seconds(serveMs),
      syncMs === undefined ? "" : seconds(syncMs),
    ];
  });
}

function troubles({ records }: NemesisReport): readonly string[] {
  return records.flatMap(({ what, trouble }) =>
    trouble === undefined ? [] : [`did not go as planned: ${what}: ${trouble}`],
  );
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
