/**
 * This node's place in the cluster: joins, beats, follows the layout. All of it goes on for ever by itself; while no
 * SuperNode answers, the node serves with what it knew last.
 */
import { type CancelTimer, type Clock, type Disk, type Log, QuorumError, type Random, nodeId } from "@quorumfs/core";
import { type Load, type NodeLoad, NodeRole, type PartitionSync } from "@quorumfs/proto";
import type { ClusterStore } from "./cluster-store.js";
import type { ActivityReport } from "../observe/activity-report.js";
import type { NoticedEvents } from "../observe/noticed-events.js";
import { isDispensable } from "./dispensable.js";
import { type FinalFault, type Identity, isFinalFault, rememberFault, rememberMember } from "./identity.js";
import type { LocalNode } from "./local-node.js";
import { RetryPause } from "./retry-pause.js";
import type { SuperNode } from "./super-node.js";

export const heartbeatMs = 500;

// A SuperNode that is there answers within milliseconds, and one that is not must not keep the files away for long.
const firstWordMs = 1000;

// A SuperNode that is there has them within milliseconds. One that is not must not keep this node from closing.
const lastWordsMs = 500;

export interface MembershipOptions {
  readonly superNode: SuperNode;
  readonly store: ClusterStore;
  readonly self: LocalNode;
  readonly storeId: Identity["storeId"];
  readonly runId: Identity["runId"];
  /** Why the cluster has refused this store for good, in an earlier run. */
  readonly fault: Identity["fault"];
  /** The id to ask for at the first Join; undefined takes any. */
  readonly wantedNodeId: number | undefined;
  /** host:port under which others reach this node. */
  readonly address: string;
  readonly zone: string;
  readonly capacityBytes: number;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly load: () => Load;
  readonly activity: Pick<ActivityReport, "take" | "skip">;
  readonly events: NoticedEvents;
  /** host:port of this node's metrics over HTTP; empty: it serves none. */
  readonly metricsAddress: string;
  /** Partitions that it is joining, and of which it holds by now all that it was to. */
  readonly synced: () => readonly PartitionSync[];
  /** Told about once a second what the cluster's nodes are doing. */
  readonly onLoads: (loads: readonly NodeLoad[]) => void;
  /**
   * The cluster does not want this node, and never will; called once. With `details.storeFault` it is its store only: a node
   * with another one is welcome.
   */
  readonly onRefused: (error: QuorumError) => void;
  /** This node was told to leave, has given everything away, and is no member any more; called once, in the place of that. */
  readonly onLeft: () => void;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #stop = new AbortController();
  readonly #pause: RetryPause;
  readonly #unsubscribe: () => void;
  #loops: readonly Promise<void>[] = [];
  /** Whether the SuperNode that beats go to has been told of this run. */
  #joined = false;
  /** The number to ask for at the first Join; 0 takes any. */
  #wantedNodeId: number;
  /** Whether the cluster has taken this node in at least once since it started. */
  #wasTaken = false;
  /** Sends a beat ahead of its time. */
  #beatNow: () => void = nothing;
  #isBeating = false;
  #refreshing: Promise<void> | undefined;
  #refreshNext: Promise<void> | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#unsubscribe = options.store.onInstalled((view, before) => {
      // The SuperNode waits until enough nodes follow a layout.
      if (view.layoutNumber !== before.layoutNumber) this.hurry();
    });
    this.#pause = new RetryPause(options);
    this.#wantedNodeId = options.wantedNodeId ?? 0;
  }

  /**
   * Hears the cluster's first word on this store, before which it must not vote. A node without a cluster joins its first,
   * trying until the SuperNode answers. One that has a cluster is let go, to serve and to join in the background, also when no
   * answer comes in time: files are not kept away by a SuperNode that is.
   *
   * @throws QuorumError why the cluster does not want this node. With `details.storeFault` `rolled_back` or `retired`, which is
   *   told only when the cluster can do without it: the store is to be set aside, and a new node may join in its place;
   *   `cancelled` when `close` was called meanwhile
   */
  async enter(): Promise<void> {
    const { self, log, fault } = this.#options;
    const { signal } = this.#stop;
    if (fault !== undefined) throw await this.#whenDispensable(refusedBefore(fault));
    while (!signal.aborted) {
      try {
        await this.#join(self.member ? firstWordMs : undefined);
        return;
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        const { storeFault } = error.details;
        if (signal.aborted) break;
        if (isFinalFault(storeFault)) throw await this.#refusedForGood(error, storeFault);
        const isNumberTaken = storeFault === "number_taken";
        if (isNumberTaken && !self.member && this.#wantedNodeId !== 0) {
          log.warn("membership.number-taken", { wanted: this.#wantedNodeId, reason: error.message });
          this.#wantedNodeId = 0;
          continue;
        }
        if (storeFault === "foreign") throw foreign(error, this.#options.address);
        if (isFinal(error) && !(isNumberTaken && self.member)) throw error;
        log.warn("membership.join-failed", { reason: error.message });
        // A copy of the store of a node that runs must not vote beside it.
        if (self.member && storeFault !== "in_use") return;
        await this.#pause.wait(signal);
      }
    }
    throw stopped();
  }

  /** Beats and follows the layout until `close`. */
  start(): void {
    this.#loops = [this.#beatForever(), this.#watchForever()];
  }

  /**
   * Asks for the newest cluster. What the caller has seen happen before the call is in it.
   *
   * @throws QuorumError `unavailable` when no SuperNode answers
   */
  refresh(): Promise<void> {
    if (!this.#refreshing) {
      this.#refreshing = this.#refreshOnce().finally(() => (this.#refreshing = undefined));
      return this.#refreshing;
    }
    // An answer that is on its way may be older than what the caller knows; everybody who comes meanwhile shares the next.
    this.#refreshNext ??= this.#refreshing
      .catch(() => undefined)
      .then(() => {
        this.#refreshNext = undefined;
        return this.refresh();
      });
    return this.#refreshNext;
  }

  /** Has the SuperNode hear at once what the next beat would tell: a move of partitions waits for it. */
  hurry(): void {
    this.#beatNow();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#sayLastWords();
    this.#stop.abort();
    await Promise.all(this.#loops);
    this.#options.superNode.close();
  }

  /** What was noticed just now may be why this node ends. */
  async #sayLastWords(): Promise<void> {
    const { events } = this.#options;
    if (!this.#isBeating || this.#stop.signal.aborted || events.undelivered === 0) return;
    this.hurry();
    await events.allDelivered(lastWordsMs);
  }

  async #join(timeoutMs?: number): Promise<void> {
    const { superNode, store, self, disk, log, storeId, runId, ...rest } = this.#options;
    const { member } = self;
    const joined = await superNode.join(
      {
        clusterId: member?.clusterId ?? "",
        nodeId: member?.nodeId ?? this.#wantedNodeId,
        storeId,
        address: rest.address,
        zone: rest.zone,
        capacityBytes: rest.capacityBytes,
        incarnation: self.incarnation,
        layout: store.view.layoutNumber,
        version: self.version,
        runId,
        commits: disk.commits,
        revision: store.view.revision,
        metricsAddress: rest.metricsAddress,
      },
      { signal: this.#stop.signal, ...(timeoutMs !== undefined && { timeoutMs }) },
    );
    const given = { clusterId: joined.clusterId, nodeId: nodeId(joined.nodeId) };
    if (!member) {
      await rememberMember(disk, given);
      self.become(given);
      superNode.reintroduce();
    } else if (member.clusterId !== given.clusterId || member.nodeId !== given.nodeId) {
      throw new QuorumError({
        code: "permission_denied",
        message: `node ${member.nodeId} of cluster ${member.clusterId} was taken for ${given.nodeId} of ${given.clusterId}`,
      });
    }
    await store.install(joined.cluster);
    this.#joined = true;
    this.#wasTaken = true;
    log.info("membership.joined", { node: given.nodeId, cluster: given.clusterId, incarnation: self.incarnation });
  }

  async #beatForever(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        // A SuperNode that was lost may have forgotten that this node is up, or where.
        if (!this.#joined) await this.#join();
        await this.#beat();
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (signal.aborted) return;
        log.warn("membership.lost", { reason: error.message });
        const isCopy = error.details.storeFault === "in_use";
        if ((isFinal(error) || isCopy) && (await this.#mustEnd(error))) return;
      }
      this.#joined = false;
      await this.#pause.wait(signal);
    }
  }

  /** Ends this node if its SuperNode may refuse it. @returns whether it does */
  async #mustEnd(error: QuorumError): Promise<boolean> {
    const { disk, log, onRefused, onLeft } = this.#options;
    const { storeFault } = error.details;
    if (storeFault === "number_taken") {
      // Numbers are not given twice, so this is a SuperNode that has forgotten whose this one is.
      log.error("membership.forgetful-super-node", { reason: error.message });
      return false;
    }
    if (isFinalFault(storeFault)) {
      const wasTold = this.#wasToldToLeave();
      // A disk that refuses ends this node anyway.
      await rememberFault(disk, storeFault).catch(() => undefined);
      if (storeFault === "retired" && wasTold) onLeft();
      else onRefused(error);
      return true;
    }
    if (await this.#isOfAnotherCluster()) return false;
    onRefused(error);
    return true;
  }

  #wasToldToLeave(): boolean {
    const { store, self } = this.#options;
    const { nodes = [], formerNodes = [] } = store.cluster ?? {};
    const own = nodes.find(({ id }) => id === self.member?.nodeId);
    // The SuperNode publishes that a node has left before it tells the node.
    return own ? own.role === NodeRole.NODE_ROLE_LEAVING : formerNodes.includes(self.id);
  }

  async #refusedForGood(error: QuorumError, fault: FinalFault): Promise<QuorumError> {
    // Asked again it might be let in: every start makes it look a little newer.
    await rememberFault(this.#options.disk, fault);
    return this.#whenDispensable(error);
  }

  /**
   * Waits until it is certain that nothing is lost with this store: its own cluster, by the word of a SuperNode that knows all
   * that this node knows, has everything elsewhere. A cluster whose nodes were all restored from backups is not that.
   *
   * @returns the refusal, for the caller to throw
   */
  async #whenDispensable(refusal: QuorumError): Promise<QuorumError> {
    const { superNode, self, store, log } = this.#options;
    const { signal } = this.#stop;
    const { member } = self;
    if (!member) return refusal;
    log.error("membership.store-refused", { reason: refusal.message, fault: refusal.details.storeFault });
    let wasTold = false;
    while (!signal.aborted) {
      try {
        const cluster = await superNode.cluster(signal);
        const { revision, layoutNumber } = store.view;
        const isOurs = cluster.clusterId === member.clusterId;
        const isOlder = cluster.revision < revision || (cluster.layout?.number ?? 0) < layoutNumber;
        if (isOurs && !isOlder && isDispensable(cluster, member.nodeId)) return refusal;
        if (!wasTold)
          log.error("membership.store-kept", { reason: "the other DataNodes do not have everything just now" });
        wasTold = true;
      } catch (thrown) {
        log.warn("membership.super-node-away", { reason: QuorumError.from(thrown).message });
      }
      await this.#pause.wait(signal);
    }
    return stopped();
  }

  /**
   * Whether the SuperNode has become that of another cluster since it took this node in: it lost its store, or somebody
   * else has its address now. Its refusal is no reason to stop serving then; a cluster must not die of its control plane.
   */
  async #isOfAnotherCluster(): Promise<boolean> {
    const { superNode, self, log } = this.#options;
    if (!this.#wasTaken) return false;
    try {
      const { clusterId } = await superNode.cluster(this.#stop.signal);
      if (clusterId === self.member?.clusterId) return false;
      log.error("membership.foreign-super-node", { theirs: clusterId, ours: self.member?.clusterId });
      return true;
    } catch {
      return true;
    }
  }

  /** Sends beats until the stream ends. */
  #beat(): Promise<void> {
    const { superNode, self, store, disk, clock, load, activity, events, synced } = this.#options;
    const stream = superNode.heartbeat(this.#stop.signal);
    return new Promise((resolve, reject) => {
      let cancelNext: CancelTimer | undefined;
      let isFree = true;
      activity.skip();
      const send = () => {
        const { id: node, incarnation } = self;
        // A beat that cannot leave is left out: the next one says more.
        if (isFree) {
          const { revision } = store.view;
          isFree = stream.write({
            nodeId: node,
            incarnation,
            load: load(),
            revision,
            synced: [...synced()],
            commits: disk.commits,
            activity: activity.take(),
            events: events.due(),
          });
        }
        cancelNext = clock.after(heartbeatMs, send);
      };
      this.#beatNow = () => {
        cancelNext?.();
        send();
      };
      this.#isBeating = true;
      stream.onMessage(({ eventsThrough }) => {
        this.#pause.reset();
        if (events.delivered(eventsThrough)) this.hurry();
      });
      stream.onDrain(() => (isFree = true));
      stream.onEnd((error) => {
        this.#isBeating = false;
        this.#beatNow = nothing;
        cancelNext?.();
        if (error) reject(error);
        else resolve();
      });
      send();
    });
  }

  async #watchForever(): Promise<void> {
    const { superNode, store, clock, random, log, onLoads } = this.#options;
    const { signal } = this.#stop;
    const retry = new RetryPause({ clock, random });
    while (!signal.aborted) {
      try {
        for await (const update of superNode.watch(store.view.revision, signal)) {
          if (update.$case === "cluster") await store.install(update.value);
          else onLoads(update.value.nodes);
          retry.reset();
        }
      } catch (thrown) {
        if (signal.aborted) return;
        log.debug("membership.watch-lost", { reason: QuorumError.from(thrown).message });
      }
      await retry.wait(signal);
    }
  }

  async #refreshOnce(): Promise<void> {
    const { superNode, store } = this.#options;
    try {
      await store.install(await superNode.cluster(this.#stop.signal));
    } catch (cause) {
      const reason = QuorumError.from(cause).message;
      throw new QuorumError({ code: "unavailable", message: `the SuperNode could not be asked: ${reason}`, cause });
    }
  }
}

function stopped(): QuorumError {
  return new QuorumError({ code: "cancelled", message: "the DataNode was stopped before it could join" });
}

function foreign(cause: QuorumError, address: string): QuorumError {
  return new QuorumError({
    code: cause.code,
    message:
      `${cause.message}; the data directory is left as it is: name the SuperNode of its own cluster with --supernode, or another ` +
      "--data-dir; if that SuperNode has lost its store and was started with an empty one, make it anew with " +
      `quorumfs-supernode --reseed-from ${address}`,
    details: cause.details,
    cause,
  });
}

function refusedBefore(storeFault: FinalFault): QuorumError {
  const why =
    storeFault === "retired" ? "its node has left the cluster" : "it is older than what the cluster knows of it";
  return new QuorumError({
    code: "permission_denied",
    message: `the cluster has refused this store for good: ${why}`,
    details: { storeFault },
  });
}

/** What trying again will not change. */
function isFinal(error: QuorumError): boolean {
  return (
    error.code === "permission_denied" || error.code === "invalid_argument" || error.code === "precondition_failed"
  );
}

function nothing(): void {}
