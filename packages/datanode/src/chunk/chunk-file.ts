/**
 * A chunk's file: the bytes as they are, and behind them what they are checked by. Part of the storage format; numbers are
 * little-endian.
 *
 *     the bytes
 *     u32 CRC-32C of each block of 64 KiB (the last one is shorter)
 *     the chunk's key (`chunk-key.ts`): a file in another's place is found out, and one whose row is lost says what it is
 *      0  u32  size of the bytes        4  u32  CRC-32C of all of them
 *      8  u32  length of the key       12  u32  format, 1
 *     16  u32  CRC-32C of the footer up to here, the checksums of the blocks and the key included
 *     20  "QFSCHUNK"
 *
 * The footer comes last, so that a chunk is written in one go while its checksums are made; its length follows from the
 * chunk's size, which its row says, and from its key.
 */
import { Buffer } from "node:buffer";
import { blockBytes, chunkBytesMax } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";

const format = 1;
const magic = Buffer.from("QFSCHUNK");
const checksumBytes = 4;
const at = { size: 0, checksum: 4, keyBytes: 8, format: 12, footerChecksum: 16, magic: 20 } as const;

/** The part of a footer that has the same length in every file. */
export const tailBytes = at.magic + magic.length;

/** More than the longest key has. */
const keyBytesMax = 4096;

/** What a footer says, once it has been checked. */
export interface ChunkFooter {
  readonly size: number;
  /** CRC-32C of the whole chunk. */
  readonly checksum: number;
  /** CRC-32C of each block. */
  readonly blocks: Uint32Array;
}

export function blocksIn(bytes: number): number {
  return Math.ceil(bytes / blockBytes);
}

export function footerBytes(chunk: { readonly size: number; readonly keyBytes: number }): number {
  return blocksIn(chunk.size) * checksumBytes + chunk.keyBytes + tailBytes;
}

export function encodeFooter(
  chunkKey: Uint8Array,
  footer: { readonly size: number; readonly checksum: number; readonly blocks: readonly number[] },
): Buffer {
  const { size, checksum, blocks } = footer;
  const bytes = Buffer.allocUnsafe(footerBytes({ size, keyBytes: chunkKey.length }));
  for (const [index, block] of blocks.entries()) bytes.writeUInt32LE(block, index * checksumBytes);
  bytes.set(chunkKey, blocks.length * checksumBytes);
  const tail = bytes.subarray(bytes.length - tailBytes);
  tail.writeUInt32LE(size, at.size);
  tail.writeUInt32LE(checksum, at.checksum);
  tail.writeUInt32LE(chunkKey.length, at.keyBytes);
  tail.writeUInt32LE(format, at.format);
  tail.writeUInt32LE(crc32c(bytes.subarray(0, bytes.length - tailBytes + at.footerChecksum)), at.footerChecksum);
  tail.set(magic, at.magic);
  return bytes;
}

/** Checks what was found behind a chunk's bytes. @returns undefined if that is damaged, or another chunk's */
export function openFooter(chunkKey: Uint8Array, size: number, bytes: Buffer): ChunkFooter | undefined {
  if (bytes.length !== footerBytes({ size, keyBytes: chunkKey.length }) || !isWhole(bytes)) return undefined;
  const tail = bytes.subarray(bytes.length - tailBytes);
  if (tail.readUInt32LE(at.size) !== size || !keyIn(bytes).equals(chunkKey)) return undefined;
  const blocks = new Uint32Array(blocksIn(size));
  for (let index = 0; index < blocks.length; index += 1) blocks[index] = bytes.readUInt32LE(index * checksumBytes);
  return { size, checksum: tail.readUInt32LE(at.checksum), blocks };
}

/** How long the footer is whose end this is. @returns undefined if it is none */
export function footerBytesOf(tail: Buffer): number | undefined {
  if (tail.length !== tailBytes || !tail.subarray(at.magic).equals(magic)) return undefined;
  const size = tail.readUInt32LE(at.size);
  const keyBytes = tail.readUInt32LE(at.keyBytes);
  return size <= chunkBytesMax && keyBytes <= keyBytesMax ? footerBytes({ size, keyBytes }) : undefined;
}

/** The key of the chunk whose footer this is. @returns undefined if it is damaged */
export function keyInFooter(bytes: Buffer): Buffer | undefined {
  return isWhole(bytes) ? keyIn(bytes) : undefined;
}

function isWhole(bytes: Buffer): boolean {
  const tail = bytes.subarray(bytes.length - tailBytes);
  const checked = bytes.subarray(0, bytes.length - tailBytes + at.footerChecksum);
  if (footerBytesOf(tail) !== bytes.length || tail.readUInt32LE(at.format) !== format) return false;
  return crc32c(checked) === tail.readUInt32LE(at.footerChecksum);
}

function keyIn(bytes: Buffer): Buffer {
  const end = bytes.length - tailBytes;
  return bytes.subarray(end - bytes.readUInt32LE(end + at.keyBytes), end);
}
