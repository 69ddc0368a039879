import { open, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { QuorumError } from "@quorumfs/core";
import { type PlotLibrary, reportAsHtml } from "../report/html.js";
import type { WorkloadResult } from "../run/workload.js";

/** Writes the results as a page. */
export async function writePage(path: string, { report, plots }: WorkloadResult): Promise<void> {
  await writeFile(path, reportAsHtml(report, plots, await plotLibrary()));
}

/** What a page with plots carries inside. */
export async function plotLibrary(): Promise<PlotLibrary> {
  const { resolve } = createRequire(import.meta.url);
  const [script, style] = await Promise.all([
    readFile(resolve("uplot/dist/uPlot.iife.min.js"), "utf8"),
    readFile(resolve("uplot/dist/uPlot.min.css"), "utf8"),
  ]);
  return { script, style };
}

/**
 * Finds out before a run whether its page can be written after it.
 *
 * @throws QuorumError `invalid_argument`
 */
export async function requireWritable(path: string): Promise<void> {
  try {
    // Opened for appending: what is there stays until there is something better.
    await (await open(path, "a")).close();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QuorumError({ code: "invalid_argument", message: `cannot write --report ${path}: ${reason}`, cause });
  }
}
