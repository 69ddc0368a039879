import type { Buffer } from "node:buffer";
import { blockBytes, type ChunkRange, type Clock, QuorumError } from "@quorumfs/core";
import type { ChunkDamage } from "./chunk-damage.js";
import type { ChunkIndex } from "./chunk-index.js";
import {
  type ChunkKey,
  chunkKeyBytes,
  type FileOwner,
  indexedKeyBytes,
  uploadKeyBytes,
  uploadPartOf,
} from "./chunk-key.js";
import type { ChunkReader } from "./chunk-reader.js";
import type { ChunkRow } from "./chunk-rows.js";
import type { ChunkContent, StoredPiece } from "./chunk-store.js";

/** Rows that are looked at in one turn of the event loop. */
const rowsPerTurn = 1024;

export interface StoredChunksOptions {
  readonly index: ChunkIndex;
  readonly reader: ChunkReader;
  readonly damage: ChunkDamage;
  readonly clock: Clock;
  /** A retired upload is still of use to somebody. */
  readonly onUse: (uploadKey: Buffer) => void;
}

/** The chunks that are here, for those who read. */
export class StoredChunks {
  readonly #options: StoredChunksOptions;

  constructor(options: StoredChunksOptions) {
    this.#options = options;
  }

  /** See `ChunkStore.read`. */
  async *read(
    key: ChunkKey,
    range: { readonly offset: number; readonly length: number },
  ): AsyncGenerator<StoredPiece, void, undefined> {
    const keyBytes = chunkKeyBytes(key);
    const { size } = this.#rowOf(key, keyBytes);
    if (range.offset >= size) {
      const message = `the chunk has ${size} bytes; nothing is at ${range.offset}`;
      throw new QuorumError({ code: "invalid_argument", message });
    }
    const end = range.length === 0 ? size : Math.min(size, range.offset + range.length);
    let start = range.offset - (range.offset % blockBytes);
    let next: Promise<StoredPiece> | undefined = this.#piece(key, keyBytes, start, end);
    while (next) {
      const piece: StoredPiece = await next;
      start += piece.data.length;
      next = start < end ? this.#piece(key, keyBytes, start, end) : undefined;
      // Whoever has enough leaves it behind.
      next?.catch(() => undefined);
      yield piece;
    }
  }

  /** See `ChunkStore.verify`. */
  async verify(key: ChunkKey): Promise<"intact" | "damaged" | "gone"> {
    const { index, reader, damage } = this.#options;
    const keyBytes = chunkKeyBytes(key);
    for (;;) {
      const row = index.chunk(keyBytes);
      if (row === undefined) return "gone";
      if (row !== "damaged" && (await reader.isIntact({ keyBytes, row }))) {
        damage.forget(keyBytes);
        return "intact";
      }
      const now = index.chunk(keyBytes);
      if (now === undefined) return "gone";
      if (!isReplaced(row, now)) {
        damage.tell(key, keyBytes);
        return "damaged";
      }
    }
  }

  /** See `ChunkStore.stat`. */
  async stat(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<readonly (ChunkContent | undefined)[]> {
    const found: (ChunkContent | undefined)[] = [];
    for (const { upload, first, count } of ranges) {
      const uploadKey = uploadKeyBytes(owner, upload);
      for (let at = first; at < first + count; at += 1) {
        found.push(this.#statOne(indexedKeyBytes(uploadKey, at)));
        if (found.length % rowsPerTurn === 0)
          await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
      }
    }
    await this.#options.index.durable();
    return found;
  }

  #statOne(keyBytes: Buffer): ChunkContent | undefined {
    const { index, damage } = this.#options;
    const row = index.chunk(keyBytes);
    if (row === undefined || row === "damaged" || damage.has(keyBytes)) return undefined;
    // One that was retired unnamed goes soon, unless it is renewed.
    if (row.retiredAtMs > 0 && !index.tables.kept.get(uploadPartOf(keyBytes))) return undefined;
    return { size: row.size, checksum: row.checksum };
  }

  /** @throws QuorumError `not_found`, `corrupt` */
  #rowOf(key: ChunkKey, keyBytes: Buffer): ChunkRow {
    const { index, damage, onUse } = this.#options;
    const row = index.chunk(keyBytes);
    if (row === undefined) throw new QuorumError({ code: "not_found", message: "the chunk is not here" });
    if (row === "damaged") throw damage.tell(key, keyBytes);
    if (row.retiredAtMs > 0) onUse(uploadPartOf(keyBytes));
    return row;
  }

  async #piece(key: ChunkKey, keyBytes: Buffer, start: number, end: number): Promise<StoredPiece> {
    const { reader, damage } = this.#options;
    for (;;) {
      const row = this.#rowOf(key, keyBytes);
      const piece = await reader.piece({ keyBytes, row }, start, end);
      if (piece) return piece;
      if (!isReplaced(row, this.#rowOf(key, keyBytes))) throw damage.tell(key, keyBytes);
    }
  }
}

/** While a chunk was read, it may have been replaced by a better copy; that ends, for copies are read back first. */
function isReplaced(row: ChunkRow | "damaged", now: ChunkRow | "damaged"): boolean {
  return now !== "damaged" && (row === "damaged" || row.place !== now.place);
}
