/**
 * The hash that digests are made of. 64 bits, as two halves of 32, for JavaScript has no quick 64-bit numbers: among a
 * million differences, the chance that two sets of records look alike is one in 2^44. It guards against accidents only; who
 * can make digests collide at will can hide what a replica lacks from its repair, not from a vote.
 *
 * Both ends of a comparison compute it, so it never changes within a cluster.
 */
import { mix32 } from "../layout/hash.js";
import type { Ballot } from "../register/ballot.js";

/** What does not change of a record's hash; reused for all of the file's ballots. */
export interface FileHash {
  readonly low: number;
  readonly high: number;
}

/** Enough that a difference in one file of a partition of a million costs to compare some 4,000 records. */
export const subRangeCount = 256;

const twoTo32 = 2 ** 32;

/** @param key the bucket's id, 4 bytes, high byte first, then the path in UTF-8 */
export function fileHashOf(key: Uint8Array): FileHash {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let index = 0; index < key.length; index += 1) {
    const byte = key[index] ?? 0;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(((high << 13) | (high >>> 19)) ^ byte, 0xcc9e2d51);
  }
  return { low: mix32(low), high: mix32(high) };
}

/** In which sub-range of its partition a file is; unrelated to how the partition follows from the same path. */
export function subRangeOf(file: FileHash): number {
  return file.high >>> 24;
}

/** The low half of a record's hash. */
export function recordHashLow(file: FileHash, { counter, node, incarnation }: Ballot): number {
  const ballot = mix32(mix32(counter % twoTo32) ^ Math.floor(counter / twoTo32)) ^ Math.imul(node, 0x9e3779b1);
  return mix32(mix32(file.low ^ ballot) + incarnation);
}

/** The high half. */
export function recordHashHigh(file: FileHash, { counter, node, incarnation }: Ballot): number {
  const ballot = Math.imul(counter % twoTo32, 0x85ebca77) ^ Math.imul(Math.floor(counter / twoTo32), 0xc2b2ae3d);
  return mix32(mix32(file.high + ballot) ^ mix32(Math.imul(incarnation, 0x27d4eb2f) ^ node));
}
