/** Every metric of a run of the workload generator, read at each scrape from what its processes have counted. */
import type { HistogramSample, Metrics, Sample } from "@quorumfs/telemetry";
import { latencySecondsBounds, latencySecondsCounts } from "@quorumfs/telemetry";
import type { WorkloadConfig } from "./config.js";
import type { LiveSnapshot } from "./measure/live-counts.js";
import type { SessionProgress } from "./run/session.js";

/** What of a run is asked at a scrape. */
export interface WorkloadSources {
  readonly config: Pick<WorkloadConfig, "mode" | "distribution" | "concurrency" | "ratePerSecond">;
  readonly live: LiveSnapshot;
  readonly progress: SessionProgress;
}

/** Declares them all. @param sources undefined: there is no run yet */
export function workloadMetrics(metrics: Metrics, sources: () => WorkloadSources | undefined): void {
  const from = <Read>(read: (sources: WorkloadSources) => Read) => {
    return (): Read | undefined => {
      const now = sources();
      return now && read(now);
    };
  };
  metrics.gauge({
    name: "quorumfs_workload_operations_total",
    type: "counter",
    help: "Operations that have ended: answered (also in the negative), or failed.",
    labels: ["kind", "outcome"],
    read: from(({ live }) =>
      live.kinds.flatMap(({ kind, answered, failed }): Sample[] => [
        { labels: { kind, outcome: "answered" }, value: answered },
        { labels: { kind, outcome: "failed" }, value: failed },
      ]),
    ),
  });
  metrics.histogram({
    name: "quorumfs_workload_operation_seconds",
    help: "How long answered operations took, as the client sees it; with a rate, from when they should have started.",
    labels: ["kind"],
    bounds: latencySecondsBounds,
    read: () =>
      (sources()?.live.kinds ?? []).map(({ kind, latencies, seconds }): HistogramSample => {
        return { labels: { kind }, counts: latencySecondsCounts(latencies), sum: seconds };
      }),
  });
  metrics.gauge({
    name: "quorumfs_workload_content_bytes_total",
    type: "counter",
    help: "Bytes of content that were written and read.",
    read: from(({ live }) => live.bytes),
  });
  metrics.gauge({
    name: "quorumfs_workload_in_flight",
    help: "Operations under way.",
    read: from(({ live }) => live.inFlight),
  });
  metrics.gauge({
    name: "quorumfs_workload_in_flight_limit",
    help: "Operations that may be under way at once.",
    read: from(({ config }) => config.concurrency),
  });
  metrics.gauge({
    name: "quorumfs_workload_target_rate",
    help: "Operations a second that are to be started; absent: as many as are answered.",
    read: from(({ config }) => config.ratePerSecond),
  });
  metrics.gauge({
    name: "quorumfs_workload_run_info",
    help: "Always 1: what the run does, and whether it prepares its files or runs.",
    labels: ["mode", "distribution", "phase"],
    read: from(({ config: { mode, distribution }, progress: { phase } }) => [
      { labels: { mode, distribution, phase }, value: 1 },
    ]),
  });
  metrics.gauge({
    name: "quorumfs_workload_progress",
    help: "Files written while it prepares; operations ended while it runs.",
    read: from(({ progress }) => progress.done),
  });
}
