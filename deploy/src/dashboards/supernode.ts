import { type Dashboard, type Panel, percentile, rate, type Unit } from "./dashboard.js";
import { processRow } from "./process-row.js";

const metric = (name: string): string => `quorumfs_supernode_${name}`;

function plain(title: string, name: string, unit: Unit, legend: string): Panel {
  return { title, kind: "lines", unit, queries: [{ expr: metric(name), legend }] };
}

/** Members, layout and events: what the SuperNode decides and keeps. */
export const supernode: Dashboard = {
  id: "supernode",
  title: "SuperNode",
  variables: [],
  rows: [
    {
      title: "Members",
      panels: [
        plain("DataNodes by state", "nodes", "short", "{{state}}"),
        plain("DataNodes by role", "nodes_by_role", "short", "{{role}}"),
        {
          title: "Heartbeats",
          kind: "lines",
          unit: "ops",
          queries: [{ expr: rate(metric("heartbeats_total")), legend: "beats" }],
        },
        {
          title: "Joins",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: `sum by (outcome) (increase(${metric("joins_total")}[$__rate_interval]))`, legend: "{{outcome}}" },
          ],
        },
        plain("Buckets", "buckets", "short", "buckets"),
      ],
    },
    {
      title: "Layout",
      panels: [
        plain("Partitions", "partitions", "short", "{{state}}"),
        {
          title: "Partitions that lack holders",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: metric("partitions_under_replicated"), legend: "a holder is down or lost" },
            { expr: metric("partitions_unwritable"), legend: "cannot be written" },
            { expr: metric("partitions_unreadable"), legend: "cannot be read" },
          ],
        },
        {
          title: "The change under way",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: metric("layout_moves_remaining"), legend: "partitions left" },
            { expr: metric("layout_obstructed"), legend: "gets no further (1)" },
          ],
        },
        plain("Number of the layout", "layout_number", "short", "layout"),
        {
          title: "Changes",
          kind: "lines",
          unit: "short",
          quiet: true,
          queries: [
            {
              expr: `sum by (outcome) (increase(${metric("layout_changes_total")}[$__rate_interval]))`,
              legend: "{{outcome}}",
            },
          ],
        },
      ],
    },
    {
      title: "Events and questions",
      panels: [
        {
          title: "Events",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: `sum by (kind) (increase(${metric("events_total")}[$__rate_interval]))`, legend: "{{kind}}" },
          ],
        },
        {
          title: "Events kept, and left out",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: metric("events"), legend: "kept" },
            { expr: metric("events_left_out_total"), legend: "left out" },
          ],
        },
        plain("Open streams of activity and events", "watchers", "short", "streams"),
        {
          title: "State queries",
          kind: "lines",
          unit: "s",
          quiet: true,
          queries: [
            { expr: percentile(0.99, metric("state_query_seconds"), { by: "outcome" }), legend: "{{outcome}} p99" },
          ],
        },
        {
          title: "Files told of by state queries",
          kind: "lines",
          unit: "ops",
          queries: [{ expr: rate(metric("state_query_files_total")), legend: "files" }],
        },
        {
          title: "Durable changes",
          kind: "lines",
          unit: "s",
          queries: [0.5, 0.99].map((share) => ({
            expr: percentile(share, metric("commit_seconds")),
            legend: `p${share * 100}`,
          })),
        },
      ],
    },
    processRow('process="supernode"', "{{instance}}"),
  ],
};
