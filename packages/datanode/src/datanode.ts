/** The composition root of a DataNode: what there is, in which order it starts, and in which order it ends. */
import {
  type CancelSignal,
  type Clock,
  type ContentFiles,
  type Disk,
  type Listener,
  type Log,
  type Network,
  type NodeId,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { watchedDisk } from "@quorumfs/runtime";
import type { Metrics } from "@quorumfs/telemetry";
import { noTracer, type Tracer } from "@quorumfs/telemetry/lean";
import { Admission } from "./admission.js";
import { chunkRoutes, holdsChunk } from "./chunk/chunk-routes.js";
import { ChunkStore } from "./chunk/chunk-store.js";
import { Buckets } from "./cluster/buckets.js";
import { ClusterStore } from "./cluster/cluster-store.js";
import { openIdentity } from "./cluster/identity.js";
import { LoadMeter, type Probe } from "./cluster/load-meter.js";
import { LocalNode } from "./cluster/local-node.js";
import { Membership } from "./cluster/membership.js";
import { memoryRoutes } from "./cluster/memory-routes.js";
import { NeighbourViews } from "./cluster/neighbour-views.js";
import { replicaContext } from "./cluster/replica-context.js";
import { SuperNode } from "./cluster/super-node.js";
import { TombstoneCollector } from "./collection/tombstone-collector.js";
import { TombstoneWatch } from "./collection/tombstone-watch.js";
import type { DataNodeConfig } from "./config.js";
import { Entrance } from "./entrance.js";
import { LargeContent } from "./content/large-content.js";
import { sweepEveryMsDefault } from "./content/owner-checks.js";
import { Coordinator } from "./coordinator/coordinator.js";
import { Hedges } from "./coordinator/hedges.js";
import { Pauses } from "./coordinator/pauses.js";
import { Peers } from "./coordinator/peers.js";
import { RecordRepair } from "./coordinator/record-repair.js";
import { VoteLinks } from "./coordinator/vote-links.js";
import { VoteMeter } from "./coordinator/vote-meter.js";
import { Explainer } from "./explain/explainer.js";
import { Inspector } from "./explain/inspector.js";
import { explainRoutes } from "./explain/routes.js";
import { FileDispatcher } from "./file/file-dispatcher.js";
import { fileRoutes } from "./file/file-routes.js";
import { ChunkSource } from "./handover/chunk-source.js";
import { Handover } from "./handover/handover.js";
import { Holdings } from "./handover/holdings.js";
import { OperationLog } from "./follow/operation-log.js";
import { Lister } from "./list/lister.js";
import { type DataNodeSources, dataNodeMetrics } from "./metrics.js";
import { RangeQuorum } from "./list/range-quorum.js";
import { ActivityReport } from "./observe/activity-report.js";
import { ChunkTraffic } from "./observe/chunk-traffic.js";
import { ConditionWatch } from "./observe/condition-watch.js";
import { HotFiles } from "./observe/hot-files.js";
import { LaneMeter } from "./observe/lane-meter.js";
import { type EarlierNews, NoticedEvents } from "./observe/noticed-events.js";
import { OperationMeter } from "./observe/operation-meter.js";
import type { StoreMeter } from "./observe/store-meter.js";
import { LocalReplica } from "./replica/local-replica.js";
import { replicaRoutes } from "./replica/routes.js";
import { PartitionGate } from "./sync/partition-gate.js";
import { Digests } from "./sync/digests.js";
import { Sync } from "./sync/sync.js";
import { type Checkup, checkupRoutes } from "./upkeep/checkup-routes.js";
import { ChunkRepair } from "./upkeep/chunk-repair.js";
import { Upkeep } from "./upkeep/upkeep.js";

export interface DataNodeOptions {
  readonly config: DataNodeConfig;
  readonly network: Network;
  /** Stays open when the node is closed: whoever opened it closes it. */
  readonly disk: Disk;
  /** Of chunks, on any volume; stays open just as `disk` does. */
  readonly content: ContentFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly probe: Probe;
  /** Without it nothing is told of the machine. */
  readonly checkup?: Checkup;
  readonly log: Log;
  /** Where spans go; default: nowhere. */
  readonly tracer?: Tracer;
  /** Of this software; shown in node lists. */
  readonly version: string;
  /** Where the node's metrics are declared; they are read as long as it runs. Default: nowhere. */
  readonly metrics?: Metrics;
  /** Told by `disk` of its commits, for the metrics. */
  readonly storeMeter?: StoreMeter;
  /** False: operations are not counted, which is for measuring what counting costs. */
  readonly countsOperations?: boolean;
  /** host:port of this process's metrics over HTTP; empty, as by default: it serves none. */
  readonly metricsAddress?: string;
  /** What happened before this start, and people are to hear of. */
  readonly earlierNews?: readonly EarlierNews[];
  /** Ends the wait for the SuperNode at the very first start. */
  readonly signal?: CancelSignal;
  /**
   * The node cannot go on: its disk refused a write, or its cluster refuses it. It acknowledges nothing any more; close
   * it, and end the process if it has one of its own. Called at most once. If its store is at fault
   * (`details.storeFault`), start it again: that tells whether the store may be set aside.
   */
  readonly onFatal: (error: QuorumError) => void;
  /** The node was told to leave its cluster, and has: nothing that it holds is needed any more. Close it. Called at most once. */
  readonly onLeft?: () => void;
}

export interface DataNode extends AsyncDisposable {
  readonly nodeId: NodeId;
  /** host:port where it listens. */
  readonly address: string;
  /** Lets running calls finish for a moment, then ends them. Idempotent. */
  close(): Promise<void>;
}

// What is under way ends within milliseconds, or not at all.
const closeGraceMs = 2000;

/**
 * Starts a DataNode: raises its incarnation, listens, joins.
 *
 * With a layout on its disk it serves as soon as the SuperNode has taken it in or does not answer for a second, and joins in
 * the background then. At its very first start it has to join first: the promise waits for the SuperNode for as long as that
 * takes. It also waits, and serves nothing, with a store that the cluster refuses for good while that cluster needs it.
 *
 * @throws QuorumError `unavailable`: the port is in use; `permission_denied`, `invalid_argument`, `precondition_failed`:
 *   the cluster does not take this node (`isStoreUseless`: but it would with an empty disk); `corrupt`: the disk holds
 *   something else; `cancelled` by `signal`
 */
export async function startDataNode(options: DataNodeOptions): Promise<DataNode> {
  const { config, network, content, clock, random, probe, log, version, tracer = noTracer } = options;
  const onFatal = once(options.onFatal);
  const events = new NoticedEvents({ clock, log });
  for (const { kind, message, fields } of options.earlierNews ?? []) events.notice(kind, message, fields);
  // No caller's error any more, but this process's end.
  const tellDiskFailure = once((reason: string) => events.notice("node.disk-failed", `the disk failed: ${reason}`));
  const onDiskFailure = ({ message, cause }: QuorumError) => {
    tellDiskFailure(message);
    onFatal(new QuorumError({ code: "internal", message, cause }));
  };
  // Whoever commits: also what is written in the background must not go on with a disk that nobody can rely on.
  const disk = watchedDisk(options.disk, onDiskFailure);
  const { storeId, incarnation, runId, member, fault } = await openIdentity({
    disk,
    random,
    forgive: config.forgiveStore,
  });
  const self = new LocalNode({ incarnation, version, member });
  const holdings = new Holdings({ disk, self, log });
  const store = new ClusterStore({ disk, log, companion: holdings });

  const context = replicaContext({ self, store, holdings, clock, refresh: () => follow().catch(() => undefined) });
  const isBusy = (): boolean => loadMeter.isBusy;
  const digests = new Digests({ disk, clock, log, isBusy, partitions: () => store.view.layout?.partitions.length });
  const onTombstone = (modifiedAtMs: number) => tombstones.noticed(modifiedAtMs);
  const replica = new LocalReplica({
    context,
    disk,
    clock,
    log,
    onDiskFailure,
    onDamage: (file) => upkeep.onRecordDamage(file),
    changes: new TombstoneWatch({ next: digests, onTombstone }),
    isFull: () => chunks.isFull,
    manifestAgeMaxMs: config.uploadLeaseMs / 2,
  });
  const chunks = await ChunkStore.open({
    disk,
    files: content,
    clock,
    random,
    log,
    belongsHere: (upload, index) => holdsChunk(context, upload, index),
    leaseMs: config.uploadLeaseMs,
    retireAfterMs: config.retireAfterMs,
    fullBelow: config.fullBelow,
    onDiskFailure,
  });
  const operations = new OperationLog({ clock, log });
  const lanes = new LaneMeter();
  const replicaService = replicaRoutes({ replica, context, lanes, operations, tracer, clock, log });

  const superNode = new SuperNode({ network, address: config.supernode, self });
  const peers = new Peers({ self, store, network, clock, random, log, lanes });
  const neighbours = new NeighbourViews({ store, peers, refresh: () => refresh(), clock, log });
  const pauses = new Pauses(random);
  const hedges = new Hedges(clock);
  const { voteTimeoutMs } = config;
  const links = new VoteLinks({ self, replica, peers, clock, pauses, log, voteTimeoutMs });
  const votes = new VoteMeter();
  const coordinator = new Coordinator({ self, store, replica, links, pauses, hedges, clock, votes, refresh: follow });
  const isLocal = (node: NodeId) => links.isLocal(node);
  const ranges = new RangeQuorum({ replica, context, isLocal, peers, clock, log });
  const lister = new Lister({ store, ranges, coordinator, clock, refresh: follow });
  const admission = new Admission(config.limits, clock);
  const buckets = new Buckets({ store, refresh });
  const loadMeter: LoadMeter = new LoadMeter({
    admission,
    replica,
    chunks,
    disk,
    clock,
    probe,
    damage: () => upkeep.damage,
    sync: () => sync.status,
  });
  const large: LargeContent = new LargeContent({
    chunks,
    coordinator,
    replica,
    peers,
    store,
    isLocal,
    clock,
    log,
    isBusy,
    refresh,
    ownersPerSecond: config.ownersPerSecond,
    sweepEveryMs: Math.min(sweepEveryMsDefault, config.uploadLeaseMs),
  });
  const { changes } = large;
  const meter = new OperationMeter();
  const hotFiles = new HotFiles();
  const chunkTraffic = new ChunkTraffic();
  const dispatcher = new FileDispatcher({
    coordinator,
    changes,
    lister,
    buckets,
    admission,
    meter: options.countsOperations === false ? undefined : meter,
    hotFiles,
    operations,
    clock,
    random,
    log,
  });
  const conditions: ConditionWatch = new ConditionWatch({
    events,
    meter,
    isFull: () => chunks.isFull,
    sync: () => sync.status,
    clock,
  });
  const isBucket = (name: string) => store.view.bucketNamed(name) !== undefined;
  const activity = new ActivityReport({ meter, hotFiles, chunkTraffic, clock, isBucket });
  const fileService = fileRoutes({ dispatcher, lanes, tracer, clock, log });
  const inspector = new Inspector({ replica, context, holdings });
  const explainer = new Explainer({ self, store, buckets, inspector, peers, links, large, clock, follow });
  const upkeep: Upkeep = new Upkeep({
    disk,
    chunks,
    chunkRepair: new ChunkRepair({ store: chunks, fetch: large.fetch }),
    recordRepair: new RecordRepair({ coordinator, replica, store, self, clock, log }),
    cluster: store,
    clock,
    random,
    log,
    scrubPeriodMs: config.scrubPeriodMs,
    isBusy,
    conditions,
    events,
    onScrubbed: () => large.ownerChecks.checkAll(),
  });

  const entrance = new Entrance();
  const gate = new PartitionGate(context);
  const chunkSource = new ChunkSource({ chunks, context, gate, clock, isBusy });
  const handover = new Handover({
    self,
    store,
    holdings,
    replica,
    context,
    chunks,
    chunkPeers: large.peers,
    fetch: large.fetch,
    coordinator,
    links,
    peers,
    clock,
    log,
    isBusy,
    refresh,
    onSynced: () => {
      membership.hurry();
      large.ownerChecks.checkHere();
    },
  });
  const sync: Sync = new Sync({
    digests,
    context,
    gate,
    replica,
    store,
    peers,
    links,
    coordinator,
    chunks,
    large,
    isLocal,
    handover: () => handover.status(),
    refresh,
    clock,
    random,
    log,
    isBusy,
    rates: { recordsPerSecond: config.catchUpRecordsPerSecond, bytesPerSecond: config.catchUpBytesPerSecond },
    compareEveryMs: config.compareEveryMs,
    conditions,
  });
  const tombstones: TombstoneCollector = new TombstoneCollector({
    replica,
    coordinator,
    store,
    isLocal,
    clock,
    log,
    isBusy,
    graceMs: config.tombstoneGraceMs,
  });

  const listener = await network.listen({
    host: config.host,
    port: config.port,
    routes: [
      ...entrance.guard([
        ...fileService.routes,
        ...replicaService.routes,
        ...explainRoutes({ explainer, inspector, context }),
        ...chunkRoutes({ store: chunks, context, clock, traffic: chunkTraffic }),
        ...upkeep.routes,
        ...sync.routes,
        chunkSource.route,
      ]),
      ...memoryRoutes({ storeId, self, store }),
      ...checkupRoutes(options.checkup, clock),
    ],
  });
  const membership: Membership = new Membership({
    superNode,
    store,
    self,
    storeId,
    runId,
    fault,
    wantedNodeId: config.nodeId,
    address: config.advertise === "" ? listener.address : config.advertise,
    zone: config.zone,
    capacityBytes: config.capacityBytes === 0 ? disk.space().totalBytes : config.capacityBytes,
    disk,
    clock,
    random,
    log,
    load: () => loadMeter.sample(),
    activity,
    events,
    metricsAddress: options.metricsAddress ?? "",
    synced: () => handover.synced(),
    onLoads: (loads) => links.full.told(loads),
    onRefused: onFatal,
    onLeft: () => {
      log.info("datanode.left", { node: self.id });
      options.onLeft?.();
    },
  });

  /** By the SuperNode's word. */
  async function refresh(): Promise<void> {
    await membership.refresh();
  }

  /** For a newer layout, which anybody may know. */
  async function follow(): Promise<void> {
    await neighbours.follow();
  }

  const drain = async () => {
    // Clients first: what they asked for still needs this node's votes.
    await fileService.drain();
    await replicaService.drain();
  };
  let sources: DataNodeSources | undefined = {
    self,
    store,
    meter,
    chunkTraffic,
    votes,
    lanes,
    peers,
    admission,
    loadMeter,
    replica,
    chunks,
    disk,
    storeMeter: options.storeMeter,
    upkeep,
    sync,
    tombstones,
    events,
  };
  if (options.metrics) dataNodeMetrics(options.metrics, () => sources);
  const forgetSources = (): void => {
    sources = undefined;
  };
  const close = closer({
    listener,
    conditions,
    membership,
    coordinator,
    replica,
    chunks,
    large,
    upkeep,
    sync,
    tombstones,
    handover,
    peers,
    drain,
    forgetSources,
  });
  try {
    await enter(membership, options.signal);
  } catch (error) {
    await close();
    throw error;
  }
  entrance.open();
  membership.start();
  conditions.start();
  large.start();
  upkeep.start();
  sync.start();
  tombstones.start();
  handover.start();
  log.info("datanode.serving", { node: self.id, address: listener.address, incarnation });
  return { nodeId: self.id, address: listener.address, close, [Symbol.asyncDispose]: close };
}

async function enter(membership: Membership, signal: CancelSignal | undefined): Promise<void> {
  const giveUp = () => void membership.close();
  if (signal?.aborted) giveUp();
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await membership.enter();
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

function closer(parts: {
  readonly listener: Listener;
  readonly conditions: ConditionWatch;
  readonly membership: Membership;
  readonly coordinator: Coordinator;
  readonly replica: LocalReplica;
  readonly chunks: ChunkStore;
  readonly large: LargeContent;
  readonly upkeep: Upkeep;
  readonly sync: Sync;
  readonly tombstones: TombstoneCollector;
  readonly handover: Handover;
  readonly peers: Peers;
  readonly drain: () => Promise<void>;
  /** Nothing is asked for metrics any more. */
  readonly forgetSources: () => void;
}): () => Promise<void> {
  const {
    listener,
    conditions,
    membership,
    coordinator,
    replica,
    chunks,
    large,
    upkeep,
    sync,
    tombstones,
    handover,
    peers,
    drain,
    forgetSources,
  } = parts;
  const closeAll = async () => {
    conditions.close();
    await membership.close();
    const backgroundEnded = Promise.all([
      large.close(),
      upkeep.close(),
      sync.close(),
      tombstones.close(),
      handover.close(),
    ]);
    await Promise.all([listener.close(closeGraceMs), drain()]);
    coordinator.close();
    peers.close();
    await backgroundEnded;
    forgetSources();
    await chunks.close();
    await replica.close();
  };
  let closing: Promise<void> | undefined;
  return () => (closing ??= closeAll());
}

function once<T>(action: (given: T) => void): (given: T) => void {
  let done = false;
  return (given) => {
    if (done) return;
    done = true;
    action(given);
  };
}
