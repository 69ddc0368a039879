import { Buffer } from "node:buffer";
import { type Ballot, type FileHash, recordHashHigh, recordHashLow } from "@quorumfs/core";

const tallyBytes = 28;

/** What is in a window, partition by partition: digests that are equal where replicas are, and how many files match. */
export class WindowTallies {
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  readonly #files: Uint32Array;
  readonly #bytes: Float64Array;
  readonly #damaged: Uint32Array;
  readonly #isTouched: Uint8Array;
  #touched = 0;

  constructor(partitions: number) {
    this.#low = new Uint32Array(partitions);
    this.#high = new Uint32Array(partitions);
    this.#files = new Uint32Array(partitions);
    this.#bytes = new Float64Array(partitions);
    this.#damaged = new Uint32Array(partitions);
    this.#isTouched = new Uint8Array(partitions);
  }

  /** A file that is there in this version. */
  add(partition: number, file: FileHash, version: Ballot): void {
    this.#low[partition] = (this.#low[partition] ?? 0) ^ recordHashLow(file, version);
    this.#high[partition] = (this.#high[partition] ?? 0) ^ recordHashHigh(file, version);
    this.#touch(partition);
  }

  /** A record that cannot be read: the file must be looked at on all replicas. */
  addDamaged(partition: number): void {
    this.#damaged[partition] = (this.#damaged[partition] ?? 0) + 1;
    this.#touch(partition);
  }

  /** One of those that were added is wanted. */
  count(partition: number, bytes: number): void {
    this.#files[partition] = (this.#files[partition] ?? 0) + 1;
    this.#bytes[partition] = (this.#bytes[partition] ?? 0) + bytes;
  }

  /** As `ScanWindowResponse.tallies`. */
  encoded(): Buffer {
    const encoded = Buffer.alloc(this.#touched * tallyBytes);
    let at = 0;
    for (let partition = 0; partition < this.#isTouched.length; partition += 1) {
      if (this.#isTouched[partition] === 0) continue;
      encoded.writeUInt32LE(partition, at);
      encoded.writeUInt32LE(this.#files[partition] ?? 0, at + 4);
      encoded.writeUInt32LE(this.#damaged[partition] ?? 0, at + 8);
      encoded.writeUInt32LE(this.#low[partition] ?? 0, at + 12);
      encoded.writeUInt32LE(this.#high[partition] ?? 0, at + 16);
      encoded.writeDoubleLE(this.#bytes[partition] ?? 0, at + 20);
      at += tallyBytes;
    }
    return encoded;
  }

  #touch(partition: number): void {
    if (this.#isTouched[partition] === 1) return;
    this.#isTouched[partition] = 1;
    this.#touched += 1;
  }
}
