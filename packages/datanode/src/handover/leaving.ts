/**
 * Clears away what this node has of partitions that it does not hold any more. Records go at once, since nobody asks for them;
 * chunks when their new replicas have them. A partition that it is to join again is cleared of its records before it begins.
 */
import type { Clock, Log, PartitionId } from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { LocalReplica } from "../replica/local-replica.js";
import { ClientCourtesy } from "../sync/client-courtesy.js";
import type { ChunkDeparture } from "./chunk-departure.js";
import type { Holdings, PartitionVersion } from "./holdings.js";
import { Worker } from "./worker.js";

export interface LeavingOptions {
  readonly self: Pick<LocalNode, "member">;
  readonly store: Pick<ClusterStore, "view" | "onInstalled">;
  readonly holdings: Holdings;
  readonly replica: Pick<LocalReplica, "dropPartitions">;
  readonly chunks: Pick<ChunkDeparture, "run">;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
}

export class Leaving {
  readonly #options: LeavingOptions;
  readonly #worker: Worker;
  readonly #unsubscribe: () => void;
  /** Partitions whose records are gone, and whose chunks may not be. */
  readonly #cleared = new Set<PartitionId>();
  /** Partitions of which chunks have come when it was already forgotten that they were here. */
  readonly #strayed = new Set<PartitionId>();
  #obstacle = "";

  constructor(options: LeavingOptions) {
    const { store, clock, log } = options;
    this.#options = options;
    this.#worker = new Worker({ clock, log, name: "leaving", work: (signal) => this.#pass(signal) });
    this.#unsubscribe = store.onInstalled(() => this.#worker.wake());
  }

  start(): void {
    this.#worker.start();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#worker.close();
  }

  /** Something of a partition that is not this node's has been found here. */
  strayed(partition: PartitionId): void {
    this.#strayed.add(partition);
    this.#worker.wake();
  }

  /** Partitions that are not this node's any more, and of which something may be left here. */
  get left(): number {
    return this.#options.holdings.dropping.filter((partition) => this.#joinedIn(partition) === undefined).length;
  }

  /** Why it does not get rid of a chunk, for people; empty: nothing is in the way. */
  get obstacle(): string {
    return this.#obstacle;
  }

  /** @returns whether nothing is left to do */
  async #pass(signal: AbortSignal): Promise<boolean> {
    const { holdings, log } = this.#options;
    const dropping = holdings.dropping;
    for (const partition of this.#cleared) if (!dropping.includes(partition)) this.#cleared.delete(partition);
    await this.#clear(dropping, signal);
    if (signal.aborted) return false;
    const again: PartitionVersion[] = [];
    const gone = new Set<PartitionId>();
    for (const partition of dropping) {
      const layout = this.#joinedIn(partition);
      if (layout === undefined) gone.add(partition);
      else again.push({ partition, layout });
    }
    await holdings.begin(again);
    for (const partition of this.#strayed) {
      if (holdings.holds(partition)) this.#strayed.delete(partition);
      else gone.add(partition);
    }
    if (gone.size === 0) {
      this.#obstacle = "";
      return true;
    }
    const left = await this.#options.chunks.run(gone, signal);
    if (signal.aborted) return false;
    const done = [...gone].filter((partition) => !left.has(partition));
    await holdings.forget(done);
    for (const partition of done) this.#strayed.delete(partition);
    const [first] = left;
    this.#obstacle = first ? `partition ${first[0]}, whose chunks others are to have first: ${first[1]}` : "";
    log.info("leaving.dropped", { partitions: gone.size - left.size, left: left.size });
    return left.size === 0;
  }

  async #clear(dropping: readonly PartitionId[], signal: AbortSignal): Promise<void> {
    const { replica, clock, isBusy } = this.#options;
    const due = new Set(dropping.filter((partition) => !this.#cleared.has(partition)));
    if (due.size === 0) return;
    const courtesy = new ClientCourtesy({ clock, isBusy });
    await replica.dropPartitions(due, { signal, pause: () => courtesy.letPass(signal) });
    if (!signal.aborted) for (const partition of due) this.#cleared.add(partition);
  }

  /** The joint layout in which this node is to hold the partition; undefined: it is not. */
  #joinedIn(partition: PartitionId): number | undefined {
    const { self, store } = this.#options;
    const node = self.member?.nodeId;
    const assignment = store.view.layout?.partitions[partition];
    return node !== undefined && assignment?.joining.includes(node) ? assignment.layout : undefined;
  }
}
