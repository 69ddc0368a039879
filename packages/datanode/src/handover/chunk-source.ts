/** What this node tells others of its chunks: those of some partitions, found by one walk through the rows of all. */
import {
  type CancelSignal,
  type Clock,
  partitionOfChunk,
  QuorumError,
  type Route,
  serverStreamRoute,
} from "@quorumfs/core";
import { type PulledChunk, type PullChunksRequest, type PullChunksResponse, SyncServiceService } from "@quorumfs/proto";
import type { ChunkStore } from "../chunk/chunk-store.js";
import { votingCaller } from "../replica/caller.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { ClientCourtesy } from "../sync/client-courtesy.js";
import type { PartitionGate } from "../sync/partition-gate.js";

/** As many as a large cluster has nodes; each has a page of rows in memory. */
const walksMax = 64;

/** A message is sent at this many chunks: some 100 KiB with paths of usual length, 2 MiB with the longest. */
const messageChunksMax = 1024;

/** Rows between two pauses for the event loop: a millisecond or two. */
const rowsPerTurn = 1024;

/** Whoever waits for a message knows by then that the walk goes on. */
const silentMsMax = 2000;

export interface ChunkSourceOptions {
  readonly chunks: Pick<ChunkStore, "entries">;
  readonly context: ReplicaContext;
  readonly gate: PartitionGate;
  readonly clock: Clock;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
}

export class ChunkSource {
  readonly #options: ChunkSourceOptions;
  #walks = 0;

  constructor(options: ChunkSourceOptions) {
    this.#options = options;
  }

  get route(): Route {
    return serverStreamRoute(SyncServiceService.pullChunks, (request, call) => {
      votingCaller(call, this.#options.context);
      return this.pull(request, call.signal);
    });
  }

  /**
   * The chunks of some partitions that are here and needed, each message on demand.
   *
   * @throws QuorumError what {@link PartitionGate.check} throws, also at the end, if a layout has changed on the way;
   *   `resource_exhausted`: too many ask
   */
  async *pull({ partitions }: PullChunksRequest, signal: CancelSignal): AsyncGenerator<PullChunksResponse> {
    const { gate } = this.#options;
    if (this.#walks >= walksMax) throw overloaded();
    this.#walks += 1;
    try {
      await gate.enter(partitions);
      yield* this.#walk(new Set(partitions.map(({ partition }) => partition)), signal);
      // What has moved away meanwhile may have been dropped while it was read.
      gate.check(partitions);
    } finally {
      this.#walks -= 1;
    }
  }

  async *#walk(wanted: ReadonlySet<number>, signal: CancelSignal): AsyncGenerator<PullChunksResponse> {
    const { chunks: store, context, clock, isBusy } = this.#options;
    const partitionCount = context.layout()?.partitions.length;
    const courtesy = new ClientCourtesy({ clock, isBusy });
    let chunks: PulledChunk[] = [];
    let sentAtMs = clock.nowMs();
    let rows = 0;
    for await (const { key, content, isRetired } of store.entries()) {
      if (signal.aborted) return;
      const { owner, upload, index } = key;
      if (content && !isRetired && wanted.has(partitionOfChunk(upload, index, partitionCount))) {
        chunks.push({
          bucket: owner.bucket,
          path: owner.path,
          upload,
          index,
          size: content.size,
          crc32c: content.checksum,
        });
      }
      rows += 1;
      if (rows % rowsPerTurn === 0) {
        await new Promise<void>((resolve) => clock.endOfTurn(resolve));
        await courtesy.letPass(signal);
      }
      if (chunks.length < messageChunksMax && clock.nowMs() - sentAtMs < silentMsMax) continue;
      yield { chunks };
      chunks = [];
      sentAtMs = clock.nowMs();
    }
    if (chunks.length > 0) yield { chunks };
  }
}

function overloaded(): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: "too many DataNodes ask this one for its chunks already",
    details: { retryAfterMs: silentMsMax },
  });
}
