import { Buffer } from "node:buffer";
import type { FileColumns } from "@quorumfs/proto";
import type { StoredRecord } from "./record.js";

const numberBytes = 8;
const etagBytes = 32;
const partitionBytes = 4;
const lineFeed = 0x0a;

/** What a row takes besides its path. */
const rowBytes = 3 * numberBytes + etagBytes + partitionBytes + 1;
const rowsAtFirst = 256;
const pathBytesAtFirst = 16 * 1024;

/** Collects the rows of a window, column by column, in memory that doubles when it is full. */
export class WindowRows {
  #count = 0;
  #pathsEnd = 0;
  #paths: Buffer = Buffer.allocUnsafe(pathBytesAtFirst);
  #versions: Buffer = Buffer.allocUnsafe(rowsAtFirst * numberBytes);
  #sizes: Buffer = Buffer.allocUnsafe(rowsAtFirst * numberBytes);
  #modified: Buffer = Buffer.allocUnsafe(rowsAtFirst * numberBytes);
  #etags: Buffer = Buffer.allocUnsafe(rowsAtFirst * etagBytes);
  #partitions: Buffer = Buffer.allocUnsafe(rowsAtFirst * partitionBytes);

  /** About what they take in a message. */
  get bytes(): number {
    return this.#pathsEnd + this.#count * rowBytes;
  }

  /** @param row `path`: from `pathStart` of `key` on, in UTF-8 */
  add(row: {
    readonly key: Buffer;
    readonly pathStart: number;
    readonly record: StoredRecord;
    readonly partition: number;
  }): void {
    const { key, pathStart, record, partition } = row;
    const index = this.#count;
    if (index * numberBytes === this.#versions.length) this.#growRows();
    this.#addPath(key, pathStart);
    this.#versions.writeDoubleLE(record.versionCounter, index * numberBytes);
    this.#sizes.writeDoubleLE(record.size, index * numberBytes);
    this.#modified.writeDoubleLE(record.modifiedAtMs, index * numberBytes);
    record.copyEtag(this.#etags, index * etagBytes);
    this.#partitions.writeUInt32LE(partition, index * partitionBytes);
    this.#count += 1;
  }

  columns(): FileColumns {
    const count = this.#count;
    return {
      count,
      paths: this.#paths.subarray(0, this.#pathsEnd),
      versions: this.#versions.subarray(0, count * numberBytes),
      sizes: this.#sizes.subarray(0, count * numberBytes),
      modifiedAtMs: this.#modified.subarray(0, count * numberBytes),
      etags: this.#etags.subarray(0, count * etagBytes),
      partitions: this.#partitions.subarray(0, count * partitionBytes),
    };
  }

  #addPath(key: Buffer, start: number): void {
    const end = this.#pathsEnd + key.length - start + 1;
    if (end > this.#paths.length) this.#paths = doubled(this.#paths);
    if (this.#count > 0) {
      this.#paths[this.#pathsEnd] = lineFeed;
      this.#pathsEnd += 1;
    }
    this.#pathsEnd += key.copy(this.#paths, this.#pathsEnd, start);
  }

  #growRows(): void {
    this.#versions = doubled(this.#versions);
    this.#sizes = doubled(this.#sizes);
    this.#modified = doubled(this.#modified);
    this.#etags = doubled(this.#etags);
    this.#partitions = doubled(this.#partitions);
  }
}

function doubled(buffer: Buffer): Buffer {
  const larger = Buffer.allocUnsafe(buffer.length * 2);
  buffer.copy(larger);
  return larger;
}
