import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { QuorumError } from "@quorumfs/core";
import { plotLibrary } from "@quorumfs/workload-generator";
import { reportAsHtml } from "../report/html.js";
import { reportAsMarkdown } from "../report/table.js";
import type { RunResult } from "../run.js";

export interface ReportPlaces {
  readonly reportDir: string | undefined;
  readonly markdown: string | undefined;
}

/**
 * Finds out before a run whether its results can be written after it.
 *
 * @throws QuorumError `invalid_argument`
 */
export async function requireReportDir({ reportDir }: ReportPlaces): Promise<void> {
  if (reportDir === undefined) return;
  try {
    await mkdir(reportDir, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({
      code: "invalid_argument",
      message: `cannot write to --report ${reportDir}: ${reason}`,
      cause,
    });
  }
}

export async function writeReport({ report, plots }: RunResult, { reportDir, markdown }: ReportPlaces): Promise<void> {
  if (markdown !== undefined) await writeMarkdown(markdown, reportAsMarkdown(report));
  if (reportDir === undefined) return;
  await writeFile(join(reportDir, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(join(reportDir, "report.html"), reportAsHtml(report, plots, await plotLibrary()));
}

/** Of a page that has these, only what is between them is replaced. */
const marks = { begin: "<!-- nemesis:begin -->", end: "<!-- nemesis:end -->" } as const;

async function writeMarkdown(path: string, table: string): Promise<void> {
  const page = await readFile(path, "utf8").catch(() => "");
  const [from, to] = [page.indexOf(marks.begin), page.indexOf(marks.end)];
  const text =
    from < 0 || to < from ? table : `${page.slice(0, from + marks.begin.length)}\n\n${table}\n${page.slice(to)}`;
  await writeFile(path, text);
}
