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
import { Admission } from "./admission.js";
import { chunkRoutes, holdsChunk } from "./chunk/chunk-routes.js";
import { ChunkStore } from "./chunk/chunk-store.js";
import { Buckets } from "./cluster/buckets.js";
import { ClusterStore } from "./cluster/cluster-store.js";
import { openIdentity } from "./cluster/identity.js";
import { LoadMeter, type Probe } from "./cluster/load-meter.js";
import { LocalNode } from "./cluster/local-node.js";
import { Membership } from "./cluster/membership.js";
import { replicaContext } from "./cluster/replica-context.js";
import { SuperNode } from "./cluster/super-node.js";
import type { DataNodeConfig } from "./config.js";
import { LargeContent } from "./content/large-content.js";
import { sweepEveryMsDefault } from "./content/owner-checks.js";
import { Coordinator } from "./coordinator/coordinator.js";
import { Hedges } from "./coordinator/hedges.js";
import { Pauses } from "./coordinator/pauses.js";
import { Peers } from "./coordinator/peers.js";
import { RecordRepair } from "./coordinator/record-repair.js";
import { VoteLinks } from "./coordinator/vote-links.js";
import { FileDispatcher } from "./file/file-dispatcher.js";
import { fileRoutes } from "./file/file-routes.js";
import { Holdings } from "./handover/holdings.js";
import { Lister } from "./list/lister.js";
import { RangeQuorum } from "./list/range-quorum.js";
import { LocalReplica } from "./replica/local-replica.js";
import { replicaRoutes } from "./replica/routes.js";
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
  readonly log: Log;
  /** Of this software; shown in node lists. */
  readonly version: string;
  /** Ends the wait for the SuperNode at the very first start. */
  readonly signal?: CancelSignal;
  /**
   * The node cannot go on: its disk refused a write, or its cluster refuses it. It acknowledges nothing any more; close
   * it, and end the process if it has one of its own. Called at most once.
   */
  readonly onFatal: (error: QuorumError) => void;
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
 * With a layout on its disk it serves at once, and joins in the background. At its very first start it has to join first:
 * the promise waits for the SuperNode for as long as that takes.
 *
 * @throws QuorumError `unavailable`: the port is in use; `permission_denied`, `invalid_argument`, `precondition_failed`:
 *   the cluster does not take this node; `corrupt`: the disk holds something else; `cancelled` by `signal`
 */
export async function startDataNode(options: DataNodeOptions): Promise<DataNode> {
  const { config, network, disk, content, clock, random, probe, log, version } = options;
  const { storeId, incarnation, runId, member } = await openIdentity({ disk, random });
  const self = new LocalNode({ incarnation, version, member });
  const holdings = new Holdings({ disk, self, log });
  const store = new ClusterStore({ disk, log, companion: holdings });
  const onFatal = once(options.onFatal);

  const context = replicaContext({ self, store, holdings, clock, refresh: () => refresh().catch(() => undefined) });
  // No caller's error any more, but this process's end.
  const onDiskFailure = ({ message, cause }: QuorumError) =>
    onFatal(new QuorumError({ code: "internal", message, cause }));
  const replica = new LocalReplica({
    context,
    disk,
    clock,
    log,
    onDiskFailure,
    onDamage: (file) => upkeep.onRecordDamage(file),
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
  const replicaService = replicaRoutes({ replica, context, clock, log });

  const superNode = new SuperNode({ network, address: config.supernode, self });
  const peers = new Peers({ self, store, network, clock, random, log });
  const pauses = new Pauses(random);
  const hedges = new Hedges(clock);
  const { voteTimeoutMs } = config;
  const links = new VoteLinks({ self, replica, peers, clock, pauses, log, voteTimeoutMs });
  const coordinator = new Coordinator({ self, store, replica, links, pauses, hedges, clock, refresh });
  const isLocal = (node: NodeId) => links.isLocal(node);
  const ranges = new RangeQuorum({ replica, context, isLocal, peers, clock, log });
  const lister = new Lister({ store, ranges, coordinator, clock, refresh });
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
  });
  const isBusy = (): boolean => loadMeter.isBusy;
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
  const dispatcher = new FileDispatcher({ coordinator, changes, lister, buckets, admission, clock, random, log });
  const fileService = fileRoutes({ dispatcher, clock, log });
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
    onScrubbed: () => large.ownerChecks.checkAll(),
  });

  const listener = await network.listen({
    host: config.host,
    port: config.port,
    routes: [
      ...fileService.routes,
      ...replicaService.routes,
      ...chunkRoutes({ store: chunks, context, clock }),
      ...upkeep.routes,
    ],
  });
  const membership = new Membership({
    superNode,
    store,
    self,
    storeId,
    runId,
    wantedNodeId: config.nodeId,
    address: config.advertise === "" ? listener.address : config.advertise,
    zone: config.zone,
    capacityBytes: config.capacityBytes === 0 ? disk.space().totalBytes : config.capacityBytes,
    disk,
    clock,
    random,
    log,
    load: () => loadMeter.sample(),
    onLoads: (loads) => links.full.told(loads),
    onRefused: onFatal,
  });

  async function refresh(): Promise<void> {
    await membership.refresh();
  }

  const drain = async () => {
    // Clients first: what they asked for still needs this node's votes.
    await fileService.drain();
    await replicaService.drain();
  };
  const close = closer({ listener, membership, coordinator, replica, chunks, large, upkeep, peers, drain });
  try {
    if (!member) await enter(membership, options.signal);
  } catch (error) {
    await close();
    throw error;
  }
  membership.start();
  large.start();
  upkeep.start();
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
  readonly membership: Membership;
  readonly coordinator: Coordinator;
  readonly replica: LocalReplica;
  readonly chunks: ChunkStore;
  readonly large: LargeContent;
  readonly upkeep: Upkeep;
  readonly peers: Peers;
  readonly drain: () => Promise<void>;
}): () => Promise<void> {
  const { listener, membership, coordinator, replica, chunks, large, upkeep, peers, drain } = parts;
  const closeAll = async () => {
    await membership.close();
    const backgroundEnded = Promise.all([large.close(), upkeep.close()]);
    await Promise.all([listener.close(closeGraceMs), drain()]);
    coordinator.close();
    peers.close();
    await backgroundEnded;
    await chunks.close();
    await replica.close();
  };
  let closing: Promise<void> | undefined;
  return () => (closing ??= closeAll());
}

function once(action: (error: QuorumError) => void): (error: QuorumError) => void {
  let done = false;
  return (error) => {
    if (done) return;
    done = true;
    action(error);
  };
}
