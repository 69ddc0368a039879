/**
 * Keeps this node up to date with the other replicas of what it holds: compares digests with each of them, pulls what differs,
 * and fetches what it lacks. One peer after another; a peer that fails is tried again later, and holds up no other.
 *
 *     when                                    what differs is pulled
 *     at the start, and when this node was     at once
 *       taken for gone
 *     when a peer is back                      when it has differed twice, some seconds apart: the peer is catching up itself
 *     after it has fetched something           the same, until nothing is lacking
 *     once a minute                            the same: what is on its way between replicas differs, too
 */
import {
  type CancelTimer,
  type Channel,
  type Clock,
  type Log,
  type NodeId,
  type PartitionId,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { SyncState } from "@quorumfs/proto";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { FileOwner } from "../chunk/chunk-key.js";
import type { Peers } from "../coordinator/peers.js";
import type { PartitionVersion } from "../handover/holdings.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ChunkCatchUp } from "./chunk-catch-up.js";
import { compareDigests, type DigestDifference } from "./compare-digests.js";
import type { ConditionWatch } from "../observe/condition-watch.js";
import type { Digests } from "./digests.js";
import { findLacking } from "./lacking-records.js";
import type { RecordCatchUp } from "./record-catch-up.js";
import { SeenDifferences } from "./seen-differences.js";
import { SyncProgress } from "./sync-progress.js";

/** How often replicas are compared while nothing happens, unless the node is told otherwise. */
export const compareEveryMsDefault = 60_000;

/** A write takes milliseconds from the first replica to the last. */
const secondLookMs = 3000;

/** Who starts anew compares at once with everybody; others need not do the same work meanwhile. */
const returnedMs = 10_000;

/** Counting takes a second for each half million records. */
const notReadyMs = 500;

const retryFirstMs = 1000;
const retryLongestMs = 60_000;

/** What catching up can say of itself. */
export interface CatchUpStatus {
  readonly state: SyncState;
  readonly behindRecords: number;
  readonly behindBytes: number;
  readonly remainingMs: number;
  /** 0: never since the start. */
  readonly inSyncAtMs: number;
  readonly obstacle: string;
}

export interface CatchUpOptions {
  readonly digests: Digests;
  readonly records: Pick<RecordCatchUp, "fetch">;
  readonly chunks: Pick<ChunkCatchUp, "compare" | "isBusy">;
  readonly replica: Pick<LocalReplica, "acceptedOf" | "floorsOf">;
  readonly peers: Pick<Peers, "find">;
  readonly store: Pick<ClusterStore, "view" | "onInstalled">;
  readonly isLocal: (node: NodeId) => boolean;
  /** Whether this node speaks for a partition. */
  readonly holds: (partition: number) => boolean;
  /** Asks the SuperNode for the newest view; never throws. */
  readonly refresh: () => Promise<void>;
  /** Has the chunks of these files looked after. */
  readonly onLarge: (owners: readonly FileOwner[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly compareEveryMs: number;
  /** Told of what is fetched. */
  readonly conditions: Pick<ConditionWatch, "fetching" | "fetched">;
}

interface Replica {
  readonly node: NodeId;
  /** `unknown`: not compared since the start, or since it was away. */
  state: "unknown" | "lacking" | "level";
  dueMs: number;
  /** What differs is pulled without a second look. */
  atOnce: boolean;
  /** Something has differed at the last look, and may have been on its way only. */
  isSecondLook: boolean;
  /** Whether this node has had all chunks that this one has, since its start or its return. */
  hasChunks: boolean;
  /** How many it had not at the last look; undefined: there was none. */
  chunksLacked: number | undefined;
  failures: number;
  readonly seen: SeenDifferences;
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #stop = new AbortController();
  readonly #replicas = new Map<NodeId, Replica>();
  readonly #progress: SyncProgress;
  readonly #unsubscribe: readonly (() => void)[];
  /** The comparison that is under way. */
  #visiting: Promise<void> | undefined;
  #timer: CancelTimer | undefined;
  #isStarted = false;
  #inSyncAtMs = 0;
  #obstacle = "";

  constructor(options: CatchUpOptions) {
    const { store, digests, clock } = options;
    this.#options = options;
    this.#progress = new SyncProgress(clock);
    this.#unsubscribe = [
      store.onInstalled((view, before) => this.#follow(view, before)),
      digests.onCounted(() => this.#arrange()),
    ];
  }

  get status(): CatchUpStatus {
    return {
      state: this.#state,
      behindRecords: this.#progress.records,
      behindBytes: this.#progress.bytes,
      remainingMs: this.#progress.remainingMs,
      inSyncAtMs: this.#inSyncAtMs,
      obstacle: this.#obstacle,
    };
  }

  start(): void {
    this.#isStarted = true;
    this.#compareAllAtOnce();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#timer?.();
    await this.#visiting;
  }

  get #state(): SyncState {
    const live = this.#live;
    if (this.#progress.records > 0 || live.some(({ state }) => state === "lacking")) {
      return SyncState.SYNC_STATE_CATCHING_UP;
    }
    const isKnown = this.#options.digests.isReady && live.every(({ state }) => state === "level");
    // Alone among many, a node has nobody to tell it what it lacks.
    return isKnown && (live.length > 0 || this.#replicas.size === 0)
      ? SyncState.SYNC_STATE_IN_SYNC
      : SyncState.SYNC_STATE_COMPARING;
  }

  get #live(): readonly Replica[] {
    const { nodes } = this.#options.store.view;
    return [...this.#replicas.values()].filter(({ node }) => nodes.get(node)?.state === "up");
  }

  #compareAllAtOnce(): void {
    this.#replicas.clear();
    this.#meet({ atOnce: true });
    this.#arrange();
  }

  /** Takes in the replicas that are new, and leaves those that are none any more. */
  #meet(options: { readonly atOnce: boolean }): void {
    const { store, isLocal, clock } = this.#options;
    const others = othersOf(store.view, isLocal);
    for (const node of this.#replicas.keys()) if (!others.has(node)) this.#replicas.delete(node);
    for (const node of others) {
      if (this.#replicas.has(node)) continue;
      const seen = new SeenDifferences();
      const unknown = {
        state: "unknown",
        isSecondLook: false,
        hasChunks: false,
        chunksLacked: undefined,
        failures: 0,
      } as const;
      this.#replicas.set(node, { node, ...unknown, dueMs: clock.nowMs(), seen, ...options });
    }
  }

  #follow(view: ClusterView, before: ClusterView): void {
    if (!this.#isStarted) return;
    const { isLocal } = this.#options;
    const isBack = (node: NodeId) => {
      const [now, was] = [view.nodes.get(node), before.nodes.get(node)];
      return now?.state === "up" && was !== undefined && (was.state !== "up" || was.incarnation !== now.incarnation);
    };
    if ([...view.nodes.keys()].some((node) => isLocal(node) && isBack(node))) {
      this.#compareAllAtOnce();
      return;
    }
    // What has moved here was fetched from all that had it; what is compared under an older layout meanwhile fails, and is
    // compared again.
    if (view.layoutNumber !== before.layoutNumber) this.#meet({ atOnce: before.layoutNumber === 0 });
    for (const replica of this.#replicas.values()) if (isBack(replica.node)) this.#welcome(replica);
    this.#arrange();
  }

  #welcome(replica: Replica): void {
    const nowMs = this.#options.clock.nowMs();
    replica.seen.forget();
    replica.failures = 0;
    replica.dueMs = replica.state === "unknown" ? nowMs : nowMs + returnedMs;
  }

  /** Sees to it that what is due is done, now or in time. */
  #arrange(): void {
    const { clock, digests, log } = this.#options;
    this.#timer?.();
    this.#timer = undefined;
    if (this.#visiting || this.#stop.signal.aborted || !this.#isStarted || !digests.isReady) return;
    const next = this.#next();
    if (!next) return;
    const delayMs = next.dueMs - clock.nowMs();
    if (delayMs > 0) {
      this.#timer = clock.after(delayMs, () => this.#arrange());
      return;
    }
    this.#visiting = this.#visit(next, this.#stop.signal)
      .catch((error: unknown) => log.error("catch-up.stopped", { error }))
      .finally(() => {
        this.#visiting = undefined;
        this.#progress.end();
        this.#arrange();
      });
  }

  #next(): Replica | undefined {
    const { nodes } = this.#options.store.view;
    let next: Replica | undefined;
    for (const replica of this.#replicas.values()) {
      if (nodes.get(replica.node)?.state === "down") continue;
      if (!next || replica.dueMs < next.dueMs) next = replica;
    }
    return next;
  }

  async #visit(replica: Replica, signal: AbortSignal): Promise<void> {
    const { clock, log, refresh } = this.#options;
    const { node } = replica;
    try {
      const delayMs = await this.#compare(replica, signal);
      replica.failures = 0;
      replica.dueMs = clock.nowMs() + delayMs;
      this.#noteIfLevel();
    } catch (thrown) {
      if (signal.aborted) return;
      const { code, message: reason } = QuorumError.from(thrown);
      log.debug("catch-up.peer-failed", { peer: node, code, reason });
      replica.dueMs = clock.nowMs() + this.#retryMs(replica);
      replica.failures += 1;
      // It follows a layout that this node has not heard of.
      if (code === "precondition_failed") await refresh();
    }
  }

  /** @returns when to compare again */
  async #compare(replica: Replica, signal: AbortSignal): Promise<number> {
    const { peers, digests } = this.#options;
    const { node, seen } = replica;
    const partitions = this.#commonWith(node);
    const channel = peers.find(node)?.bulk;
    if (partitions.length === 0) {
      replica.state = "level";
      return this.#soon;
    }
    if (!channel)
      throw new QuorumError({ code: "unavailable", message: `the address of DataNode ${node} is not known` });
    const differences = await compareDigests({ channel, partitions, digests, signal });
    if (!differences) return notReadyMs;
    const { confirmed, pending } = seen.confirm(differences, { atOnce: replica.atOnce });
    const isFirstLook = pending && !replica.isSecondLook;
    replica.isSecondLook = isFirstLook;
    if (confirmed.length > 0) {
      const lacked = await this.#pull(replica, confirmed, signal);
      replica.atOnce = false;
      if (lacked) return 0;
    }
    // Under load, something else is on its way at each look.
    if (isFirstLook) return secondLookMs;
    if (!(await this.#hasChunks(replica, { channel, partitions }, signal))) return secondLookMs;
    replica.state = "level";
    return this.#soon;
  }

  /** Whether this node has all chunks that the other one has, and that are needed. */
  async #hasChunks(
    replica: Replica,
    place: { readonly channel: Channel; readonly partitions: readonly PartitionVersion[] },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { chunks } = this.#options;
    if (replica.hasChunks) return true;
    if (replica.chunksLacked !== undefined && chunks.isBusy) return false;
    const lacking = await chunks.compare(place.channel, place.partitions, signal);
    // All was looked after, and what is needed of it and could be had is here.
    replica.hasChunks = lacking === 0 || lacking === replica.chunksLacked;
    replica.chunksLacked = lacking;
    if (!replica.hasChunks) replica.state = "lacking";
    return replica.hasChunks;
  }

  /** @returns whether anything was lacking. @throws QuorumError if something could not be had */
  async #pull(replica: Replica, differences: readonly DigestDifference[], signal: AbortSignal): Promise<boolean> {
    const { peers, store, clock, log, records, onLarge, conditions } = this.#options;
    const { node } = replica;
    const channel = peers.find(node)?.bulk;
    if (!channel) throw new QuorumError({ code: "unavailable", message: `DataNode ${node} has gone` });
    const startedAtMs = clock.nowMs();
    const lack = await findLacking({ ...this.#options, differences, channel, store, signal });
    if (lack.count === 0 && lack.damaged === 0) {
      replica.seen.wereVain(differences);
      return false;
    }
    replica.state = "lacking";
    this.#progress.begin(lack);
    log.info("catch-up.started", { from: node, records: lack.count, bytes: lack.bytes, damaged: lack.damaged });
    if (lack.count > 0) conditions.fetching();
    const onDone = ({ size }: { readonly size: number }) => this.#progress.did(size);
    const { held, failed, leftOut, large } = await records.fetch(node, lack.records, { signal, onDone });
    if (large.length > 0) onLarge(large);
    const elapsedMs = Math.round(clock.nowMs() - startedAtMs);
    log.info("catch-up.ended", { from: node, records: held, failed, leftOut, elapsedMs });
    if (held > 0) conditions.fetched(held);
    this.#obstacle = obstacleOf({ leftOut, damaged: lack.damaged });
    if (failed + leftOut + lack.damaged === 0) return true;
    throw new QuorumError({
      code: "unavailable",
      message: `${failed} records could not be had, ${leftOut} have no room, ${lack.damaged} are damaged here`,
    });
  }

  /** The partitions on which both this node and `node` vote, and which do not move: there, the takeover fetches what is lacking. */
  #commonWith(node: NodeId): readonly PartitionVersion[] {
    const { store, isLocal, holds } = this.#options;
    const partitions = store.view.layout?.partitions ?? [];
    return partitions.flatMap(({ nodes, joining, layout }, partition) =>
      joining.length === 0 && nodes.includes(node) && nodes.some(isLocal) && holds(partition)
        ? [{ partition: partition as PartitionId, layout }]
        : [],
    );
  }

  /** In a minute, as a rule; not all nodes in step. */
  get #soon(): number {
    const { random, compareEveryMs } = this.#options;
    return compareEveryMs * (0.75 + random.fraction() / 2);
  }

  #retryMs({ failures }: Replica): number {
    const longestMs = Math.min(retryLongestMs, retryFirstMs * 2 ** Math.min(failures, 16));
    return longestMs * (1 - this.#options.random.fraction() / 2);
  }

  #noteIfLevel(): void {
    if (this.#live.length === 0 || !this.#live.every(({ state }) => state === "level")) return;
    this.#obstacle = "";
    this.#inSyncAtMs = Math.trunc(this.#options.clock.wallMs());
  }
}

/** The other replicas of what this node holds. */
function othersOf(view: ClusterView, isLocal: (node: NodeId) => boolean): ReadonlySet<NodeId> {
  const own = (view.layout?.partitions ?? []).filter(({ nodes }) => nodes.some(isLocal));
  return new Set(own.flatMap(({ nodes }) => nodes).filter((node) => !isLocal(node)));
}

function obstacleOf(rest: { readonly leftOut: number; readonly damaged: number }): string {
  if (rest.leftOut > 0) return `${rest.leftOut} files have no room here: the disk is nearly full`;
  return rest.damaged > 0 ? `${rest.damaged} records here are damaged, and wait for their repair` : "";
}
