import { Buffer } from "node:buffer";
import { type BucketId, bucketId } from "@quorumfs/core";

/** Where a file's record is: the bucket's id, high byte first, then the path in UTF-8. So byte order of keys is bucket, then byte order of path. */
export interface RecordKey {
  readonly bytes: Buffer;
  /** A hash of `bytes` that every checksum of the record starts from: a record found under another file's key is damaged. */
  readonly seed: number;
}

const bucketBytes = 4;
const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

export function recordKey(bucket: BucketId, path: string): RecordKey {
  const bytes = keyBytes(bucket, path);
  return { bytes, seed: keySeed(bytes) };
}

/** FNV-1a: unlike a second CRC it costs no call out of JavaScript. Part of the storage format. */
export function keySeed(key: Uint8Array): number {
  let hash = fnvOffset;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ (key[index] ?? 0), fnvPrime);
  return hash >>> 0;
}

export function bucketOfKey(key: Buffer): BucketId {
  return bucketId(key.readUInt32BE(0));
}

export function pathOfKey(key: Buffer): string {
  return key.toString("utf8", bucketBytes);
}

/** A part of the record table: from `start` on and, if there is an `end`, up to that, exclusive. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end?: Buffer;
}

export const wholeRange: KeyRange = { start: Buffer.alloc(bucketBytes) };

/** The keys of a bucket whose paths begin with `prefix`. */
export function prefixRange(bucket: BucketId, prefix: string): KeyRange {
  const start = keyBytes(bucket, prefix);
  const end = firstKeyBehindPrefix(start);
  return end ? { start, end } : { start };
}

/** What of `range` lies behind a path, or all of it if the path lies before. */
export function behindPath(range: KeyRange, bucket: BucketId, path: string): KeyRange {
  return behindKey(range, keyBytes(bucket, path));
}

/** What of `range` lies before a path or is it. */
export function upToPath(range: KeyRange, bucket: BucketId, path: string): KeyRange {
  const end = nextKey(keyBytes(bucket, path));
  return range.end && Buffer.compare(range.end, end) <= 0 ? range : { ...range, end };
}

export function behindKey(range: KeyRange, key: Buffer): KeyRange {
  const next = nextKey(key);
  return Buffer.compare(next, range.start) > 0 ? { ...range, start: next } : range;
}

/** The next possible key: no path has a NUL. */
function nextKey(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

function keyBytes(bucket: BucketId, path: string): Buffer {
  const bytes = Buffer.allocUnsafe(bucketBytes + Buffer.byteLength(path));
  bytes.writeUInt32BE(bucket, 0);
  bytes.write(path, bucketBytes, "utf8");
  return bytes;
}

function firstKeyBehindPrefix(prefix: Buffer): Buffer | undefined {
  for (let length = prefix.length; length > 0; length -= 1) {
    const last = prefix[length - 1] ?? 0xff;
    if (last === 0xff) continue;
    const end = Buffer.from(prefix.subarray(0, length));
    end[length - 1] = last + 1;
    return end;
  }
  return undefined;
}
