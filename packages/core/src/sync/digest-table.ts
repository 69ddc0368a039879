import { assert } from "../assert.js";
import type { Ballot } from "../register/ballot.js";
import { type FileHash, recordHashHigh, recordHashLow, subRangeCount, subRangeOf } from "./record-hash.js";

const bytesPerDigest = 8;

/** Bytes of the digests of all sub-ranges of a partition, as {@link DigestTable.subRangesOf} gives them. */
export const subRangeDigestsBytes = subRangeCount * bytesPerDigest;

/**
 * Of each sub-range of each partition, the XOR of the hashes of its records: whoever adds a record, or takes it out,
 * toggles it, in any order. 2 KiB for each partition.
 */
export class DigestTable {
  /** Low half, high half of each digest. */
  readonly #halves: Uint32Array;
  /** The same of each partition as a whole, for comparisons that mostly find nothing. */
  readonly #wholes: Uint32Array;
  readonly partitions: number;

  constructor(partitions: number) {
    this.partitions = partitions;
    this.#halves = new Uint32Array(partitions * subRangeCount * 2);
    this.#wholes = new Uint32Array(partitions * 2);
  }

  /** Puts a record in, or takes it out if it is in. */
  toggle(partition: number, file: FileHash, accepted: Ballot): void {
    assert(partition < this.partitions, "a file is in a partition that there is");
    const at = (partition * subRangeCount + subRangeOf(file)) * 2;
    const [low, high] = [recordHashLow(file, accepted), recordHashHigh(file, accepted)];
    xor(this.#halves, at, low);
    xor(this.#halves, at + 1, high);
    xor(this.#wholes, partition * 2, low);
    xor(this.#wholes, partition * 2 + 1, high);
  }

  /** Takes everything of a partition out. */
  clear(partition: number): void {
    const start = partition * subRangeCount * 2;
    this.#halves.fill(0, start, start + subRangeCount * 2);
    this.#wholes.fill(0, partition * 2, partition * 2 + 2);
  }

  /** Digest of the partition: 8 bytes, low byte first. */
  digestOf(partition: number): Uint8Array {
    const bytes = new Uint8Array(bytesPerDigest);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#wholes[partition * 2] ?? 0, true);
    view.setUint32(4, this.#wholes[partition * 2 + 1] ?? 0, true);
    return bytes;
  }

  /** Digests of the sub-ranges, 8 bytes each. */
  subRangesOf(partition: number): Uint8Array {
    const bytes = new Uint8Array(subRangeDigestsBytes);
    const view = new DataView(bytes.buffer);
    const start = partition * subRangeCount * 2;
    for (let index = 0; index < subRangeCount * 2; index += 1) {
      view.setUint32(index * 4, this.#halves[start + index] ?? 0, true);
    }
    return bytes;
  }
}

function xor(halves: Uint32Array, at: number, half: number): void {
  halves[at] = (halves[at] ?? 0) ^ half;
}
