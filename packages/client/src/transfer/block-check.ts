import { blockBytes, QuorumError } from "@quorumfs/core";
import type { ReadChunkResponse } from "@quorumfs/proto";
import { crc32c } from "@quorumfs/runtime/lean";

/** A part of one chunk. */
export interface ChunkSpan {
  readonly offset: number;
  readonly end: number;
}

/**
 * What a message brings of a span, from `position` on: its blocks follow upon what was there before, and each matches the
 * checksum that came with it.
 *
 * @throws QuorumError `corrupt`
 */
export function checkedBytes(message: ReadChunkResponse, span: ChunkSpan, position: number): Uint8Array {
  const { data, offset, blockCrc32c } = message;
  const start = position - (position % blockBytes);
  if (offset !== start || data.length === 0) throw corrupt(`it sent bytes from ${offset} on instead of ${start}`);
  if (blockCrc32c.length !== Math.ceil(data.length / blockBytes)) throw corrupt("checksums of its blocks are missing");
  for (const [index, checksum] of blockCrc32c.entries()) {
    const block = data.subarray(index * blockBytes, (index + 1) * blockBytes);
    if (crc32c(block) !== checksum)
      throw corrupt(`the block at ${offset + index * blockBytes} does not match its checksum`);
  }
  return data.subarray(position - offset, Math.min(data.length, span.end - offset));
}

function corrupt(reason: string): QuorumError {
  return new QuorumError({ code: "corrupt", message: reason });
}
