/**
 * Takes over the partitions that this node is joining: records first, then chunks, until a joint layout finds here all that it
 * asks for. What cannot be had now is tried again for as long as the layout stands.
 */
import type { Clock, Log, PartitionId } from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { ChunkTakeover } from "./chunk-takeover.js";
import type { Holdings, PartitionVersion } from "./holdings.js";
import type { PassResult, RecordTakeover } from "./record-takeover.js";
import { Worker } from "./worker.js";

/** Partitions whose chunks are fetched together: each walk through the chunks of others finds those of so many, and is one step of progress. */
const chunkBatch = 128;

export interface TakeoverOptions {
  readonly self: Pick<LocalNode, "member">;
  readonly store: Pick<ClusterStore, "view" | "onInstalled">;
  readonly holdings: Holdings;
  readonly records: Pick<RecordTakeover, "run">;
  readonly chunks: Pick<ChunkTakeover, "run">;
  readonly clock: Clock;
  readonly log: Log;
  /** Partitions have come here whole, and with them chunks of which it is not known yet which versions name them. */
  readonly onSynced: () => void;
}

export class Takeover {
  readonly #options: TakeoverOptions;
  readonly #worker: Worker;
  readonly #unsubscribes: readonly (() => void)[];
  /** Joint layouts by partition of which the records are here. */
  readonly #recordsDone = new Map<PartitionId, number>();
  #obstacle = "";
  /** Since when this node takes over what it does now, and how much of that is done. */
  #effort: { readonly sinceMs: number; done: number } | undefined;

  constructor(options: TakeoverOptions) {
    const { store, holdings, clock, log } = options;
    this.#options = options;
    this.#worker = new Worker({ clock, log, name: "takeover", work: (signal) => this.#pass(signal) });
    this.#unsubscribes = [
      store.onInstalled((view, before) => {
        // What was in the way may be so no more: a node is back, say.
        if (view.revision !== before.revision) this.#worker.wake();
      }),
      holdings.onChange(() => this.#worker.wake()),
    ];
  }

  start(): void {
    this.#worker.start();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    await this.#worker.close();
  }

  /** The partitions that are joint and of which everything is here. */
  synced(): readonly PartitionVersion[] {
    return this.#joint().filter((version) => this.#options.holdings.isSynced(version));
  }

  /** Partitions that are joint and of which not everything is here. */
  get lacking(): number {
    return this.#joint().filter((version) => !this.#options.holdings.isSynced(version)).length;
  }

  /** Until all is here at the present pace; 0: not known, or nothing to do. */
  get remainingMs(): number {
    const { lacking } = this;
    if (!this.#effort || this.#effort.done === 0 || lacking === 0) return 0;
    const elapsedMs = this.#options.clock.nowMs() - this.#effort.sinceMs;
    return Math.round((elapsedMs / this.#effort.done) * lacking);
  }

  /** Why it gets no further with a partition, for people; empty: nothing is in the way. */
  get obstacle(): string {
    return this.#obstacle;
  }

  #joint(): readonly PartitionVersion[] {
    const { self, store } = this.#options;
    const node = self.member?.nodeId;
    if (node === undefined) return [];
    const joint: PartitionVersion[] = [];
    for (const [index, { joining, layout }] of (store.view.layout?.partitions ?? []).entries()) {
      if (joining.includes(node)) joint.push({ partition: index as PartitionId, layout });
    }
    return joint;
  }

  /** @returns whether nothing is left to do */
  async #pass(signal: AbortSignal): Promise<boolean> {
    const { holdings, clock } = this.#options;
    const due = this.#joint().filter((version) => !holdings.isSynced(version));
    this.#forgetOthers(due);
    if (due.length === 0) {
      this.#effort = undefined;
      this.#obstacle = "";
      return true;
    }
    this.#effort ??= { sinceMs: clock.nowMs(), done: 0 };
    // The others are cleared first of what they had; that wakes the worker again.
    const held = due.filter(({ partition }) => holdings.holds(partition));
    const blocked = new Map<PartitionId, string>();
    await this.#takeRecords(held, blocked, signal);
    await this.#takeChunks(held, blocked, signal);
    this.#tell(blocked);
    return blocked.size === 0;
  }

  async #takeRecords(
    held: readonly PartitionVersion[],
    blocked: Map<PartitionId, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const due = held.filter(({ partition, layout }) => this.#recordsDone.get(partition) !== layout);
    if (due.length === 0 || signal.aborted) return;
    const { log, records, clock } = this.#options;
    const startMs = clock.nowMs();
    const result = await records.run(due, signal);
    for (const { partition, layout } of result.done) this.#recordsDone.set(partition, layout);
    for (const [partition, why] of result.blocked) blocked.set(partition, why);
    const elapsedMs = Math.round(clock.nowMs() - startMs);
    log.info("takeover.records", { partitions: due.length, done: result.done.length, elapsedMs });
  }

  async #takeChunks(
    held: readonly PartitionVersion[],
    blocked: Map<PartitionId, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { chunks, holdings, log, onSynced, store } = this.#options;
    const ready = held.filter(({ partition, layout }) => this.#recordsDone.get(partition) === layout);
    for (let from = 0; from < ready.length && !signal.aborted; from += chunkBatch) {
      const isCurrent = ({ partition, layout }: PartitionVersion): boolean =>
        store.view.layout?.partitions[partition]?.layout === layout;
      const batch = ready.slice(from, from + chunkBatch).filter(isCurrent);
      if (batch.length === 0) continue;
      const result: PassResult = await chunks.run(batch, signal);
      for (const [partition, why] of result.blocked) blocked.set(partition, why);
      const done = result.done.filter(isCurrent);
      if (done.length === 0) continue;
      await holdings.markSynced(done);
      if (this.#effort) this.#effort.done += done.length;
      log.info("takeover.synced", { partitions: done.length });
      onSynced();
    }
  }

  #forgetOthers(due: readonly PartitionVersion[]): void {
    const wanted = new Set(due.map(({ partition }) => partition));
    for (const partition of this.#recordsDone.keys()) if (!wanted.has(partition)) this.#recordsDone.delete(partition);
  }

  #tell(blocked: ReadonlyMap<PartitionId, string>): void {
    const [first] = blocked;
    const others = blocked.size > 1 ? `, and ${blocked.size - 1} others wait as well` : "";
    const obstacle = first ? `partition ${first[0]}: ${first[1]}${others}` : "";
    if (obstacle !== "" && obstacle !== this.#obstacle) this.#options.log.warn("takeover.waits", { obstacle });
    this.#obstacle = obstacle;
  }
}
