import { type Clock, type Log, partitionOfChunk } from "@quorumfs/core";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { ChunkFetch } from "../content/chunk-fetch.js";
import type { ChunkPeers } from "../content/chunk-peers.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { Peers } from "../coordinator/peers.js";
import type { VoteLinks } from "../coordinator/vote-links.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { ChunkDeparture } from "./chunk-departure.js";
import { ChunkTakeover } from "./chunk-takeover.js";
import { FileTakeover } from "./file-takeover.js";
import type { Holdings, PartitionVersion } from "./holdings.js";
import { Leaving } from "./leaving.js";
import { MovePace } from "./move-pace.js";
import { RecordTakeover } from "./record-takeover.js";
import { RecordWindows } from "./record-windows.js";
import { Takeover } from "./takeover.js";

/** How far this node is with partitions that move to it, or away from it. */
export interface HandoverStatus {
  /** Partitions that it takes over, and of which it has not got all yet. */
  readonly joiningPartitions: number;
  /** Fetched for them so far. */
  readonly joinedRecords: number;
  readonly joinedBytes: number;
  /** Until it has taken all over at the present pace; 0: not known, or nothing to do. */
  readonly remainingMs: number;
  /** Partitions that are not its own any more, of which something may be left. */
  readonly leavingPartitions: number;
  /** Why it gets no further, for people; empty: nothing is in the way. */
  readonly obstacle: string;
}

export interface HandoverOptions {
  readonly self: LocalNode;
  readonly store: ClusterStore;
  readonly holdings: Holdings;
  readonly replica: LocalReplica;
  readonly context: ReplicaContext;
  readonly chunks: ChunkStore;
  readonly chunkPeers: ChunkPeers;
  readonly fetch: ChunkFetch;
  readonly coordinator: Coordinator;
  readonly links: VoteLinks;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  /** Partitions have come here whole, and with them chunks of which it is not known yet which versions name them. */
  readonly onSynced: () => void;
}

/** All that a DataNode does about partitions that move, put together. */
export class Handover {
  readonly #takeover: Takeover;
  readonly #leaving: Leaving;
  #joinedRecords = 0;
  #joinedBytes = 0;

  constructor(options: HandoverOptions) {
    const { self, clock, isBusy } = options;
    const files = new FileTakeover(options);
    const pace = new MovePace({ clock, isBusy });
    const onTaken = (bytes: number): void => {
      this.#joinedRecords += 1;
      this.#joinedBytes += bytes;
    };
    const onFetched = (bytes: number): void => {
      this.#joinedBytes += bytes;
    };
    this.#takeover = new Takeover({
      ...options,
      records: {
        run: (partitions, signal) => {
          const windows = new RecordWindows({ ...options, self: self.id });
          return new RecordTakeover({ ...options, self: self.id, windows, files, pace, onTaken }).run(
            partitions,
            signal,
          );
        },
      },
      chunks: {
        run: (partitions, signal) =>
          new ChunkTakeover({ ...options, self: self.id, pace, onFetched }).run(partitions, signal),
      },
    });
    const departure = new ChunkDeparture({ ...options, pace });
    this.#leaving = new Leaving({ ...options, chunks: departure, clock, isBusy });
    options.chunks.onForeign(({ upload, index }) => {
      this.#leaving.strayed(partitionOfChunk(upload, index, options.store.view.layout?.partitions.length));
    });
  }

  start(): void {
    this.#leaving.start();
    this.#takeover.start();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#takeover.close(), this.#leaving.close()]);
  }

  /** The partitions that are joint and of which everything is here, durably. */
  synced(): readonly PartitionVersion[] {
    return this.#takeover.synced();
  }

  status(): HandoverStatus {
    return {
      joiningPartitions: this.#takeover.lacking,
      joinedRecords: this.#joinedRecords,
      joinedBytes: this.#joinedBytes,
      remainingMs: this.#takeover.remainingMs,
      leavingPartitions: this.#leaving.left,
      obstacle: this.#takeover.obstacle || this.#leaving.obstacle,
    };
  }
}
