/**
 * The chunks of partitions that this node is joining: hears from the old groups what they have, and fetches what is not here. An
 * upload may put chunks there that nobody has told of; who gives the partition up hands them on before it forgets them.
 */
import { type Clock, type NodeId, type PartitionId, partitionOfChunk, QuorumError } from "@quorumfs/core";
import { chunkKeyBytes } from "../chunk/chunk-key.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ChunkFetch } from "../content/chunk-fetch.js";
import type { Peers } from "../coordinator/peers.js";
import type { PartitionVersion } from "./holdings.js";
import type { MovePace } from "./move-pace.js";
import { type PulledChunk, pullChunks } from "./pull-chunks.js";
import type { PassResult } from "./record-takeover.js";

/** Chunks that are noted before they are fetched: some 4 MiB, and 64 GiB of content. What is left is told again. */
const notedMax = 16_384;

/** Each has 4 MiB to move, of which the network and two disks take turns. */
const fetchesAtOnce = 4;

export interface ChunkTakeoverOptions {
  readonly self: NodeId;
  readonly store: Pick<ClusterStore, "view">;
  readonly chunks: Pick<ChunkStore, "has" | "begin">;
  readonly fetch: Pick<ChunkFetch, "fetch">;
  readonly peers: Pick<Peers, "find">;
  readonly clock: Clock;
  readonly pace: Pick<MovePace, "spend">;
  readonly onFetched: (bytes: number) => void;
}

interface Noted extends PulledChunk {
  readonly from: NodeId;
  readonly partition: PartitionId;
}

/** The partitions of one pass that nothing is in the way of, so far. */
class Pass {
  readonly open: Map<PartitionId, PartitionVersion>;
  readonly blocked = new Map<PartitionId, string>();
  /** Who has told of all chunks of a partition. */
  readonly told = new Map<PartitionId, NodeId[]>();
  readonly failures = new Map<NodeId, string>();
  readonly noted = new Map<string, Noted>();
  /** More is lacking than was noted. */
  isCrowded = false;

  constructor(partitions: readonly PartitionVersion[]) {
    this.open = new Map(partitions.map((version) => [version.partition, version]));
  }

  block(partition: PartitionId, why: string): void {
    if (this.open.delete(partition)) this.blocked.set(partition, why);
  }
}

export class ChunkTakeover {
  readonly #options: ChunkTakeoverOptions;

  constructor(options: ChunkTakeoverOptions) {
    this.#options = options;
  }

  /** Resolves when all is durable here that could be had. Never throws. */
  async run(partitions: readonly PartitionVersion[], signal: AbortSignal): Promise<PassResult> {
    const pass = new Pass(partitions);
    do {
      pass.told.clear();
      pass.noted.clear();
      pass.isCrowded = false;
      await this.#hear(pass, signal);
      this.#blockUnheard(pass);
      await this.#fetchAll(pass, signal);
    } while (pass.isCrowded && pass.open.size > 0 && !signal.aborted);
    return { done: signal.aborted ? [] : [...pass.open.values()], blocked: pass.blocked };
  }

  async #hear(pass: Pass, signal: AbortSignal): Promise<void> {
    const { self } = this.#options;
    const bySource = new Map<NodeId, PartitionVersion[]>();
    for (const version of pass.open.values()) {
      for (const node of this.#sourcesOf(version.partition)) {
        const others = bySource.get(node);
        if (others) others.push(version);
        else bySource.set(node, [version]);
      }
    }
    await Promise.all(
      [...bySource].map(async ([node, wanted]) => {
        try {
          // A signal of its own each: so many listeners at one would look like a leak.
          if (node !== self) await this.#hearFrom(node, wanted, pass, AbortSignal.any([signal]));
        } catch (thrown) {
          pass.failures.set(node, QuorumError.from(thrown).message);
          return;
        }
        for (const { partition } of wanted) {
          const others = pass.told.get(partition);
          if (others) others.push(node);
          else pass.told.set(partition, [node]);
        }
      }),
    );
  }

  async #hearFrom(
    node: NodeId,
    partitions: readonly PartitionVersion[],
    pass: Pass,
    signal: AbortSignal,
  ): Promise<void> {
    const { peers, chunks, clock, store } = this.#options;
    const peer = peers.find(node);
    if (!peer) throw new QuorumError({ code: "unavailable", message: "its address is not known" });
    for await (const page of pullChunks({ channel: peer.bulk, partitions, clock, signal })) {
      for (const { key, content } of page) {
        if (chunks.has(key)) continue;
        const name = Buffer.from(chunkKeyBytes(key)).toString("latin1");
        if (pass.noted.has(name)) continue;
        if (pass.noted.size >= notedMax) {
          pass.isCrowded = true;
          return;
        }
        const partition = partitionOfChunk(key.upload, key.index, store.view.layout?.partitions.length);
        pass.noted.set(name, { key, content, from: node, partition });
      }
    }
  }

  /** A chunk that is safe has W copies in the old group; as many of that as this must tell, so that one of them has it. */
  #blockUnheard(pass: Pass): void {
    const { view } = this.#options.store;
    const writes = [...view.buckets.values()].map(({ write }) => write);
    const leastWrite = Math.min(view.replicas, ...writes);
    for (const { partition } of [...pass.open.values()]) {
      const sources = this.#sourcesOf(partition);
      const needed = sources.length - leastWrite + 1;
      const got = pass.told.get(partition)?.length ?? 0;
      if (got >= needed) continue;
      const silent = sources.flatMap((node) => {
        const why = pass.failures.get(node);
        return why === undefined ? [] : [`DataNode ${node}: ${why}`];
      });
      pass.block(
        partition,
        `${got} of the ${needed} nodes that are needed tell which chunks they have (${silent.join("; ")})`,
      );
    }
  }

  async #fetchAll(pass: Pass, signal: AbortSignal): Promise<void> {
    const { pace } = this.#options;
    const noted = [...pass.noted.values()];
    let next = 0;
    const work = async (): Promise<void> => {
      const stop = AbortSignal.any([signal]);
      for (let chunk = noted[next++]; chunk && !signal.aborted; chunk = noted[next++]) {
        if (!pass.open.has(chunk.partition)) continue;
        await this.#fetchOne(pass, chunk, stop);
        await pace.spend(chunk.content.size, stop);
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, work));
  }

  async #fetchOne(pass: Pass, { key, content, from, partition }: Noted, signal: AbortSignal): Promise<void> {
    const { chunks, fetch, onFetched } = this.#options;
    try {
      await fetch.fetch(key, {
        into: (announced, begun) => chunks.begin(key, announced, begun),
        expected: content,
        from,
        signal,
      });
      onFetched(content.size);
    } catch (thrown) {
      const { code, message } = QuorumError.from(thrown);
      // Nobody has it any more: it was of no use, and is gone.
      if (code !== "not_found" && !signal.aborted) pass.block(partition, message);
    }
  }

  #sourcesOf(partition: PartitionId): readonly NodeId[] {
    return this.#options.store.view.layout?.partitions[partition]?.nodes ?? [];
  }
}
