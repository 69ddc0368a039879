import { QuorumError } from "../errors.js";
import { subRangeCount } from "./record-hash.js";

const bitmapBytes = subRangeCount / 8;

/** Some of the sub-ranges of a partition. */
export class SubRangeSet {
  readonly #bits: Uint8Array;

  private constructor(bits: Uint8Array) {
    this.#bits = bits;
  }

  static of(subRanges: Iterable<number>): SubRangeSet {
    const bits = new Uint8Array(bitmapBytes);
    for (const subRange of subRanges) bits[subRange >>> 3] = (bits[subRange >>> 3] ?? 0) | (1 << (subRange & 7));
    return new SubRangeSet(bits);
  }

  /**
   * @param bitmap 32 bytes, low bits first
   * @throws QuorumError `invalid_argument`: another length
   */
  static fromBitmap(bitmap: Uint8Array): SubRangeSet {
    if (bitmap.length === bitmapBytes) return new SubRangeSet(bitmap.slice());
    throw new QuorumError({ code: "invalid_argument", message: `a bit map of ${bitmap.length} bytes` });
  }

  has(subRange: number): boolean {
    return ((this.#bits[subRange >>> 3] ?? 0) & (1 << (subRange & 7))) !== 0;
  }

  get isEmpty(): boolean {
    return this.#bits.every((byte) => byte === 0);
  }

  toBitmap(): Uint8Array {
    return this.#bits.slice();
  }

  *[Symbol.iterator](): Generator<number> {
    for (let subRange = 0; subRange < subRangeCount; subRange += 1) if (this.has(subRange)) yield subRange;
  }
}

/** The sub-ranges in which the digests of two replicas differ; both as `DigestTable.subRangesOf` gives them. */
export function differingSubRanges(a: Uint8Array, b: Uint8Array): SubRangeSet {
  const digestBytes = a.length / subRangeCount;
  const differing: number[] = [];
  for (let subRange = 0; subRange < subRangeCount; subRange += 1) {
    for (let at = subRange * digestBytes; at < (subRange + 1) * digestBytes; at += 1) {
      if (a[at] === b[at]) continue;
      differing.push(subRange);
      break;
    }
  }
  return SubRangeSet.of(differing);
}
