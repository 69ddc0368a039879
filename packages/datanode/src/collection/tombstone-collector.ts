/**
 * Gets rid of tombstones that nobody needs any more (PROTOCOL.md, "Collecting tombstones"): looks for those that are old enough
 * among the records here, and has them erased on all replicas, where all of them are there to vote for it.
 *
 * Of the replicas of a partition the first one collects; the others a grace period later each, so that what the first one has
 * not got any more, because a message was lost on its way to another, is collected by whoever has it.
 *
 * The records are looked through only when a tombstone among them is known to be due, and so rarely that it costs a few per
 * cent of a core at most.
 */
import {
  type CancelSignal,
  type CancelTimer,
  type Clock,
  type Log,
  type NodeId,
  partitionOf,
  QuorumError,
} from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import { finished } from "../content/current-file.js";
import type { Collected, Coordinator } from "../coordinator/coordinator.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { SurveyedRecord } from "../replica/messages.js";
import { InFlight } from "../sync/in-flight.js";
import { TransferPace } from "../sync/transfer-pace.js";

/** How old a tombstone is at least when it is collected, unless the node is told otherwise: its delete has been heard of everywhere. */
export const tombstoneGraceMsDefault = 300_000;

/** Two rounds of votes for each: some per cent of a core. */
const collectionsPerSecond = 200;
const collectionsAtOnce = 8;

// As long as a client would wait; what does not succeed is tried again at the next pass.
const timeoutMs = 10_000;

/** A pass over the records takes so little of the time, however many there are. */
const timeShareMax = 0.02;

export interface CollectorCounts {
  /** Tombstones that this node had erased, since its start. */
  readonly collected: number;
  /** Tries that came to nothing: a replica was away, or somebody wrote meanwhile. */
  readonly postponed: number;
}

export interface TombstoneCollectorOptions {
  readonly replica: Pick<LocalReplica, "survey">;
  readonly coordinator: Pick<Coordinator, "collect">;
  readonly store: Pick<ClusterStore, "view">;
  readonly isLocal: (node: NodeId) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  readonly graceMs: number;
}

export class TombstoneCollector {
  readonly #options: TombstoneCollectorOptions;
  readonly #stop = new AbortController();
  readonly #pace: TransferPace;
  #timer: CancelTimer | undefined;
  #pass: Promise<void> | undefined;
  #isStarted = false;
  /** When the next tombstone is due, as far as is known, on the wall clock. */
  #dueMs = Infinity;
  /** Not before, on the clock's own time. */
  #notBeforeMs = 0;
  #collected = 0;
  #postponed = 0;

  constructor(options: TombstoneCollectorOptions) {
    this.#options = options;
    const rates = { recordsPerSecond: collectionsPerSecond, bytesPerSecond: Infinity };
    this.#pace = new TransferPace({ ...options, rates });
  }

  get counts(): CollectorCounts {
    return { collected: this.#collected, postponed: this.#postponed };
  }

  /** Nobody knows what the process before this one has left. */
  start(): void {
    this.#isStarted = true;
    this.noticed(this.#options.clock.wallMs());
  }

  /** A tombstone was stored here whose delete was made at this time, by the wall clock. */
  noticed(modifiedAtMs: number): void {
    const dueMs = modifiedAtMs + this.#options.graceMs;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#arrange();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.();
    await this.#pass;
  }

  #arrange(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (!this.#isStarted || this.#pass || this.#stop.signal.aborted || this.#dueMs === Infinity) return;
    // Not at once: who tells of a tombstone is about to put it on its way to the disk. And the wall clock may be set, so
    // that it is looked at again now and then.
    const delayMs = Math.max(1, Math.min(this.#leftMs, this.#options.graceMs));
    this.#timer = this.#options.clock.after(delayMs, () => this.#begin());
  }

  get #leftMs(): number {
    const { clock } = this.#options;
    return Math.max(this.#dueMs - clock.wallMs(), this.#notBeforeMs - clock.nowMs());
  }

  #begin(): void {
    this.#timer = undefined;
    if (this.#leftMs > 0) {
      this.#arrange();
      return;
    }
    this.#pass = this.#run().finally(() => {
      this.#pass = undefined;
      this.#arrange();
    });
  }

  async #run(): Promise<void> {
    const { clock, log, graceMs } = this.#options;
    this.#dueMs = Infinity;
    this.#notBeforeMs = clock.nowMs() + graceMs / 2;
    if (!this.#couldCollect) {
      this.noticed(clock.wallMs());
      return;
    }
    const before = this.counts;
    try {
      await this.#collectAll(this.#stop.signal);
    } catch (thrown) {
      log.warn("tombstones.collection-failed", { reason: QuorumError.from(thrown).message });
      this.noticed(clock.wallMs());
    }
    const collected = this.#collected - before.collected;
    const postponed = this.#postponed - before.postponed;
    if (collected + postponed > 0) log.info("tombstones.collected", { collected, postponed });
  }

  async #collectAll(signal: AbortSignal): Promise<void> {
    const { replica, clock, graceMs } = this.#options;
    const inFlight = new InFlight({ tasksMax: collectionsAtOnce, bytesMax: Infinity });
    let lookingMs = 0;
    let lookedSinceMs = clock.nowMs();
    for await (const records of replica.survey({ wants: () => true })) {
      lookingMs += clock.nowMs() - lookedSinceMs;
      for (const record of records) {
        if (record.kind !== "record" || !record.isTombstone || !this.#isDue(record)) continue;
        await inFlight.room(0);
        await this.#pace.spend(0, signal);
        if (signal.aborted) break;
        inFlight.run(0, () => this.#collect(record, signal));
      }
      await this.#pace.letClientsPass(signal);
      if (signal.aborted) break;
      lookedSinceMs = clock.nowMs();
    }
    await inFlight.ended();
    this.#notBeforeMs = clock.nowMs() + Math.max(graceMs / 2, lookingMs / timeShareMax);
  }

  /** Whether it is this node's turn to collect the tombstone; if not yet, or not now, notes when to look again. */
  #isDue({ bucket, path, modifiedAtMs }: Extract<SurveyedRecord, { kind: "record" }>): boolean {
    const { store, clock, isLocal, graceMs } = this.#options;
    const { layout, buckets } = store.view;
    const partition = partitionOf(bucket, path, layout?.partitions.length);
    const rank = layout?.partitions[partition]?.nodes.findIndex(isLocal) ?? -1;
    // Of a bucket that is being deleted, nothing is voted on; a partition that has moved away is none of ours.
    if (rank < 0 || buckets.get(bucket)?.deleting !== false) return false;
    const turnMs = modifiedAtMs + rank * graceMs;
    const isDue = turnMs + graceMs <= clock.wallMs() && this.#isComplete(partition);
    if (!isDue) this.noticed(Math.max(turnMs, clock.wallMs() - graceMs));
    return isDue;
  }

  get #couldCollect(): boolean {
    const partitions = this.#options.store.view.layout?.partitions ?? [];
    return partitions.some((_, partition) => this.#isComplete(partition));
  }

  /** Whether this node votes on the partition, which does not move, and all others who do are there. */
  #isComplete(partition: number): boolean {
    const { store, isLocal } = this.#options;
    const { layout, nodes } = store.view;
    const assignment = layout?.partitions[partition];
    if (!assignment || assignment.joining.length > 0 || !assignment.nodes.some(isLocal)) return false;
    return assignment.nodes.every((node) => nodes.get(node)?.state === "up");
  }

  async #collect({ bucket: id, path }: SurveyedRecord, signal: CancelSignal): Promise<void> {
    const { coordinator, store, clock, log } = this.#options;
    const bucket = store.view.buckets.get(id);
    if (!bucket) return;
    try {
      const deadlineMs = clock.nowMs() + timeoutMs;
      const outcome = await finished<Collected>(
        (done) => coordinator.collect({ bucket, path, deadlineMs }, done),
        signal,
      );
      if (outcome.kind === "erasing") this.#collected += 1;
      if (outcome.kind !== "postponed") return;
      log.debug("tombstone.postponed", { bucket: id, path, reason: outcome.reason });
    } catch (thrown) {
      if (signal.aborted) return;
      log.debug("tombstone.postponed", { bucket: id, path, reason: QuorumError.from(thrown).message });
    }
    this.#postponed += 1;
    this.noticed(clock.wallMs() - this.#options.graceMs);
  }
}
