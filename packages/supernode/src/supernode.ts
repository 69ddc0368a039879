import { setMaxListeners } from "node:events";
import type { Clock, Disk, Listener, Log, Network, QuorumError, Random } from "@quorumfs/core";
import { type ProcessFacts, watchedDisk } from "@quorumfs/runtime";
import { Metrics } from "@quorumfs/telemetry";
import { ActivityHistory } from "./activity/activity-history.js";
import { activityRoutes } from "./activity/activity-routes.js";
import { adminRoutes } from "./admin-service.js";
import { Buckets } from "./buckets/buckets.js";
import { Deletion } from "./buckets/deletion.js";
import { clusterRoutes } from "./cluster-service.js";
import { ClusterState } from "./cluster/cluster-state.js";
import { conditionOf } from "./cluster/condition.js";
import { ControlStore } from "./cluster/control-store.js";
import type { SuperNodeConfig } from "./config.js";
import { EventLog, type Notice } from "./events/event-log.js";
import { eventRoutes } from "./events/event-routes.js";
import { LayoutChanges } from "./layout/layout-changes.js";
import { LayoutDriver } from "./layout/layout-driver.js";
import { layoutRoutes } from "./layout/layout-routes.js";
import { CommitRecords } from "./membership/commit-records.js";
import { Heartbeats } from "./membership/heartbeats.js";
import { Joins } from "./membership/joins.js";
import { meteredDisk } from "./metered-disk.js";
import { declareReadings, superNodeInstruments } from "./metrics.js";
import { reseed } from "./reseed/reseed.js";
import { OneAtATime } from "./one-at-a-time.js";
import { DataNodes } from "./state/data-nodes.js";
import { StateQueries } from "./state/state-queries.js";
import { Watchers } from "./watchers.js";

/** Long enough for a change that is being stored; watches and beats end at once. */
const graceMs = 2000;

export interface SuperNodeOptions {
  readonly config: SuperNodeConfig;
  readonly network: Network;
  /** Stays the caller's: closed by who opened it, after the SuperNode. */
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of this software, for status displays. */
  readonly version?: string;
  /** Where what it counts can be read; default: nowhere. */
  readonly metrics?: Metrics;
  /** What its process runs on; where there is no process of its own, nothing is told of it. */
  readonly processFacts?: () => ProcessFacts;
  /**
   * The SuperNode cannot go on: its disk refused a write. It changes nothing any more; close it, and end the process if it has
   * one of its own. Called at most once.
   */
  readonly onFatal?: (error: QuorumError) => void;
}

const nothingKnown: ProcessFacts = { runtimeVersion: "", filesOpen: 0, filesMax: 0 };

/** A SuperNode that serves. */
export interface SuperNode {
  /** `host:port` with the real port. */
  readonly address: string;
  readonly clusterId: string;
  /** Stops serving; what was stored stays. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a SuperNode on its store; makes a cluster if the store is empty, unless it is told to make the store anew.
 *
 * @throws QuorumError `invalid_argument` if the store's cluster has another N, `unavailable` if the port is taken; what `reseed` throws
 */
export async function startSuperNode(options: SuperNodeOptions): Promise<SuperNode> {
  const { config, network, clock, random, log, version = "", metrics = new Metrics() } = options;
  const instruments = superNodeInstruments(metrics);
  const watched = watchedDisk(options.disk, (error) => {
    log.error("supernode.disk-failed", { reason: error.message });
    options.onFatal?.(error);
  });
  const disk = meteredDisk(watched, clock, (seconds) => instruments.commitSeconds.observe(seconds));
  const { initialNodes, partitions } = config;
  const isReseeded =
    config.reseedFrom.length > 0 &&
    (await reseed({ addresses: config.reseedFrom, disk, network, clock, log, version }));
  const store = await ControlStore.open({ disk, random, replicas: config.replicas });
  const state = new ClusterState({ store, wallMs: clock.wallMs() });
  const stopping = new AbortController();
  // Every watch listens to it; Node would take more than ten for a leak, and say so on stderr.
  setMaxListeners(0, stopping.signal);
  const changes = new OneAtATime();
  const events = new EventLog({ disk, clock, log });
  const notice: Notice = (kind, message, details) => events.notice(kind, message, details);
  const history = new ActivityHistory({ nodes: () => state.nodes, clock });
  const heartbeats = new Heartbeats({ state, history, events, clock, log, times: config });
  const commitRecords = new CommitRecords({ state, changes, clock, log });
  const layoutChanges = new LayoutChanges({ state, changes, initialNodes, notice, instruments, clock, log });
  const { deadAfterMs } = config;
  const driver = new LayoutDriver({ state, layoutChanges, changes, deadAfterMs, notice, clock, log });
  const joins = new Joins({ state, heartbeats, changes, initialNodes, partitions, notice, instruments, clock, log });
  const buckets = new Buckets({ state, changes, initialNodes, notice, clock, log });
  const dataNodes = new DataNodes({ network, state, clock, version });
  const queries = new StateQueries({ state, dataNodes, initialNodes, instruments, clock });
  const deletion = new Deletion({ state, changes, queries, timeoutMs: config.deletionTimeoutMs, notice, clock, log });
  await deletion.recover();
  const { loadsEveryMs } = config;
  const watchers = new Watchers();
  declareReadings(metrics, { state, heartbeats, events, watchers, driver });
  const { clusterId } = state;
  const routes = [
    ...clusterRoutes({
      state,
      joins,
      heartbeats,
      queries,
      initialNodes,
      loadsEveryMs,
      clock,
      stopping: stopping.signal,
    }),
    ...layoutRoutes({ state, layoutChanges, driver, clock, stopping: stopping.signal }),
    ...adminRoutes({
      state,
      buckets,
      deletion,
      driver,
      initialNodes,
      version,
      startedAtMs: clock.wallMs(),
      process: () => ({ wallMs: clock.wallMs(), ...(options.processFacts?.() ?? nothingKnown) }),
    }),
    ...activityRoutes({ history, clusterId, watchers, stopping: stopping.signal }),
    ...eventRoutes({ events, clusterId, watchers, stopping: stopping.signal }),
  ];
  let listener: Listener;
  try {
    listener = await network.listen({ host: config.host, port: config.port, routes });
  } catch (error) {
    heartbeats.close();
    commitRecords.close();
    history.close();
    await events.close();
    throw error;
  }
  tellStart({ events, isReseeded, address: listener.address, nowMs: clock.wallMs() });
  driver.start();
  const { text: condition } = conditionOf(state, initialNodes);
  log.info("supernode.started", { address: listener.address, cluster: state.clusterId, condition });

  const close = async (): Promise<void> => {
    stopping.abort();
    driver.close();
    commitRecords.close();
    heartbeats.close();
    deletion.close();
    await listener.close(graceMs);
    await changes.idle();
    history.close();
    await events.close();
    dataNodes.close();
    log.info("supernode.stopped");
  };
  let closing: Promise<void> | undefined;
  return { address: listener.address, clusterId: state.clusterId, close: () => (closing ??= close()) };
}

function tellStart(start: {
  readonly events: EventLog;
  readonly isReseeded: boolean;
  readonly address: string;
  readonly nowMs: number;
}): void {
  const { events, isReseeded, address, nowMs } = start;
  const { lastAliveAtMs } = events;
  const fields = { address };
  if (isReseeded) {
    events.notice("supernode.reseeded", "the SuperNode's store was made anew from what DataNodes remember", { fields });
  }
  // The wall clock may have been set back.
  const awayMs = Math.max(0, nowMs - lastAliveAtMs);
  const away = lastAliveAtMs === 0 ? "for the first time" : `nobody did for about ${Math.ceil(awayMs / 1000)} s`;
  const known = lastAliveAtMs === 0 ? fields : { ...fields, away_ms: awayMs };
  events.notice("supernode.started", `the SuperNode serves at ${address}, ${away}`, { fields: known });
}
