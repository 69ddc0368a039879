import { Buffer } from "node:buffer";
import { blockBytes, combineCrc32c, type ContentFiles, QuorumError } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import { GenerationCache } from "../replica/generation-cache.js";
import {
  blocksIn,
  type ChunkFooter,
  footerBytes,
  footerBytesOf,
  keyInFooter,
  openFooter,
  tailBytes,
} from "./chunk-file.js";
import type { ChunkRow } from "./chunk-rows.js";
import type { StoredPiece } from "./chunk-store.js";
import { PieceMemory, pieceBytesMax } from "./piece-memory.js";

/** Footers in memory, some 600 bytes each: those of 32 GiB of chunks. */
const footersMax = 8192;

/** A chunk as its row describes it. */
export interface StoredChunk {
  readonly keyBytes: Uint8Array;
  readonly row: ChunkRow;
}

/** Reads chunks' files, and lets nothing out that does not match its checksum. */
export class ChunkReader {
  readonly #files: ContentFiles;
  readonly #memory = new PieceMemory();
  /** By place. A file never changes; what happens to its disk is found when its blocks are read. */
  readonly #footers = new GenerationCache<string, ChunkFooter>({ entriesMax: footersMax });

  constructor(files: ContentFiles) {
    this.#files = files;
  }

  /** @returns undefined if the file is gone, damaged, or not this chunk's */
  async footerOf({ keyBytes, row }: StoredChunk): Promise<ChunkFooter | undefined> {
    const cached = this.#footers.get(row.place);
    if (cached) return cached;
    // One byte more than there should be: a file that has grown is damaged, too.
    const target = Buffer.allocUnsafe(footerBytes({ size: row.size, keyBytes: keyBytes.length }) + 1);
    const length = await this.#read(row.place, row.size, target);
    const footer = openFooter(keyBytes, row.size, target.subarray(0, length));
    if (footer?.checksum !== row.checksum) return undefined;
    this.#footers.set(row.place, footer);
    return footer;
  }

  /** The blocks from `start` on, at most {@link pieceBytesMax}. @returns undefined if they are damaged */
  async piece(chunk: StoredChunk, start: number, end: number): Promise<StoredPiece | undefined> {
    const footer = await this.footerOf(chunk);
    if (!footer) return undefined;
    const { place, size } = chunk.row;
    const bytes = Math.min(size - start, Math.ceil((end - start) / blockBytes) * blockBytes, pieceBytesMax);
    const memory = this.#memory.take();
    const data = memory.subarray(0, bytes);
    const checksums = (await this.#read(place, start, data)) === bytes ? checkedBlocks(data, footer, start) : undefined;
    if (!checksums) {
      this.#memory.giveBack(memory);
      return undefined;
    }
    const release = once(() => this.#memory.giveBack(memory));
    return { offset: start, data, checksums, chunkChecksums: footer.blocks, release };
  }

  /** Reads all of a chunk, its footer from the disk, too. */
  async isIntact(chunk: StoredChunk): Promise<boolean> {
    const { place, size, checksum } = chunk.row;
    const fileBytes = size + footerBytes({ size, keyBytes: chunk.keyBytes.length });
    this.#footers.delete(place);
    // By its name: one that was removed behind our back can still be read while it is open.
    if ((await this.#sizeOf(place)) !== fileBytes) return false;
    let whole = 0;
    for (let start = 0; start < size;) {
      const piece = await this.piece(chunk, start, size);
      if (!piece) return false;
      for (const [block, of] of piece.checksums.entries()) {
        whole = combineCrc32c(whole, of, Math.min(blockBytes, piece.data.length - block * blockBytes));
      }
      start += piece.data.length;
      piece.release?.();
    }
    return whole === checksum;
  }

  /** The key of the chunk that a file holds, as it says itself. @returns undefined if it is none, or damaged */
  async keyIn(place: string): Promise<Buffer | undefined> {
    const fileBytes = (await this.#sizeOf(place)) ?? 0;
    const tail = Buffer.alloc(tailBytes);
    await this.#read(place, Math.max(0, fileBytes - tailBytes), tail);
    const length = footerBytesOf(tail);
    if (length === undefined || length > fileBytes) return undefined;
    const footer = Buffer.alloc(length);
    await this.#read(place, fileBytes - length, footer);
    return keyInFooter(footer);
  }

  forget(place: string): void {
    this.#footers.delete(place);
  }

  async #read(place: string, offset: number, target: Uint8Array): Promise<number> {
    return (await unlessUnreadable(this.#files.read(place, offset, target))) ?? 0;
  }

  #sizeOf(place: string): Promise<number | undefined> {
    return unlessUnreadable(this.#files.size(place));
  }
}

/** A sector that cannot be read is as good as a file that is not there: whoever asks goes to another replica. */
async function unlessUnreadable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof QuorumError && error.code === "corrupt") return undefined;
    throw error;
  }
}

/** @returns the checksums of the blocks from `start` on; undefined if one of them is not what it was */
function checkedBlocks(data: Buffer, footer: ChunkFooter, start: number): readonly number[] | undefined {
  const first = start / blockBytes;
  const checksums: number[] = [];
  for (let block = 0; block < blocksIn(data.length); block += 1) {
    const checksum = crc32c(data.subarray(block * blockBytes, (block + 1) * blockBytes));
    if (checksum !== footer.blocks[first + block]) return undefined;
    checksums.push(checksum);
  }
  return checksums;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
