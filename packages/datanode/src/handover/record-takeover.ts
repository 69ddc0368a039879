/**
 * The records of the partitions that this node is joining: goes through all files that the old groups have, in windows, and
 * sees to it that each is here, or settled. Nodes that stay do so, too: after the move any quorum of the new group must meet
 * what any quorum of the old one has chosen, and they may have missed it. Where nothing is missing that costs a comparison.
 */
import { type BucketId, type NodeId, type PartitionId, QuorumError, type Takeover, takeoverOf } from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView } from "../cluster/cluster-view.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { FileTaken, FileTakeover } from "./file-takeover.js";
import type { PartitionVersion } from "./holdings.js";
import type { MovePace } from "./move-pace.js";
import type { FileName, RecordWindow, RecordWindows, WindowFile, WindowPartition } from "./record-windows.js";

/** Files under way at a time: their votes share commits; contents are 128 KiB each at most, few of them manifests of 1 MiB. */
const filesAtOnce = 32;

export interface RecordTakeoverOptions {
  readonly self: NodeId;
  readonly store: Pick<ClusterStore, "view">;
  readonly windows: Pick<RecordWindows, "read">;
  readonly files: Pick<FileTakeover, "ask" | "take">;
  readonly replica: Pick<LocalReplica, "raiseFloors">;
  readonly pace: Pick<MovePace, "spend">;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  /** A file was copied or settled. */
  readonly onTaken: (bytes: number) => void;
}

/** How far a pass came: partitions that are not `done` are `blocked`, and why. */
export interface PassResult {
  readonly done: readonly PartitionVersion[];
  readonly blocked: ReadonlyMap<PartitionId, string>;
}

/** The partitions of one pass that nothing is in the way of, so far. */
class Pass {
  readonly open: Map<PartitionId, WindowPartition>;
  readonly blocked = new Map<PartitionId, string>();
  readonly floors = new Map<PartitionId, number>();
  /** Buckets that the SuperNode, too, does not know. */
  readonly goneBuckets = new Set<BucketId>();

  constructor(partitions: readonly WindowPartition[]) {
    this.open = new Map(partitions.map((partition) => [partition.partition, partition]));
  }

  block(partition: PartitionId, why: string): void {
    if (this.open.delete(partition)) this.blocked.set(partition, why);
  }
}

const nothingToTake: FileTaken = Object.freeze({ kind: "held" });

export class RecordTakeover {
  readonly #options: RecordTakeoverOptions;

  constructor(options: RecordTakeoverOptions) {
    this.#options = options;
  }

  /** Resolves when all is durable here that could be had. @throws QuorumError `unavailable`: this node's disk failed */
  async run(partitions: readonly PartitionVersion[], signal: AbortSignal): Promise<PassResult> {
    const { store, windows, replica } = this.#options;
    const pass = new Pass(
      partitions.map((version) => ({
        ...version,
        sources: store.view.layout?.partitions[version.partition]?.nodes ?? [],
      })),
    );
    let after: FileName | undefined;
    do {
      this.#blockMoved(pass);
      if (pass.open.size === 0 || signal.aborted) break;
      const window = await windows.read([...pass.open.values()], after, signal);
      this.#blockShort(pass, window);
      await this.#takeAll(pass, window.files, window, signal);
      for (const [partition, floor] of window.floors) pass.floors.set(partition, floor);
      after = window.reach;
    } while (after);
    if (signal.aborted) return { done: [], blocked: pass.blocked };
    // Behind the records: below a floor no file without a record takes a vote.
    await replica.raiseFloors(new Map([...pass.floors].filter(([partition]) => pass.open.has(partition))));
    this.#blockMoved(pass);
    return { done: [...pass.open.values()], blocked: pass.blocked };
  }

  #blockMoved(pass: Pass): void {
    const { layout } = this.#options.store.view;
    for (const { partition, layout: number } of [...pass.open.values()]) {
      if (layout?.partitions[partition]?.layout !== number) pass.block(partition, "its layout has changed meanwhile");
    }
  }

  /** A window without a read quorum of the old group says nothing about a partition. */
  #blockShort(pass: Pass, { told, failures }: RecordWindow): void {
    const reads = [...this.#options.store.view.buckets.values()].map(({ read }) => read);
    const needed = Math.max(1, ...reads);
    for (const { partition, sources } of [...pass.open.values()]) {
      const got = sources.filter((node) => told.has(node)).length;
      if (got >= needed && told.has(this.#options.self)) continue;
      const silent = [...failures]
        .filter(([node]) => node === this.#options.self || sources.includes(node))
        .map(([node, { message }]) => `DataNode ${node}: ${message}`);
      pass.block(partition, `${got} of the ${needed} nodes that are needed tell what they hold (${silent.join("; ")})`);
    }
  }

  async #takeAll(pass: Pass, files: readonly WindowFile[], { told }: RecordWindow, signal: AbortSignal): Promise<void> {
    const { pace } = this.#options;
    let next = 0;
    const work = async (): Promise<void> => {
      // Of its own: so many listeners at one signal would look like a leak.
      const stop = AbortSignal.any([signal]);
      for (let file = files[next++]; file && !signal.aborted; file = files[next++]) {
        const partition = pass.open.get(file.partition);
        if (!partition) continue;
        try {
          const taken = await this.#take(pass, file, { partition, told });
          if (taken.kind !== "held") await pace.spend(taken.bytes, stop);
        } catch (thrown) {
          const { message } = QuorumError.from(thrown);
          pass.block(file.partition, `${this.#nameOf(file)}: ${message}`);
        }
      }
    };
    await Promise.all(Array.from({ length: filesAtOnce }, work));
  }

  async #take(
    pass: Pass,
    file: WindowFile,
    asked: { readonly partition: WindowPartition; readonly told: ReadonlySet<NodeId> },
  ): Promise<FileTaken> {
    const { self, files, onTaken } = this.#options;
    const { partition, told } = asked;
    const { path } = file;
    const { sources, layout } = partition;
    let { held } = file;
    const bucket = await this.#bucketOf(pass, file);
    // It is gone, or going: nobody votes on its files any more.
    if (!bucket || bucket.deleting) return nothingToTake;
    const from = { members: sources, read: bucket.read, write: bucket.write };
    const heard = sources.filter((node) => told.has(node));
    const listed = new Map(heard.map((node) => [node, held.get(node) ?? ({ kind: "none" } as const)]));
    let takeover: Takeover = takeoverOf({ self, from, answers: listed });
    if (takeover.kind === "unsettled") {
      // Lists of several nodes are no snapshot: a file that is written just now looks so, and has settled by itself as a rule.
      const answers = await files.ask({ bucket, path, layout }, [...new Set([...heard, self])]);
      if (!answers.has(self)) throw new QuorumError({ code: "unavailable", message: "this node does not vote on it" });
      held = answers;
      takeover = takeoverOf({ self, from, answers: new Map([...answers].filter(([node]) => sources.includes(node))) });
    }
    if (takeover.kind === "nothing") return nothingToTake;
    if (takeover.kind === "short") {
      const message = `${takeover.got} of the ${takeover.needed} nodes that are needed can tell what they hold of it`;
      throw new QuorumError({ code: "unavailable", message });
    }
    const here = held.get(self);
    const own = here?.kind === "record" ? here.accepted : undefined;
    const taken = await files.take({ bucket, path, layout, takeover, own, stays: sources.includes(self) });
    if (taken.kind !== "held") onTaken(taken.bytes);
    return taken;
  }

  async #bucketOf(pass: Pass, { bucket }: FileName): Promise<BucketView | undefined> {
    const { store, refresh } = this.#options;
    const known = store.view.buckets.get(bucket);
    if (known || pass.goneBuckets.has(bucket)) return known;
    // Perhaps it is newer than what this node knows.
    await refresh();
    const found = store.view.buckets.get(bucket);
    if (!found) pass.goneBuckets.add(bucket);
    return found;
  }

  #nameOf({ bucket, path }: FileName): string {
    return `${this.#options.store.view.buckets.get(bucket)?.name ?? bucket}/${path}`;
  }
}
