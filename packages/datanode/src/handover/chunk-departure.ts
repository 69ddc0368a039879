/**
 * The chunks of partitions that have moved away. Each is kept until all its present replicas say that they have it, for an
 * upload may have put it here while they took over; who lacks it is given it. What was retired waits for its end where it is.
 */
import {
  type ChunkRange,
  type Clock,
  type NodeId,
  type PartitionId,
  partitionOfChunk,
  QuorumError,
} from "@quorumfs/core";
import type { ChunkKey } from "../chunk/chunk-key.js";
import type { ChunkContent, ChunkEntry, ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ChunkPeers } from "../content/chunk-peers.js";
import type { Peers } from "../coordinator/peers.js";
import { ClientCourtesy } from "../sync/client-courtesy.js";
import type { MovePace } from "./move-pace.js";
import { pushChunk } from "./chunk-push.js";

/** Chunks that are asked for and dropped together: one file's, as a rule. */
const batchChunks = 256;

/** Rows between two pauses for the event loop: a millisecond or two. */
const rowsPerTurn = 1024;

export interface ChunkDepartureOptions {
  readonly store: Pick<ClusterStore, "view">;
  readonly chunks: Pick<ChunkStore, "entries" | "read" | "dropForeign">;
  readonly chunkPeers: Pick<ChunkPeers, "stat">;
  readonly peers: Pick<Peers, "find">;
  readonly clock: Clock;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  readonly pace: Pick<MovePace, "spend">;
}

interface Leaving {
  readonly key: ChunkKey;
  /** Undefined: its row is damaged, and nothing of it can be given to anybody. */
  readonly content: ChunkContent | undefined;
  readonly partition: PartitionId;
}

export class ChunkDeparture {
  readonly #options: ChunkDepartureOptions;

  constructor(options: ChunkDepartureOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all that could be dropped is gone, durably.
   *
   * @returns the partitions of which something is left, and why
   * @throws QuorumError `unavailable`: this node's disk failed
   */
  async run(partitions: ReadonlySet<PartitionId>, signal: AbortSignal): Promise<ReadonlyMap<PartitionId, string>> {
    const { clock, isBusy } = this.#options;
    const courtesy = new ClientCourtesy({ clock, isBusy });
    const left = new Map<PartitionId, string>();
    for await (const batch of this.#batches(partitions, signal)) {
      await this.#release(batch, left, signal);
      await courtesy.letPass(signal);
    }
    return left;
  }

  /** Chunks of one file in each. */
  async *#batches(partitions: ReadonlySet<PartitionId>, signal: AbortSignal): AsyncGenerator<readonly Leaving[]> {
    const { chunks, clock, store } = this.#options;
    const partitionCount = store.view.layout?.partitions.length;
    let batch: Leaving[] = [];
    let rows = 0;
    for await (const entry of chunks.entries()) {
      if (signal.aborted) return;
      rows += 1;
      if (rows % rowsPerTurn === 0) await new Promise<void>((resolve) => clock.endOfTurn(resolve));
      const partition = partitionOfChunk(entry.key.upload, entry.key.index, partitionCount);
      if (entry.isRetired || !partitions.has(partition)) continue;
      if (batch.length >= batchChunks || (batch[0] && !isSameFile(batch[0], entry))) {
        yield batch;
        batch = [];
      }
      const { key, content } = entry;
      batch.push({ key, content, partition });
    }
    if (batch.length > 0) yield batch;
  }

  async #release(batch: readonly Leaving[], left: Map<PartitionId, string>, signal: AbortSignal): Promise<void> {
    const holders = await this.#holdersOf(batch, signal);
    const free: ChunkKey[] = [];
    for (const chunk of batch) {
      if (signal.aborted) break;
      try {
        await this.#handOver(chunk, holders, signal);
        free.push(chunk.key);
      } catch (thrown) {
        left.set(chunk.partition, QuorumError.from(thrown).message);
      }
    }
    if (free.length > 0) await this.#options.chunks.dropForeign(free);
  }

  /** Sees to it that every present replica has the chunk. @throws QuorumError if one has not, and does not take it */
  async #handOver(chunk: Leaving, holders: Holders, signal: AbortSignal): Promise<void> {
    const { chunks, peers, clock, pace } = this.#options;
    const { key, content, partition } = chunk;
    if (!content) return;
    for (const node of this.#replicasOf(partition)) {
      const held = holders.get(node);
      if (held instanceof QuorumError) throw held;
      if (held?.has(chunk)) continue;
      const peer = peers.find(node);
      if (!peer)
        throw new QuorumError({ code: "unavailable", message: `the address of DataNode ${node} is not known` });
      const pieces = () => chunks.read(key, { offset: 0, length: 0 });
      await pushChunk({ channel: peer.bulk, key, content, pieces, clock, signal });
      await pace.spend(content.size, signal);
    }
  }

  /** What each replica has of the batch, or why it does not say. */
  async #holdersOf(batch: readonly Leaving[], signal: AbortSignal): Promise<Holders> {
    const asked = new Map<NodeId, Leaving[]>();
    for (const chunk of batch) {
      for (const node of this.#replicasOf(chunk.partition)) {
        const others = asked.get(node);
        if (others) others.push(chunk);
        else asked.set(node, [chunk]);
      }
    }
    const holders = new Map<NodeId, ReadonlySet<Leaving> | QuorumError>();
    await Promise.all(
      [...asked].map(async ([node, chunks]) => {
        try {
          holders.set(node, await this.#heldBy(node, chunks, signal));
        } catch (thrown) {
          holders.set(node, QuorumError.from(thrown));
        }
      }),
    );
    return holders;
  }

  async #heldBy(node: NodeId, chunks: readonly Leaving[], signal: AbortSignal): Promise<ReadonlySet<Leaving>> {
    const [first] = chunks;
    if (!first) return new Set();
    const ranges: ChunkRange[] = chunks.map(({ key: { upload, index } }) => ({ upload, first: index, count: 1 }));
    const states = await this.#options.chunkPeers.stat(node, first.key.owner, ranges, { renew: false, signal });
    return new Set(
      chunks.filter(({ content }, index) => {
        const state = states[index];
        return state && content && state.size === content.size && state.checksum === content.checksum;
      }),
    );
  }

  #replicasOf(partition: PartitionId): readonly NodeId[] {
    const assignment = this.#options.store.view.layout?.partitions[partition];
    return assignment ? [...new Set([...assignment.nodes, ...assignment.joining])] : [];
  }
}

type Holders = ReadonlyMap<NodeId, ReadonlySet<Leaving> | QuorumError>;

function isSameFile({ key: { owner } }: Leaving, { key: { owner: other } }: ChunkEntry): boolean {
  return owner.bucket === other.bucket && owner.path === other.path;
}
