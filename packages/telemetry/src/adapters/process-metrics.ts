/**
 * What there is to know of a process that is not its service's business, under the names that dashboards all over the world
 * look for. prom-client's own were not taken: they tell the interval of looking at the event loop as its lag, count one
 * collection of garbage in a batch, and cannot be had singly.
 */
import { readdirSync, readFileSync } from "node:fs";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { exponentialBounds } from "../metrics/histogram.js";
import type { Metrics } from "../metrics/metrics.js";

export interface ProcessMetricsOptions {
  /** Of the binary: `quorumfs-datanode`. */
  readonly process: string;
  readonly version: string;
}

/** Declares metrics of build, processor, memory, open files, event loop and garbage collection. Once per process: they watch it for good. */
export function processMetrics(metrics: Metrics, { process: name, version }: ProcessMetricsOptions): void {
  metrics.gauge({
    name: "quorumfs_build_info",
    help: "Always 1: which binary of which version runs, on which Node.js.",
    labels: ["process", "version", "nodejs"],
    read: () => [{ labels: { process: name, version, nodejs: process.versions.node }, value: 1 }],
  });
  processorAndMemory(metrics);
  openFiles(metrics);
  eventLoop(metrics);
  garbageCollection(metrics);
}

function processorAndMemory(metrics: Metrics): void {
  const startedS = Date.now() / 1000 - process.uptime();
  metrics.gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since 1970.",
    read: () => startedS,
  });
  metrics.gauge({
    name: "process_cpu_seconds_total",
    type: "counter",
    help: "Processor time of all threads, in the process and in the system on its behalf.",
    read: () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  });
  metrics.gauge({
    name: "process_cpu_system_seconds_total",
    type: "counter",
    help: "The part of the processor time that was spent in the system.",
    read: () => process.cpuUsage().system / 1e6,
  });
  metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is in RAM.",
    read: () => process.memoryUsage.rss(),
  });
  metrics.gauge({
    name: "nodejs_heap_size_used_bytes",
    help: "JavaScript objects, those included that nobody needs any more.",
    read: () => process.memoryUsage().heapUsed,
  });
  metrics.gauge({
    name: "nodejs_external_memory_bytes",
    help: "Memory outside of the heap that JavaScript objects stand for: buffers, mostly.",
    read: () => process.memoryUsage().external,
  });
}

/** Known on Linux only. */
function openFiles(metrics: Metrics): void {
  metrics.gauge({
    name: "process_open_fds",
    help: "Open files, connections included.",
    read: () => orUndefined(() => readdirSync("/proc/self/fd").length),
  });
  metrics.gauge({
    name: "process_max_fds",
    help: "How many files the process may have open.",
    read: () =>
      orUndefined(() => {
        const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
        return limit === undefined ? undefined : Number(limit);
      }),
  });
}

function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Between two looks at the loop: finer costs more than it tells. */
const resolutionMs = 20;

function eventLoop(metrics: Metrics): void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  // The histogram holds the time between two looks; what goes beyond the interval is delay. Empty, it says NaN or nonsense.
  const seconds = (nanoseconds: number): number =>
    delays.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000);
  metrics.gauge({
    name: "nodejs_eventloop_lag_p50_seconds",
    help: "How late the event loop was since the scrape before: the median.",
    read: () => seconds(delays.percentile(50)),
  });
  metrics.gauge({
    name: "nodejs_eventloop_lag_p99_seconds",
    help: "How late the event loop was since the scrape before: the 99th percentile.",
    read: () => seconds(delays.percentile(99)),
  });
  metrics.gauge({
    name: "nodejs_eventloop_lag_max_seconds",
    help: "How late the event loop was since the scrape before, at worst.",
    read: () => {
      // Declared last, so read last.
      const worst = seconds(delays.max);
      delays.reset();
      return worst;
    },
  });
}

const collections: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

function garbageCollection(metrics: Metrics): void {
  const family = metrics.histogram({
    name: "nodejs_gc_duration_seconds",
    help: "How long collections of garbage stopped the process.",
    labels: ["kind"],
    bounds: exponentialBounds({ from: 0.001, factor: 4, count: 6 }),
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) family.of({ kind: kindOf(entry) }).observe(entry.duration / 1000);
  });
  observer.observe({ entryTypes: ["gc"] });
}

function kindOf(entry: object): string {
  // Entries of collections have more than their declared type.
  const detail = "detail" in entry ? entry.detail : undefined;
  const kind = typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : undefined;
  return (typeof kind === "number" ? collections.get(kind) : undefined) ?? "other";
}
