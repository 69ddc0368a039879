import type { MutationOutcome, Operation, OperationCondition, ReadOutcome } from "./operation.js";

const barColumns = 32;
const valueCharactersMax = 40;

/**
 * A few operations as lines of text, in order of start: when, who, a bar that shows what overlapped with what, what was
 * asked and what came of it. Times count from the first start.
 */
export function formatTimeline(operations: readonly Operation[]): string {
  const ordered = operations.toSorted((a, b) => a.startedAt - b.startedAt);
  const origin = ordered[0]?.startedAt ?? 0;
  const ends = ordered.filter(({ outcome }) => outcome.kind !== "unknown").map(({ endedAt }) => endedAt);
  const span = Math.max(...ends, ...ordered.map(({ startedAt }) => startedAt)) - origin;
  const rows = ordered.map((operation) => [
    (operation.startedAt - origin).toFixed(3),
    operation.outcome.kind === "unknown" ? "?" : (operation.endedAt - origin).toFixed(3),
    operation.client,
    bar(operation, origin, span),
    formatRequest(operation),
    formatOutcome(operation.outcome),
  ]);
  return table([["start", "end", "client", "", "operation", "outcome"], ...rows]);
}

function bar(operation: Operation, origin: number, span: number): string {
  const column = (time: number): number =>
    span === 0 ? 0 : Math.min(barColumns - 1, Math.max(0, Math.round(((time - origin) / span) * (barColumns - 1))));
  const from = column(operation.startedAt);
  const before = " ".repeat(from);
  if (operation.outcome.kind === "unknown") return `${before}├${"┄".repeat(barColumns - 1 - from)}`;
  const to = column(operation.endedAt);
  if (to === from) return `${before}│`.padEnd(barColumns);
  return `${before}├${"─".repeat(to - from - 1)}┤`.padEnd(barColumns);
}

function formatRequest(operation: Operation): string {
  if (operation.kind === "read") return "read";
  const what = operation.kind === "write" ? `write ${quote(operation.value)}` : "delete";
  return operation.condition ? `${what} ${formatCondition(operation.condition)}` : what;
}

function formatCondition(condition: OperationCondition): string {
  switch (condition.kind) {
    case "absent":
      return "if absent";
    case "version":
      return `if version ${condition.version}`;
    case "value":
      return `if content is ${quote(condition.value)}`;
  }
}

function formatOutcome(outcome: ReadOutcome | MutationOutcome): string {
  switch (outcome.kind) {
    case "found":
      return quote(outcome.value) + formatVersion(outcome.version);
    case "absent":
      return "absent";
    case "done":
      return `done${formatVersion(outcome.version)}`;
    case "condition_failed":
      return `condition failed${outcome.currentVersion === 0 ? ", absent" : formatVersion(outcome.currentVersion)}`;
    case "failed":
      return "failed";
    case "unknown":
      return "unknown";
  }
}

function formatVersion(version: number | undefined): string {
  return version === undefined ? "" : `, version ${version}`;
}

function quote(value: string): string {
  return JSON.stringify(value.length > valueCharactersMax ? `${value.slice(0, valueCharactersMax - 1)}…` : value);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const numeric = 2;
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < numeric ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
