import { type CancelSignal, type Channel, type Clock, QuorumError } from "@quorumfs/core";
import { type PulledChunk as ChunkMessage, SyncServiceService } from "@quorumfs/proto";
import type { ChunkContent } from "../chunk/chunk-store.js";
import type { ChunkKey } from "../chunk/chunk-key.js";
import { chunkKeyFromWire } from "../chunk/chunk-wire.js";
import { watchedStream } from "../sync/watched-stream.js";
import type { PartitionVersion } from "./holdings.js";

/** The longest that one walk may take, with the time that the asker needs for what it hears of. */
const walkTimeoutMs = 24 * 3_600_000;

/** A chunk that another node has. */
export interface PulledChunk {
  readonly key: ChunkKey;
  readonly content: ChunkContent;
}

/**
 * The chunks that another DataNode has of some partitions and that are needed, in pages. What is told was there at some time
 * during the call. The next page is fetched when it is asked for; leaving the loop ends the call.
 *
 * @param options.channel for bulk data
 * @throws QuorumError `unavailable`: the node cannot be reached, does not hold a partition, or does not know the layout yet;
 *   `precondition_failed`: it follows a newer layout; `resource_exhausted`: too many ask it; `cancelled` by `signal`
 */
export async function* pullChunks(options: {
  readonly channel: Channel;
  readonly partitions: readonly PartitionVersion[];
  readonly clock: Clock;
  readonly signal: CancelSignal;
}): AsyncGenerator<readonly PulledChunk[]> {
  const { channel, partitions, clock, signal } = options;
  const request = { partitions: [...partitions] };
  const messages = watchedStream({
    open: (ended) =>
      channel.serverStream(SyncServiceService.pullChunks, request, { timeoutMs: walkTimeoutMs, signal: ended }),
    clock,
    signal,
  });
  for await (const { chunks } of messages) if (chunks.length > 0) yield chunks.map(chunkFromWire);
}

function chunkFromWire(message: ChunkMessage): PulledChunk {
  const { bucket, path, upload, index, size, crc32c: checksum } = message;
  if (size === 0) throw new QuorumError({ code: "invalid_argument", message: "a chunk has at least one byte" });
  return { key: chunkKeyFromWire({ owner: { bucket, path }, upload, index }), content: { size, checksum } };
}
