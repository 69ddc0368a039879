import { once } from "node:events";
import { connect } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { type Running, silentLog, systemRandom } from "@quorumfs/runtime";
import { healthRoute, type HttpServing, Metrics, metricsRoute, processMetrics, serveHttp } from "@quorumfs/telemetry";
import type { Output, WorkloadConfig } from "../config.js";
import { workloadMetrics } from "../metrics.js";
import { reportAsCsv } from "../report/csv.js";
import { reportAsJson } from "../report/json.js";
import type { Report } from "../report/report.js";
import { reportAsTable } from "../report/table.js";
import { cleanUp } from "../run/clean-up.js";
import { FileSpace } from "../run/file-space.js";
import type { Share } from "../run/share.js";
import { Workload } from "../run/workload.js";
import { ForkedSession } from "./forked-session.js";
import { localSession } from "./local-session.js";
import { machineClock } from "./machine-clock.js";
import { showProgress } from "./progress-display.js";
import { requireWritable, writePage } from "./write-page.js";

/** Starts a run that prints its results when it ends, or when it is closed. */
export function startWorkload(config: WorkloadConfig, version: string): Running {
  const runId = Buffer.from(systemRandom().bytes(4)).toString("hex");
  const clock = machineClock();
  const shares = Array.from({ length: config.processes }, (_, process): Share => ({ config, runId, process }));
  const workload = new Workload({
    config,
    runId,
    version,
    clock,
    startedAt: new Date(clock.wallMs()).toISOString(),
    sessions: shares.map((share) => (config.processes === 1 ? localSession(share) : new ForkedSession(share))),
  });
  const page = config.metrics && openMetricsPage(config, workload, version);
  const hideProgress = showProgress({ config, progress: () => workload.progress, clock });
  let stopped = false;
  let settled = false;

  async function run(): Promise<void> {
    let result;
    try {
      if (config.report !== undefined) await requireWritable(config.report);
      await page;
      result = await workload.run();
    } finally {
      hideProgress();
      await page?.then((serving) => serving.close()).catch(() => undefined);
    }
    if (result) {
      await print(formatReport(result.report, config.output));
      if (config.report !== undefined) await writePage(config.report, result);
      requireLinearizable(result.report);
    }
    await leaveTidy(config, new FileSpace({ bucket: config.bucket, runId, files: config.files }), stopped);
  }

  const ended = run().finally(() => {
    settled = true;
  });
  // Whoever closes it hears of a failure there; before that nobody may be listening.
  ended.catch(() => undefined);
  return {
    ended,
    close: async () => {
      if (settled) return;
      stopped = true;
      workload.stop();
      await ended;
      throw new QuorumError({ code: "cancelled", message: "stopped by a signal" });
    },
  };
}

async function openMetricsPage(config: WorkloadConfig, workload: Workload, version: string): Promise<HttpServing> {
  const metrics = new Metrics();
  processMetrics(metrics, { process: "quorumfs-workload", version });
  workloadMetrics(metrics, () => ({ config, live: workload.live, progress: workload.progress }));
  const { host, port } = config.metrics ?? { host: "127.0.0.1", port: 0 };
  const serving = await serveHttp({
    host,
    port,
    routes: { "/metrics": metricsRoute(() => [metrics]), "/healthz": healthRoute(() => "serving") },
    log: silentLog,
  });
  const url = `${serving.url}/metrics`;
  if (config.progress === "json") process.stderr.write(`${JSON.stringify({ metrics: url })}\n`);
  else process.stderr.write(`metrics: ${url}\n`);
  return serving;
}

function formatReport(report: Report, output: Output): string {
  switch (output) {
    case "table":
      return reportAsTable(report);
    case "json":
      return reportAsJson(report);
    case "csv":
      return reportAsCsv(report);
  }
}

/** Waits until a pipe has taken it: the process ends soon after. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

function requireLinearizable({ verification, config, runId }: Report): void {
  if (!verification || verification.verdict.ok) return;
  throw new QuorumError({
    code: "internal",
    message: `the history is not linearizable; the files were left under ${config.bucket}/workload/${runId}`,
  });
}

/** Who stops a run by hand does not want to wait for thousands of deletes; and what was measured stands without them. */
async function leaveTidy(config: WorkloadConfig, files: FileSpace, stopped: boolean): Promise<void> {
  const left = `files left: quorumfs rm -r ${files.bucket}/${files.prefix} deletes them\n`;
  if (config.keep || stopped) {
    process.stderr.write(left);
    return;
  }
  try {
    await using target = await connect({ endpoints: config.endpoints });
    const missed = await cleanUp({ target, files, timeoutMs: config.timeoutMs, clock: machineClock() });
    if (missed > 0) process.stderr.write(`${missed} ${left}`);
  } catch (thrown) {
    process.stderr.write(`${QuorumError.from(thrown).message}; ${left}`);
  }
}
