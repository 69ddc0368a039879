import { percentile, type Row, rate } from "./dashboard.js";

/** What every process tells of itself. @param where labels that choose processes: `process="datanode", node=~"$node"` */
export function processRow(where: string, legend: string): Row {
  const at = `{${where}}`;
  return {
    title: "Process",
    panels: [
      {
        title: "Processor",
        description: "Of one core.",
        kind: "lines",
        unit: "percentunit",
        queries: [
          { expr: rate(`process_cpu_seconds_total${at}`), legend },
          { expr: rate(`process_cpu_system_seconds_total${at}`), legend: `${legend} in the system` },
        ],
      },
      {
        title: "Memory",
        kind: "lines",
        unit: "bytes",
        queries: [
          { expr: `process_resident_memory_bytes${at}`, legend: `${legend} resident` },
          { expr: `nodejs_heap_size_used_bytes${at}`, legend: `${legend} heap` },
          { expr: `nodejs_external_memory_bytes${at}`, legend: `${legend} buffers` },
        ],
      },
      {
        title: "Event loop",
        description: "How late timers fire: whatever takes longer than this waits for it.",
        kind: "lines",
        unit: "s",
        queries: [
          { expr: `nodejs_eventloop_lag_p50_seconds${at}`, legend: `${legend} p50` },
          { expr: `nodejs_eventloop_lag_p99_seconds${at}`, legend: `${legend} p99` },
          { expr: `nodejs_eventloop_lag_max_seconds${at}`, legend: `${legend} most` },
        ],
      },
      {
        title: "Garbage collection",
        kind: "lines",
        unit: "percentunit",
        queries: [
          {
            expr: `sum by (instance, kind) (${rate(`nodejs_gc_duration_seconds_sum${at}`)})`,
            legend: "{{instance}} {{kind}}",
          },
        ],
      },
      {
        title: "Longest collections",
        kind: "lines",
        unit: "s",
        queries: [
          {
            expr: percentile(0.99, "nodejs_gc_duration_seconds", { by: "instance", where: at }),
            legend: "{{instance}} p99",
          },
        ],
      },
      {
        title: "Open files",
        kind: "lines",
        unit: "percentunit",
        queries: [{ expr: `process_open_fds${at} / process_max_fds${at}`, legend }],
      },
      {
        title: "Builds",
        kind: "table",
        unit: "short",
        width: 16,
        queries: [{ expr: `quorumfs_build_info${at}`, legend: "" }],
      },
      {
        title: "Running since",
        kind: "number",
        unit: "dateTimeFromNow",
        queries: [{ expr: `process_start_time_seconds${at} * 1000`, legend }],
      },
    ],
  };
}
