import { type Dashboard, mean, type Panel, percentile, rate, type Unit } from "./dashboard.js";
import { processRow } from "./process-row.js";

const chosen = 'node=~"$node"';
const at = `{${chosen}}`;
const metric = (name: string): string => `quorumfs_datanode_${name}`;
const rated = (name: string, by: string): string => `sum by (${by}) (${rate(metric(name) + at)})`;

/** A gauge of each node as it is. @param labels those of its own */
function plain(title: string, name: string, unit: Unit, labels: readonly string[] = []): Panel {
  const legend = ["node {{node}}", ...labels.map((label) => `{{${label}}}`)].join(" ");
  return { title, kind: "lines", unit, queries: [{ expr: metric(name) + at, legend }] };
}

/** How fast a counter of each node grows. */
function growth(title: string, name: string, unit: Unit, labels: readonly string[] = []): Panel {
  const legend = ["node {{node}}", ...labels.map((label) => `{{${label}}}`)].join(" ");
  return { title, kind: "lines", unit, queries: [{ expr: rated(name, ["node", ...labels].join(", ")), legend }] };
}

/** What a DataNode does and where its time goes, from clients down to the disk. */
export const datanode: Dashboard = {
  id: "datanode",
  title: "DataNodes",
  variables: [{ name: "node", series: 'up{process="datanode"}' }],
  rows: [
    {
      title: "Clients",
      panels: [
        growth("Operations", "operations_total", "ops", ["kind", "outcome"]),
        {
          title: "Latency",
          kind: "lines",
          unit: "s",
          queries: [
            {
              expr: percentile(0.99, metric("operation_seconds"), { by: "node, kind", where: at }),
              legend: "node {{node}} {{kind}} p99",
            },
          ],
        },
        {
          title: "Latencies, spread",
          kind: "heatmap",
          unit: "s",
          queries: [{ expr: `sum by (le) (${rate(`${metric("operation_seconds_bucket")}${at}`)})`, legend: "{{le}}" }],
        },
        {
          title: "Under way, and how many may be",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: metric("admission_in_flight") + at, legend: "node {{node}} {{kind}}" },
            { expr: metric("admission_limit") + at, legend: "node {{node}} {{kind}}, at most" },
          ],
        },
        growth("Refused", "admission_refused_total", "ops", ["kind"]),
        {
          title: "Content under way, and whether background work holds back",
          kind: "lines",
          unit: "bytes",
          queries: [
            { expr: metric("admission_content_bytes") + at, legend: "node {{node}} content" },
            { expr: metric("busy") + at, legend: "node {{node}} busy (1)" },
          ],
        },
        growth("Content of small files", "content_bytes_total", "Bps", ["direction"]),
        growth("Chunks moved", "chunks_moved_total", "ops", ["by", "direction"]),
        growth("Bytes of chunks moved", "chunk_bytes_moved_total", "Bps", ["by", "direction"]),
      ],
    },
    {
      title: "Votes",
      panels: [
        {
          title: "Round trips of an operation",
          description:
            "1: the usual course of reads and of writes by who wrote last; 2: of other writes; more: others were in the way.",
          kind: "lines",
          unit: "short",
          queries: [
            {
              expr: mean(metric("vote_rounds"), { by: "node, operation", where: at }),
              legend: "node {{node}} {{operation}}",
            },
          ],
        },
        {
          title: "Share of operations with more than two",
          kind: "lines",
          unit: "percentunit",
          queries: [
            {
              expr:
                `1 - sum by (operation) (${rate(`${metric("vote_rounds_bucket")}{${chosen}, le="2"}`)})` +
                ` / sum by (operation) (${rate(`${metric("vote_rounds_count")}${at}`)})`,
              legend: "{{operation}}",
            },
          ],
        },
        {
          title: "Votes asked for",
          kind: "stacked",
          unit: "ops",
          queries: [{ expr: rated("votes_asked_total", "operation"), legend: "{{operation}}" }],
        },
        {
          title: "Answers of replicas",
          kind: "lines",
          unit: "ops",
          queries: [{ expr: rated("votes_answered_total", "answer"), legend: "{{answer}}" }],
        },
        {
          title: "Rounds with a value",
          description: "Of reads: they met something half-written, and finished it.",
          kind: "lines",
          unit: "ops",
          queries: [{ expr: rated("vote_proposals_total", "operation"), legend: "{{operation}}" }],
        },
        {
          title: "What took longer",
          kind: "lines",
          unit: "ops",
          queries: [
            { expr: rated("vote_hedges_total", "operation"), legend: "{{operation}}: a replica was late" },
            { expr: rated("vote_backoffs_total", "operation"), legend: "{{operation}}: another coordinator" },
            { expr: rated("operations_contended_total", "operation"), legend: "{{operation}}: given up" },
            { expr: rated("operations_restarted_total", "operation"), legend: "{{operation}}: a newer layout" },
          ],
        },
      ],
    },
    {
      title: "Lanes to other nodes",
      panels: [
        {
          title: "Messages in a frame",
          kind: "lines",
          unit: "short",
          queries: [
            {
              expr: mean(metric("lane_frame_messages"), { by: "node, lane", where: at }),
              legend: "node {{node}} {{lane}}",
            },
          ],
        },
        plain("Lane is up", "peer_up", "short", ["peer"]),
        plain("Votes of another node (p95)", "peer_vote_p95_seconds", "s", ["peer"]),
        plain("Questions under way", "peer_in_flight", "short", ["peer"]),
        plain("Messages waiting", "peer_queued", "short", ["peer"]),
      ],
    },
    {
      title: "Store",
      panels: [
        {
          title: "Commits (fsync)",
          kind: "lines",
          unit: "s",
          queries: [0.5, 0.99].map((share) => ({
            expr: percentile(share, metric("commit_seconds"), { by: "node", where: at }),
            legend: `node {{node}} p${share * 100}`,
          })),
        },
        {
          title: "Writes that share a commit",
          kind: "lines",
          unit: "short",
          queries: [{ expr: mean(metric("commit_group_writes"), { by: "node", where: at }), legend: "node {{node}}" }],
        },
        growth("Journal", "commit_bytes_total", "Bps"),
        plain("Records", "records", "short"),
        plain("Chunks", "chunks", "short"),
        plain("Bytes in chunks", "chunk_bytes", "bytes", ["what"]),
        {
          title: "Room",
          kind: "lines",
          unit: "bytes",
          queries: [
            { expr: metric("volume_free_bytes") + at, legend: "node {{node}} free" },
            { expr: metric("volume_size_bytes") + at, legend: "node {{node}} of" },
          ],
        },
        plain("Full", "full", "short"),
        {
          title: "Chunks being received",
          kind: "lines",
          unit: "bytes",
          queries: [
            { expr: metric("chunk_intake_bytes") + at, legend: "node {{node}}" },
            { expr: metric("chunk_intakes_waiting") + at, legend: "node {{node}} waiting (count)" },
          ],
        },
      ],
    },
    {
      title: "Repair and scrub",
      panels: [
        plain("Damage found since the store was made", "damage_found_total", "short", ["what"]),
        plain("Damage repaired", "damage_repaired_total", "short", ["what"]),
        plain("Waiting for repair", "repairs_waiting", "short", ["what"]),
        {
          title: "Scrub",
          kind: "lines",
          unit: "percentunit",
          queries: [
            {
              expr: `${metric("scrub_read_bytes")}${at} / ${metric("scrub_pass_bytes")}${at}`,
              legend: "node {{node}} of its pass",
            },
            { expr: `${metric("scrub_state")}{${chosen}, state="running"}`, legend: "node {{node}} runs (1)" },
          ],
        },
        {
          title: "Last complete pass",
          kind: "number",
          unit: "dateTimeFromNow",
          quiet: true,
          queries: [{ expr: `${metric("scrub_completed_timestamp_seconds")}${at} * 1000`, legend: "node {{node}}" }],
        },
        growth("Traces of deletes collected", "tombstones_collected_total", "ops"),
      ],
    },
    {
      title: "Catching up, taking over",
      panels: [
        plain("In sync", "in_sync", "short"),
        {
          title: "Last in sync",
          kind: "number",
          unit: "dateTimeFromNow",
          queries: [{ expr: `${metric("in_sync_timestamp_seconds")}${at} * 1000`, legend: "node {{node}}" }],
        },
        plain("Records behind", "behind_records", "short"),
        plain("Bytes behind", "behind_bytes", "bytes"),
        plain("Chunks behind", "behind_chunks", "short"),
        growth("Records fetched to catch up", "catch_up_records_total", "ops", ["outcome"]),
        {
          title: "Partitions",
          kind: "lines",
          unit: "short",
          queries: [
            { expr: metric("partitions") + at, legend: "node {{node}} {{what}}" },
            { expr: metric("joining_partitions") + at, legend: "node {{node}} not all here yet" },
            { expr: metric("leaving_partitions") + at, legend: "node {{node}} not all gone yet" },
          ],
        },
        growth("Records taken over", "joined_records_total", "ops"),
        growth("Bytes taken over", "joined_bytes_total", "Bps"),
      ],
    },
    {
      title: "In the cluster",
      panels: [
        {
          title: "Node",
          kind: "table",
          unit: "short",
          width: 16,
          queries: [{ expr: metric("node_info") + at, legend: "" }],
        },
        plain("Layout", "layout_number", "short"),
        {
          title: "Events",
          kind: "lines",
          unit: "short",
          quiet: true,
          queries: [
            { expr: `sum by (kind) (increase(${metric("events_total")}${at}[$__rate_interval]))`, legend: "{{kind}}" },
          ],
        },
        plain("Events that the SuperNode has not got yet", "events_undelivered", "short"),
      ],
    },
    processRow(`process="datanode", ${chosen}`, "node {{node}}"),
  ],
};
