/** Bytes of a chunk as they are read: whole blocks with the checksums that they were stored with. */
import { blockBytes, QuorumError } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import type { StoredPiece } from "../chunk/chunk-store.js";

/** Part of a chunk, at least one byte. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Passes on the bytes of `range` and no others, in order, each block checked first.
 *
 * @throws QuorumError `corrupt`: a block is not what it was when it was stored, or something is missing
 */
export async function* checkedBytes(pieces: AsyncIterable<StoredPiece>, range: ByteRange): AsyncGenerator<Uint8Array> {
  const end = range.offset + range.length;
  let next = range.offset - (range.offset % blockBytes);
  for await (const piece of pieces) {
    if (piece.offset !== next) throw corrupt(`bytes from ${piece.offset} on came where those from ${next} on were due`);
    checkBlocks(piece);
    next += piece.data.byteLength;
    const wanted = piece.data.subarray(Math.max(0, range.offset - piece.offset), Math.max(0, end - piece.offset));
    if (wanted.byteLength > 0) yield wanted;
  }
  if (next < end) throw corrupt(`it ended after ${next} bytes`);
}

function checkBlocks({ data, checksums, offset }: StoredPiece): void {
  if (checksums.length !== Math.ceil(data.byteLength / blockBytes)) throw corrupt("blocks without their checksums");
  for (const [block, checksum] of checksums.entries()) {
    const start = block * blockBytes;
    if (crc32c(data.subarray(start, start + blockBytes)) === checksum) continue;
    throw corrupt(`the block at ${offset + start} does not match its checksum`);
  }
}

function corrupt(reason: string): QuorumError {
  return new QuorumError({ code: "corrupt", message: `the chunk was not read whole: ${reason}` });
}
