import type { Report } from "./report.js";

/** The results for programs, as one JSON object. */
export function reportAsJson(report: Report): string {
  const { startedAt, verification, ...rest } = report;
  const checked = verification && {
    linearizable: verification.verdict.ok,
    operations: verification.operations,
    files: verification.files,
    unknown: verification.unknown,
    tookMs: verification.tookMs,
    ...(verification.verdict.ok ? {} : { file: verification.verdict.file, minimal: verification.verdict.minimal }),
  };
  return `${JSON.stringify({ startedAt, ...rest, verification: checked }, undefined, 2)}\n`;
}
