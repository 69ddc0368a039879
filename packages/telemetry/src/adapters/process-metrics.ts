import * as prom from "prom-client";
import type { MetricDescription, Metrics, MetricType } from "../metrics/metrics.js";

// Of prom-client's own some thirty, those that tell something; their names are what dashboards all over the world look for.
const taken: Readonly<Record<string, MetricType>> = {
  process_cpu_user_seconds_total: "counter",
  process_cpu_system_seconds_total: "counter",
  process_cpu_seconds_total: "counter",
  process_start_time_seconds: "gauge",
  process_resident_memory_bytes: "gauge",
  process_open_fds: "gauge",
  process_max_fds: "gauge",
  nodejs_heap_size_used_bytes: "gauge",
  nodejs_external_memory_bytes: "gauge",
  nodejs_eventloop_lag_seconds: "gauge",
  nodejs_eventloop_lag_p50_seconds: "gauge",
  nodejs_eventloop_lag_p99_seconds: "gauge",
  nodejs_eventloop_lag_max_seconds: "gauge",
  nodejs_gc_duration_seconds: "histogram",
};

export interface ProcessMetricsOptions {
  /** Of the binary: `quorumfs-datanode`. */
  readonly process: string;
  readonly version: string;
}

/**
 * What there is to know of a process that is not its service's business: processor, memory, open files, event loop, garbage
 * collection, and which build it is. Once per process, since it watches the process for good.
 */
export function processMetrics(metrics: Metrics, { process: name, version }: ProcessMetricsOptions): void {
  metrics.gauge({
    name: "quorumfs_build_info",
    help: "Always 1: which binary of which version runs, on which Node.js.",
    labels: ["process", "version", "nodejs"],
    read: () => [{ labels: { process: name, version, nodejs: process.versions.node }, value: 1 }],
  });
  const defaults = new prom.Registry();
  prom.collectDefaultMetrics({ register: defaults, eventLoopMonitoringPrecision: 20 });
  for (const [name, type] of Object.entries(taken)) {
    const metric = defaults.getSingleMetric(name);
    // Open files are known on Linux only.
    if (metric !== undefined) metrics.adopt(metric, describe(name, type, metric));
  }
}

function describe(name: string, type: MetricType, metric: object): MetricDescription {
  const help = "help" in metric && typeof metric.help === "string" ? metric.help : "";
  return { name, type, help, labels: name === "nodejs_gc_duration_seconds" ? ["kind"] : [] };
}
