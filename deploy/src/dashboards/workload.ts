import { type Dashboard, percentile, rate } from "./dashboard.js";
import { processRow } from "./process-row.js";

const metric = (name: string): string => `quorumfs_workload_${name}`;

/** What a run of the generator sees of a cluster; empty while none runs. */
export const workload: Dashboard = {
  id: "workload",
  title: "workload",
  variables: [],
  rows: [
    {
      title: "The run",
      panels: [
        {
          title: "Operations",
          kind: "stacked",
          unit: "ops",
          queries: [
            {
              expr: `sum by (kind) (${rate(`${metric("operations_total")}{outcome="answered"}`)})`,
              legend: "{{kind}}",
            },
          ],
        },
        {
          title: "Started, as far as a rate was asked for",
          kind: "lines",
          unit: "ops",
          queries: [
            { expr: `sum(${rate(metric("operations_total"))})`, legend: "ended" },
            { expr: metric("target_rate"), legend: "to be started" },
          ],
        },
        {
          title: "Failed",
          kind: "lines",
          unit: "ops",
          queries: [
            { expr: `sum by (kind) (${rate(`${metric("operations_total")}{outcome="failed"}`)})`, legend: "{{kind}}" },
          ],
        },
        {
          title: "Latency",
          description: "As the client sees it; with a rate, from when an operation should have started.",
          kind: "lines",
          unit: "s",
          queries: [0.5, 0.99, 0.999].map((share) => ({
            expr: percentile(share, metric("operation_seconds"), { by: "kind" }),
            legend: `{{kind}} p${share * 100}`,
          })),
        },
        {
          title: "Latencies, spread",
          kind: "heatmap",
          unit: "s",
          queries: [{ expr: `sum by (le) (${rate(metric("operation_seconds_bucket"))})`, legend: "{{le}}" }],
        },
        {
          title: "Content",
          kind: "lines",
          unit: "Bps",
          queries: [{ expr: rate(metric("content_bytes_total")), legend: "{{instance}}" }],
        },
        {
          title: "Under way",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: metric("in_flight"), legend: "{{instance}}" },
            { expr: metric("in_flight_limit"), legend: "{{instance}}, at most" },
          ],
        },
        {
          title: "Done",
          kind: "lines",
          unit: "short",
          queries: [{ expr: metric("progress"), legend: "{{instance}}" }],
        },
        {
          title: "What runs",
          kind: "table",
          unit: "short",
          queries: [{ expr: metric("run_info"), legend: "" }],
        },
      ],
    },
    {
      title: "What the cluster sees of it",
      panels: [
        {
          title: "Latency at the DataNodes",
          kind: "lines",
          unit: "s",
          queries: [0.5, 0.99].map((share) => ({
            expr: percentile(share, "quorumfs_datanode_operation_seconds", { by: "kind" }),
            legend: `{{kind}} p${share * 100}`,
          })),
        },
        {
          title: "Commits (fsync)",
          kind: "lines",
          unit: "s",
          queries: [
            { expr: percentile(0.99, "quorumfs_datanode_commit_seconds", { by: "node" }), legend: "node {{node}} p99" },
          ],
        },
        {
          title: "Event loops",
          kind: "lines",
          unit: "s",
          queries: [{ expr: "nodejs_eventloop_lag_p99_seconds", legend: "{{process}} {{node}} p99" }],
        },
      ],
    },
    processRow('process="workload"', "{{instance}}"),
  ],
};
