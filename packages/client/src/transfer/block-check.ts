/**
 * What a DataNode sends of a chunk, checked block by block as it comes in. The first message brings the checksums of all
 * blocks of the chunk; together they have to give the checksum that the file's manifest has of it. So nothing rests on the
 * DataNode's word, and nothing has to wait until the chunk is whole.
 */
import { blockBytes, type ChunkPiece, combineCrc32c, QuorumError } from "@quorumfs/core";
import type { ReadChunkResponse } from "@quorumfs/proto";
import { crc32c } from "@quorumfs/runtime/lean";

/** A part of one chunk. */
export interface ChunkSpan {
  readonly offset: number;
  readonly end: number;
}

export class BlockCheck {
  readonly #piece: ChunkPiece;
  readonly #span: ChunkSpan;
  #checksums: readonly number[] | undefined;
  /** Where the next wanted byte lies. */
  #position: number;

  constructor(piece: ChunkPiece, span: ChunkSpan) {
    this.#piece = piece;
    this.#span = span;
    this.#position = span.offset;
  }

  /**
   * The bytes of the span that a message brings, the next ones each time.
   *
   * @throws QuorumError `corrupt`
   */
  take(message: ReadChunkResponse): Uint8Array {
    const { data, offset, chunkCrc32c } = message;
    this.#checksums ??= this.#checked(chunkCrc32c);
    const start = this.#position - (this.#position % blockBytes);
    if (offset !== start || data.length === 0) throw corrupt(`it sent bytes from ${offset} on instead of ${start}`);
    for (let at = 0; at < data.length; at += blockBytes) {
      const block = data.length <= blockBytes ? data : data.subarray(at, at + blockBytes);
      if (crc32c(block) === this.#checksums[(offset + at) / blockBytes]) continue;
      throw corrupt(`the block at ${offset + at} does not match its checksum`);
    }
    const bytes = data.subarray(this.#position - offset, Math.min(data.length, this.#span.end - offset));
    this.#position += bytes.length;
    return bytes;
  }

  #checked(checksums: readonly number[]): readonly number[] {
    const { bytes, checksum } = this.#piece;
    let whole = 0;
    for (const [index, block] of checksums.entries()) {
      whole = combineCrc32c(whole, block, Math.min(blockBytes, bytes - index * blockBytes));
    }
    if (checksums.length === Math.ceil(bytes / blockBytes) && whole === checksum) return checksums;
    throw corrupt("what it has is not the chunk that was stored");
  }
}

function corrupt(reason: string): QuorumError {
  return new QuorumError({ code: "corrupt", message: reason });
}
