/**
 * What a chunk is called, and where its rows are:
 *
 *     owner    bucket (u32, high byte first), path in UTF-8, a NUL
 *     upload   the owner, 16 bytes of upload id
 *     chunk    the upload, index (u32, high byte first)
 *
 * No path has a NUL, so all rows of a file follow one another, and within it those of an upload, in order of index.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type BucketId, bucketId } from "@quorumfs/core";

/** The file that a chunk belongs to. */
export interface FileOwner {
  readonly bucket: BucketId;
  readonly path: string;
}

export interface ChunkKey {
  readonly owner: FileOwner;
  /** 16 bytes. */
  readonly upload: Uint8Array;
  readonly index: number;
}

export const uploadIdBytes = 16;
const bucketBytes = 4;
const indexBytes = 4;
const nulBytes = 1;

export function ownerKeyBytes({ bucket, path }: FileOwner): Buffer {
  const bytes = Buffer.allocUnsafe(bucketBytes + Buffer.byteLength(path) + nulBytes);
  bytes.writeUInt32BE(bucket, 0);
  bytes.write(path, bucketBytes, "utf8");
  bytes[bytes.length - 1] = 0;
  return bytes;
}

export function uploadKeyBytes(owner: FileOwner, upload: Uint8Array): Buffer {
  return Buffer.concat([ownerKeyBytes(owner), upload]);
}

export function chunkKeyBytes({ owner, upload, index }: ChunkKey): Buffer {
  return indexedKeyBytes(uploadKeyBytes(owner, upload), index);
}

/** The chunk of an upload whose key is at hand already. */
export function indexedKeyBytes(uploadKey: Uint8Array, index: number): Buffer {
  const bytes = Buffer.allocUnsafe(uploadKey.length + indexBytes);
  bytes.set(uploadKey, 0);
  bytes.writeUInt32BE(index, uploadKey.length);
  return bytes;
}

/** The key that {@link chunkKeyBytes} made; it shares no memory with `bytes`. @returns undefined if it is none */
export function chunkKeyOf(bytes: Uint8Array): ChunkKey | undefined {
  const key = Buffer.from(bytes);
  const uploadEnd = key.length - indexBytes;
  const upload = uploadKeyOf(key.subarray(0, Math.max(0, uploadEnd)));
  return upload && { ...upload, index: key.readUInt32BE(uploadEnd) };
}

/** @returns undefined if it is none */
export function uploadKeyOf(key: Buffer): Pick<ChunkKey, "owner" | "upload"> | undefined {
  const ownerEnd = key.length - uploadIdBytes;
  const owner = ownerKeyOf(key.subarray(0, Math.max(0, ownerEnd)));
  return owner && { owner, upload: new Uint8Array(key.subarray(ownerEnd)) };
}

/** @returns undefined if it is none */
export function ownerKeyOf(key: Buffer): FileOwner | undefined {
  const pathEnd = key.length - nulBytes;
  if (pathEnd <= bucketBytes || key[pathEnd] !== 0) return undefined;
  const bucket = key.readUInt32BE(0);
  if (bucket === 0) return undefined;
  return { bucket: bucketId(bucket), path: key.toString("utf8", bucketBytes, pathEnd) };
}

/** The part of a chunk's key that is its upload's. */
export function uploadPartOf(chunkKey: Buffer): Buffer {
  return chunkKey.subarray(0, chunkKey.length - indexBytes);
}

/** The part of an upload's key that is its owner's. */
export function ownerPartOf(uploadKey: Buffer): Buffer {
  return uploadKey.subarray(0, uploadKey.length - uploadIdBytes);
}

/** What a chunk's file says of itself, so that a file that took another's place is found out: SHA-256. */
export function chunkKeyHash(chunkKey: Uint8Array): Buffer {
  return createHash("sha256").update(chunkKey).digest();
}
