/**
 * One group of commits as it stands in the journal.
 *
 * ```
 * salt 8 | crc32 4 | length 4 | number 6 | tables 1 | writes 4 | for each table: length 1, name
 *                                              | for each write: table 1, kind 1, key length 2, value length 4, key, value
 * ```
 * Little-endian. The checksum covers everything behind it; the length is that of all. Frames are numbered without gaps.
 *
 * The salt is a secret of the store's, another one each time that it is opened: values hold what users send, and nobody
 * shall be able to send a frame; and what an earlier run has left behind is not taken for this one's.
 */
import { crc32 } from "node:zlib";
import { assert, AssertionError, type TableWrite } from "@quorumfs/core";
import { flippedBit, isSingleBit } from "./flipped-bit.js";

/**
 * Frames start at multiples of this, the unit in which disks write: so no write of a frame ever touches a sector that
 * holds an acknowledged one, and a power cut in the middle of it can only cost the frame itself.
 */
export const frameAlign = 4096;
export const saltBytes = 8;

const crcOffset = saltBytes;
const lengthOffset = crcOffset + 4;
const numberOffset = lengthOffset + 4;
const tablesOffset = numberOffset + 6;
const writesOffset = tablesOffset + 1;
const headerBytes = writesOffset + 4;
const writeHeaderBytes = 8;

const kindRemove = 0;
const kindPut = 1;

/** Where a value is within its frame; `undefined` stands for a removal. */
export interface FramedValue {
  readonly frame: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface FramedWrite {
  readonly table: string;
  /** The key's bytes as characters of their own: compares as the bytes do. */
  readonly key: string;
  readonly value: FramedValue | undefined;
}

export interface Frame {
  readonly number: number;
  readonly writes: readonly FramedWrite[];
}

/** @returns the frame with its padding; values are to be read with {@link framedWrites} */
export function encodeFrame(options: { salt: Uint8Array; number: number; writes: readonly TableWrite[] }): Buffer {
  const { salt, number, writes } = options;
  const names = [...new Set(writes.map(({ table }) => table.name))];
  let length = headerBytes;
  for (const name of names) length += 1 + Buffer.byteLength(name);
  for (const { key, value } of writes) length += writeHeaderBytes + key.length + (value?.length ?? 0);
  const frame = Buffer.allocUnsafeSlow(Math.ceil(length / frameAlign) * frameAlign);
  frame.set(salt);
  frame.writeUInt32LE(length, lengthOffset);
  frame.writeUIntLE(number, numberOffset, 6);
  frame.writeUInt8(names.length, tablesOffset);
  frame.writeUInt32LE(writes.length, writesOffset);
  let offset = headerBytes;
  for (const name of names) {
    const written = frame.write(name, offset + 1);
    frame.writeUInt8(written, offset);
    offset += 1 + written;
  }
  for (const { table, key, value } of writes) {
    frame[offset] = names.indexOf(table.name);
    frame[offset + 1] = value ? kindPut : kindRemove;
    frame.writeUInt16LE(key.length, offset + 2);
    frame.writeUInt32LE(value?.length ?? 0, offset + 4);
    offset += writeHeaderBytes;
    frame.set(key, offset);
    offset += key.length;
    if (value) frame.set(value, offset);
    offset += value?.length ?? 0;
  }
  assert(offset === length, "a frame is as long as was reckoned");
  frame.fill(0, length);
  frame.writeUInt32LE(crc32(frame.subarray(lengthOffset, length)), crcOffset);
  return frame;
}

/** The frame that starts at `offset`, if there is a whole one. */
export function decodeFrame(
  bytes: Buffer,
  offset: number,
  salt: Uint8Array,
): { frame: Frame; end: number } | undefined {
  if (offset + headerBytes > bytes.length) return undefined;
  if (bytes.compare(salt, 0, saltBytes, offset, offset + saltBytes) !== 0) return undefined;
  const length = bytes.readUInt32LE(offset + lengthOffset);
  if (length < headerBytes || offset + length > bytes.length) return undefined;
  const frame = bytes.subarray(offset, offset + length);
  if (crc32(frame.subarray(lengthOffset)) !== frame.readUInt32LE(crcOffset)) return undefined;
  const end = offset + Math.ceil(length / frameAlign) * frameAlign;
  return { frame: { number: frame.readUIntLE(numberOffset, 6), writes: [...framedWrites(frame)] }, end };
}

/**
 * The frame that starts at `offset`, if there is one that is whole but for a single bit.
 *
 * @returns what {@link decodeFrame} would, had the bit not flipped
 */
export function decodeMendedFrame(
  bytes: Buffer,
  offset: number,
  salt: Uint8Array,
): { frame: Frame; end: number } | undefined {
  if (offset + headerBytes > bytes.length) return undefined;
  const head = bytes.subarray(offset, offset + headerBytes);
  const saltDifferences = salt.reduce((count, byte, index) => count + bitsIn(byte ^ (head[index] ?? 0)), 0);
  if (saltDifferences > 1) return undefined;
  for (const length of lengthsNear(head.readUInt32LE(lengthOffset))) {
    if (length < headerBytes || offset + length > bytes.length) continue;
    // A copy: what is mended is not to be written anywhere.
    const frame = Buffer.from(bytes.subarray(offset, offset + length));
    frame.set(salt);
    frame.writeUInt32LE(length, lengthOffset);
    if (saltDifferences === 0 && length === head.readUInt32LE(lengthOffset)) mendChecked(frame);
    const decoded = decodeUnsure(frame, salt);
    if (decoded) return { frame: decoded, end: offset + Math.ceil(length / frameAlign) * frameAlign };
  }
  return undefined;
}

/** Flips back the bit that is wrong in the checksum, or in what it covers. */
function mendChecked(frame: Buffer): void {
  const checked = frame.subarray(lengthOffset);
  const difference = crc32(checked) ^ frame.readUInt32LE(crcOffset);
  if (isSingleBit(difference)) {
    frame.writeUInt32LE(crc32(checked), crcOffset);
    return;
  }
  const bit = flippedBit(checked.length, difference);
  if (bit !== undefined) checked[bit >>> 3] = (checked[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
}

/** A frame of which only the checksum is known to be right, and that may be right by chance. */
function decodeUnsure(frame: Buffer, salt: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(frame, 0, salt)?.frame;
  } catch (error) {
    if (error instanceof RangeError || error instanceof AssertionError) return undefined;
    throw error;
  }
}

/** The length itself first, then all that are one bit away. */
function lengthsNear(length: number): readonly number[] {
  return [length, ...Array.from({ length: 32 }, (_, bit) => (length ^ (1 << bit)) >>> 0)];
}

function bitsIn(byte: number): number {
  let count = 0;
  for (let left = byte; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** The writes of a frame that is known to be whole. */
export function* framedWrites(frame: Buffer): Generator<FramedWrite> {
  const names: string[] = [];
  let offset = headerBytes;
  for (let left = frame.readUInt8(tablesOffset); left > 0; left -= 1) {
    const end = offset + 1 + frame.readUInt8(offset);
    names.push(frame.toString("utf8", offset + 1, end));
    offset = end;
  }
  for (let left = frame.readUInt32LE(writesOffset); left > 0; left -= 1) {
    const table = names[frame.readUInt8(offset)];
    assert(table !== undefined, "a frame's writes are to its tables");
    const isPut = frame.readUInt8(offset + 1) === kindPut;
    const start = offset + writeHeaderBytes + frame.readUInt16LE(offset + 2);
    const end = start + frame.readUInt32LE(offset + 4);
    const key = frame.toString("latin1", offset + writeHeaderBytes, start);
    yield { table, key, value: isPut ? { frame, start, end } : undefined };
    offset = end;
  }
}
