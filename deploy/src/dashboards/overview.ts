import { type Dashboard, percentile, rate } from "./dashboard.js";

const operations = "quorumfs_datanode_operations_total";

/** What an operator looks at first: is it well, what do clients ask, who is behind. */
export const overview: Dashboard = {
  id: "overview",
  title: "overview",
  variables: [{ name: "bucket", series: operations }],
  rows: [
    {
      title: "Now",
      panels: [
        {
          title: "DataNodes up",
          kind: "number",
          unit: "short",
          width: 4,
          queries: [{ expr: 'quorumfs_supernode_nodes{state="up"}', legend: "up" }],
        },
        {
          title: "Down or suspect",
          kind: "number",
          unit: "short",
          width: 4,
          bad: { from: 1 },
          queries: [{ expr: 'sum(quorumfs_supernode_nodes{state!="up"})', legend: "not up" }],
        },
        {
          title: "Partitions without quorum",
          description: "In which files of some bucket cannot be written or read.",
          kind: "number",
          unit: "short",
          width: 4,
          bad: { from: 1 },
          queries: [
            { expr: "quorumfs_supernode_partitions_unwritable", legend: "writes" },
            { expr: "quorumfs_supernode_partitions_unreadable", legend: "reads" },
          ],
        },
        {
          title: "Partitions that lack a replica",
          description: "A DataNode that holds them is down or lost.",
          kind: "number",
          unit: "short",
          width: 4,
          bad: { from: 1 },
          queries: [{ expr: "quorumfs_supernode_partitions_under_replicated", legend: "a holder is down or lost" }],
        },
        {
          title: "Nodes behind",
          kind: "number",
          unit: "short",
          width: 4,
          bad: { from: 1 },
          queries: [
            { expr: "count(quorumfs_datanode_in_sync) - sum(quorumfs_datanode_in_sync)", legend: "not in sync" },
          ],
        },
        {
          title: "Least room",
          description: "Of all volumes: how much of it is free.",
          kind: "number",
          unit: "percentunit",
          width: 4,
          bad: { below: 0.15 },
          queries: [
            {
              expr: "min(quorumfs_datanode_volume_free_bytes / quorumfs_datanode_volume_size_bytes)",
              legend: "free",
            },
          ],
        },
      ],
    },
    {
      title: "Clients",
      panels: [
        {
          title: "Operations",
          kind: "stacked",
          unit: "ops",
          queries: [
            {
              expr: `sum by (kind) (${rate(`${operations}{outcome="answered", bucket=~"$bucket"}`)})`,
              legend: "{{kind}}",
            },
          ],
        },
        {
          title: "Failed and refused",
          description: "Refused: for too much load; clients try again.",
          kind: "lines",
          unit: "ops",
          queries: [
            {
              expr: `sum by (kind, outcome) (${rate(`${operations}{outcome!="answered", bucket=~"$bucket"}`)})`,
              legend: "{{kind}} {{outcome}}",
            },
          ],
        },
        {
          title: "Latency",
          description: "At the DataNodes, from a request's arrival to its answer.",
          kind: "lines",
          unit: "s",
          queries: [0.5, 0.99].map((share) => ({
            expr: percentile(share, "quorumfs_datanode_operation_seconds", { by: "kind" }),
            legend: `{{kind}} p${share * 100}`,
          })),
        },
        {
          title: "By bucket",
          kind: "stacked",
          unit: "ops",
          queries: [{ expr: `sum by (bucket) (${rate(`${operations}{bucket=~"$bucket"}`)})`, legend: "{{bucket}}" }],
        },
        {
          title: "Content of small files",
          kind: "lines",
          unit: "Bps",
          queries: [
            {
              expr: `sum by (direction) (${rate('quorumfs_datanode_content_bytes_total{bucket=~"$bucket"}')})`,
              legend: "{{direction}}",
            },
          ],
        },
        {
          title: "Chunks of large files",
          kind: "lines",
          unit: "Bps",
          queries: [
            {
              expr: `sum by (by, direction) (${rate("quorumfs_datanode_chunk_bytes_moved_total")})`,
              legend: "{{direction}} by {{by}}",
            },
          ],
        },
      ],
    },
    {
      title: "Nodes",
      panels: [
        {
          title: "Operations by node",
          kind: "stacked",
          unit: "ops",
          queries: [{ expr: `sum by (node) (${rate(operations)})`, legend: "node {{node}}" }],
        },
        {
          title: "p99 by node",
          kind: "lines",
          unit: "s",
          queries: [
            { expr: percentile(0.99, "quorumfs_datanode_operation_seconds", { by: "node" }), legend: "node {{node}}" },
          ],
        },
        {
          title: "Answering Prometheus",
          kind: "lines",
          unit: "short",
          queries: [{ expr: 'up{job="quorumfs"}', legend: "{{process}} {{node}}" }],
        },
        {
          title: "Behind",
          description: "Records and chunks that nodes are known to lack.",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: "quorumfs_datanode_behind_records", legend: "node {{node}} records" },
            { expr: "quorumfs_datanode_behind_chunks", legend: "node {{node}} chunks" },
          ],
        },
        {
          title: "Stored",
          kind: "lines",
          unit: "bytes",
          queries: [{ expr: 'quorumfs_datanode_chunk_bytes{what="all"}', legend: "node {{node}} chunks" }],
        },
        {
          title: "Partitions to move",
          kind: "lines",
          unit: "short",
          queries: [{ expr: "quorumfs_supernode_layout_moves_remaining", legend: "left" }],
        },
      ],
    },
  ],
};
