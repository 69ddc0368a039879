/**
 * A chunk's file: the bytes as they are, and behind them what they are checked by. Part of the storage format; numbers are
 * little-endian.
 *
 *     the bytes
 *     u32 CRC-32C of each block of 64 KiB (the last one is shorter)
 *      0  u32  size of the bytes           4  u32  CRC-32C of all of them
 *      8  SHA-256 of the chunk's key (`chunk-key.ts`): a file in another's place is found out
 *     40  u32  format, 1
 *     44  u32  CRC-32C of the footer up to here, the checksums of the blocks included
 *     48  "QFSCHUNK"
 *
 * The footer comes last, so that a chunk is written in one go while its checksums are made; its length follows from the
 * chunk's size, which its row says.
 */
import { Buffer } from "node:buffer";
import { blockBytes } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime";
import { chunkKeyHash } from "./chunk-key.js";

const format = 1;
const magic = Buffer.from("QFSCHUNK");
const checksumBytes = 4;
const at = { size: 0, checksum: 4, keyHash: 8, format: 40, footerChecksum: 44, magic: 48 } as const;
const tailBytes = at.magic + magic.length;

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

export function footerBytes(size: number): number {
  return blocksIn(size) * checksumBytes + tailBytes;
}

export function encodeFooter(
  chunkKey: Uint8Array,
  footer: { readonly size: number; readonly checksum: number; readonly blocks: readonly number[] },
): Buffer {
  const { size, checksum, blocks } = footer;
  const bytes = Buffer.allocUnsafe(footerBytes(size));
  for (const [index, block] of blocks.entries()) bytes.writeUInt32LE(block, index * checksumBytes);
  const tail = bytes.subarray(bytes.length - tailBytes);
  tail.writeUInt32LE(size, at.size);
  tail.writeUInt32LE(checksum, at.checksum);
  tail.set(chunkKeyHash(chunkKey), at.keyHash);
  tail.writeUInt32LE(format, at.format);
  tail.writeUInt32LE(crc32c(bytes.subarray(0, bytes.length - tailBytes + at.footerChecksum)), at.footerChecksum);
  tail.set(magic, at.magic);
  return bytes;
}

/** Checks what was found behind a chunk's bytes. @returns undefined if that is damaged, or another chunk's */
export function openFooter(chunkKey: Uint8Array, size: number, bytes: Buffer): ChunkFooter | undefined {
  if (bytes.length !== footerBytes(size)) return undefined;
  const tail = bytes.subarray(bytes.length - tailBytes);
  const checked = bytes.subarray(0, bytes.length - tailBytes + at.footerChecksum);
  if (!tail.subarray(at.magic).equals(magic) || crc32c(checked) !== tail.readUInt32LE(at.footerChecksum))
    return undefined;
  if (tail.readUInt32LE(at.format) !== format || tail.readUInt32LE(at.size) !== size) return undefined;
  if (!tail.subarray(at.keyHash, at.format).equals(chunkKeyHash(chunkKey))) return undefined;
  const blocks = new Uint32Array(blocksIn(size));
  for (let index = 0; index < blocks.length; index += 1) blocks[index] = bytes.readUInt32LE(index * checksumBytes);
  return { size, checksum: tail.readUInt32LE(at.checksum), blocks };
}
