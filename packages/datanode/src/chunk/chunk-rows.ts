/**
 * The rows of the chunk store. Part of the storage format; numbers are little-endian. Each row begins with a CRC-32 of what
 * follows, started from a hash of its key, so that a row under another's key is damaged, too.
 *
 *     chunks          chunk   → u32 CRC, u32 size, u32 CRC-32C of the bytes, f64 retired at (wall ms; 0: it is not), place
 *     chunk-places    place   → the chunk's key (no CRC: it is compared with the chunk's row)
 *     chunk-retired   time (48 bits, high byte first), chunk → nothing: the chunks that are retired, oldest first
 *     chunk-leases    upload  → u32 CRC, f64 leased until (wall ms), f64 bytes of its chunks that are not retired
 *     chunk-kept      upload  → u32 CRC
 *     chunk-owners    owner   → u32 CRC, ballot of the newest chosen version heard of
 *
 * An upload has a row in `chunk-leases` or in `chunk-kept`: as long as no version has named it, or since one has. Most have
 * been named, so that looking through the leases is quick.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { Ballot } from "@quorumfs/core";
import { ballotAt, ballotBytes, writeBallot } from "../replica/ballot-codec.js";
import { keySeed } from "../replica/record-key.js";

/** What is known of a stored chunk. */
export interface ChunkRow {
  readonly size: number;
  /** CRC-32C of the bytes. */
  readonly checksum: number;
  /** Wall clock, ms; 0: it is needed. */
  readonly retiredAtMs: number;
  readonly place: string;
}

export interface LeaseRow {
  /** Wall clock, ms. */
  readonly untilMs: number;
  /** Of the upload's chunks that are not retired. */
  readonly bytes: number;
}

const checksumBytes = 4;
const chunkAt = { size: 4, checksum: 8, retiredAt: 12, place: 20 } as const;
const leaseAt = { until: 4, bytes: 12, end: 20 } as const;
const timeBytes = 6;
/** What 48 bits hold. */
const timeMax = 2 ** 48 - 1;

export function encodeChunkRow(key: Uint8Array, row: ChunkRow): Buffer {
  const bytes = Buffer.allocUnsafe(chunkAt.place + row.place.length);
  bytes.writeUInt32LE(row.size, chunkAt.size);
  bytes.writeUInt32LE(row.checksum, chunkAt.checksum);
  bytes.writeDoubleLE(row.retiredAtMs, chunkAt.retiredAt);
  bytes.write(row.place, chunkAt.place, "latin1");
  return sealed(key, bytes);
}

/** @returns undefined if it is damaged */
export function openChunkRow(key: Uint8Array, bytes: Buffer): ChunkRow | undefined {
  if (bytes.length <= chunkAt.place || !isWhole(key, bytes)) return undefined;
  return {
    size: bytes.readUInt32LE(chunkAt.size),
    checksum: bytes.readUInt32LE(chunkAt.checksum),
    retiredAtMs: bytes.readDoubleLE(chunkAt.retiredAt),
    place: bytes.toString("latin1", chunkAt.place),
  };
}

export function encodeLeaseRow(key: Uint8Array, row: LeaseRow): Buffer {
  const bytes = Buffer.allocUnsafe(leaseAt.end);
  bytes.writeDoubleLE(row.untilMs, leaseAt.until);
  bytes.writeDoubleLE(row.bytes, leaseAt.bytes);
  return sealed(key, bytes);
}

/** @returns undefined if it is damaged */
export function openLeaseRow(key: Uint8Array, bytes: Buffer): LeaseRow | undefined {
  if (bytes.length !== leaseAt.end || !isWhole(key, bytes)) return undefined;
  return { untilMs: bytes.readDoubleLE(leaseAt.until), bytes: bytes.readDoubleLE(leaseAt.bytes) };
}

export function encodeKeptRow(key: Uint8Array): Buffer {
  return sealed(key, Buffer.allocUnsafe(checksumBytes));
}

export function isKeptRow(key: Uint8Array, bytes: Buffer): boolean {
  return bytes.length === checksumBytes && isWhole(key, bytes);
}

export function encodeOwnerRow(key: Uint8Array, version: Ballot): Buffer {
  const bytes = Buffer.allocUnsafe(checksumBytes + ballotBytes);
  writeBallot(bytes, checksumBytes, version);
  return sealed(key, bytes);
}

/** @returns undefined if it is damaged */
export function openOwnerRow(key: Uint8Array, bytes: Buffer): Ballot | undefined {
  if (bytes.length !== checksumBytes + ballotBytes || !isWhole(key, bytes)) return undefined;
  return ballotAt(bytes, checksumBytes);
}

/** Byte order is order of time. */
export function retiredKey(retiredAtMs: number, chunkKey: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(timeBytes + chunkKey.length);
  bytes.writeUIntBE(Math.min(Math.max(0, Math.floor(retiredAtMs)), timeMax), 0, timeBytes);
  bytes.set(chunkKey, timeBytes);
  return bytes;
}

export function openRetiredKey(bytes: Buffer): { readonly retiredAtMs: number; readonly chunkKey: Buffer } {
  return { retiredAtMs: bytes.readUIntBE(0, timeBytes), chunkKey: bytes.subarray(timeBytes) };
}

export function placeKey(place: string): Buffer {
  return Buffer.from(place, "latin1");
}

function sealed(key: Uint8Array, bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(checksumBytes), keySeed(key)), 0);
  return bytes;
}

function isWhole(key: Uint8Array, bytes: Buffer): boolean {
  return crc32(bytes.subarray(checksumBytes), keySeed(key)) === bytes.readUInt32LE(0);
}
