/** What a SuperNode tells a monitoring system: all its metrics, declared here and nowhere else. */
import type { NodeId } from "@quorumfs/core";
import {
  type CounterFamily,
  exponentialBounds,
  type Histogram,
  type HistogramFamily,
  type Metrics,
} from "@quorumfs/telemetry";
import type { ClusterState } from "./cluster/cluster-state.js";
import { roles } from "./cluster/member.js";
import { remainingIn } from "./layout/next-step.js";

/** Counted as it happens. */
export interface SuperNodeInstruments {
  /** Of durable changes. */
  readonly commitSeconds: Histogram;
  /** `new`, `restarted`, `again`, `refused`. */
  readonly joins: CounterFamily<"outcome">;
  /** `started`, `done`, `stopped`. */
  readonly layoutChanges: CounterFamily<"outcome">;
  /** By outcome: `done`, `failed`, `abandoned`. */
  readonly querySeconds: HistogramFamily<"outcome">;
  readonly queryFiles: { add(count: number): void };
}

/** Read at each scrape. */
export interface SuperNodeReadings {
  readonly state: Pick<ClusterState, "members" | "healthOf" | "layout" | "targets" | "change" | "buckets">;
  readonly heartbeats: { readonly received: number };
  readonly events: {
    readonly counts: ReadonlyMap<string, number>;
    readonly leftOut: number;
    readonly size: number;
  };
  readonly watchers: { readonly count: number };
  readonly driver: { readonly isStuck: boolean };
}

/** A memory disk takes microseconds, a bad one seconds. */
const commitBounds = exponentialBounds({ from: 0.0005, factor: 2, count: 14 });

/** A page of a few files, up to a pass over all of a large cluster. */
const queryBounds = exponentialBounds({ from: 0.005, factor: 4, count: 9 });

export function superNodeInstruments(metrics: Metrics): SuperNodeInstruments {
  return {
    commitSeconds: metrics
      .histogram({
        name: "quorumfs_supernode_commit_seconds",
        help: "How long changes of the SuperNode's store took until they were durable.",
        bounds: commitBounds,
      })
      .of(),
    joins: metrics.counter({
      name: "quorumfs_supernode_joins_total",
      help: "DataNodes that asked to join: new ones, those that have started anew, those that were connected again, and those refused.",
      labels: ["outcome"],
    }),
    layoutChanges: metrics.counter({
      name: "quorumfs_supernode_layout_changes_total",
      help: "Changes of the layout that were started, done, and stopped before their end.",
      labels: ["outcome"],
    }),
    querySeconds: metrics.histogram({
      name: "quorumfs_supernode_state_query_seconds",
      help: "How long state queries took, by outcome; abandoned ones were not read to their end.",
      labels: ["outcome"],
      bounds: queryBounds,
    }),
    queryFiles: metrics
      .counter({
        name: "quorumfs_supernode_state_query_files_total",
        help: "Files that state queries have told of.",
      })
      .of(),
  };
}

export function declareReadings(metrics: Metrics, readings: SuperNodeReadings): void {
  declareNodes(metrics, readings);
  declareLayout(metrics, readings);
  declareEvents(metrics, readings);
}

function declareNodes(metrics: Metrics, { state, heartbeats }: SuperNodeReadings): void {
  metrics.gauge({
    name: "quorumfs_supernode_nodes",
    help: "DataNodes that are members, by state: up, suspect, or down.",
    labels: ["state"],
    read: () => {
      const health = state.members.map(({ id }) => state.healthOf(id));
      return (["up", "suspect", "down"] as const).map((name) => {
        return { labels: { state: name }, value: health.filter((one) => one === name).length };
      });
    },
  });
  metrics.gauge({
    name: "quorumfs_supernode_nodes_by_role",
    help: "DataNodes that are members, by role: active, draining, leaving, or lost.",
    labels: ["role"],
    read: () =>
      roles.map((role) => {
        return { labels: { role }, value: state.members.filter((member) => member.role === role).length };
      }),
  });
  metrics.gauge({
    name: "quorumfs_supernode_heartbeats_total",
    help: "Heartbeats that were taken.",
    type: "counter",
    read: () => heartbeats.received,
  });
  metrics.gauge({
    name: "quorumfs_supernode_buckets",
    help: "Buckets of the cluster.",
    read: () => state.buckets.length,
  });
}

function declareLayout(metrics: Metrics, { state, driver }: SuperNodeReadings): void {
  metrics.gauge({
    name: "quorumfs_supernode_layout_number",
    help: "Number of the newest layout; 0 while the cluster forms.",
    read: () => state.layout?.number ?? 0,
  });
  metrics.gauge({
    name: "quorumfs_supernode_partitions",
    help: "Partitions of the files: settled ones, and those that move from some DataNodes to others.",
    labels: ["state"],
    read: () => {
      const partitions = state.layout?.partitions ?? [];
      const moving = partitions.filter(({ joining }) => joining.length > 0).length;
      return [
        { labels: { state: "settled" }, value: partitions.length - moving },
        { labels: { state: "moving" }, value: moving },
      ];
    },
  });
  metrics.gauge({
    name: "quorumfs_supernode_partitions_under_replicated",
    help: "Partitions of which a holder is down or lost; being behind does not count.",
    read: () => presentReplicas(state).filter(({ present, wanted }) => present < wanted).length,
  });
  metrics.gauge({
    name: "quorumfs_supernode_partitions_unwritable",
    help: "Partitions in which files of some bucket cannot be written, since too few of their holders are up.",
    read: () => {
      const needed = Math.max(0, ...state.buckets.map(({ writeQuorum }) => writeQuorum));
      return presentReplicas(state).filter(({ present }) => present < needed).length;
    },
  });
  metrics.gauge({
    name: "quorumfs_supernode_partitions_unreadable",
    help: "Partitions in which files of some bucket cannot be read, since too few of their holders are up.",
    read: () => {
      const needed = Math.max(0, ...state.buckets.map(({ readQuorum }) => readQuorum));
      return presentReplicas(state).filter(({ present }) => present < needed).length;
    },
  });
  metrics.gauge({
    name: "quorumfs_supernode_layout_moves_remaining",
    help: "Partitions that the change under way has not brought to their places yet; 0: there is none under way.",
    read: () => {
      const { change, layout, targets } = state;
      return change && layout && targets ? remainingIn(layout, targets) : 0;
    },
  });
  metrics.gauge({
    name: "quorumfs_supernode_layout_obstructed",
    help: "1 while a change of the layout gets no further; the layout.obstructed event says why.",
    read: () => (driver.isStuck ? 1 : 0),
  });
}

function declareEvents(metrics: Metrics, { events, watchers }: SuperNodeReadings): void {
  metrics.gauge({
    name: "quorumfs_supernode_events_total",
    help: "Events that were written, by kind.",
    type: "counter",
    labels: ["kind"],
    read: () => [...events.counts].map(([kind, value]) => ({ labels: { kind }, value })),
  });
  metrics.gauge({
    name: "quorumfs_supernode_events_left_out_total",
    help: "Events that were not written, since too many of their kind came from one DataNode.",
    type: "counter",
    read: () => events.leftOut,
  });
  metrics.gauge({
    name: "quorumfs_supernode_events",
    help: "Events that are kept.",
    read: () => events.size,
  });
  metrics.gauge({
    name: "quorumfs_supernode_watchers",
    help: "Streams of activity and events that are open.",
    read: () => watchers.count,
  });
}

/** Of each partition; while it moves, of the set that has fewer. */
function presentReplicas(
  state: SuperNodeReadings["state"],
): readonly { readonly present: number; readonly wanted: number }[] {
  const lost = new Set(state.members.filter(({ role }) => role === "lost").map(({ id }) => id));
  const isThere = (id: NodeId): boolean => state.healthOf(id) !== "down" && !lost.has(id);
  return (state.layout?.partitions ?? []).map(({ nodes, joining }) => {
    const present = nodes.filter(isThere).length;
    const wanted = nodes.length;
    return joining.length === 0
      ? { present, wanted }
      : { present: Math.min(present, joining.filter(isThere).length), wanted };
  });
}
