/**
 * A file's record as it lies on disk. Part of the storage format; numbers are little-endian.
 *
 *     0  u32  CRC-32 of bytes 4 to the header's end, started from the key's seed
 *     4  u8   format, 1          5  u8  flags          6  u16  bytes of the header
 *     8  promised                                      (a ballot: f64 counter, u32 node, u32 incarnation)
 *    24  accepted
 *    40  version
 *    56  f64 size               64  f64 modified at, ms
 *    72  u32 bytes of content   76  u32 CRC-32 of content, started from the key's seed
 *    80  etag, 32 bytes         112  u8 marks in the ring   113  u8 unused   114  u16 attributes
 *   116  the ring (16 bytes of id, f64 counter each), the attributes (u16, u16 lengths, name, value each)
 *        the content, unless it has a row of its own
 *
 * Content has its own checksum: who votes or lists need not read it, and a flipped bit in it costs the replica its copy
 * but not its vote. Larger content lies in a second table under the same key, so that listing does not pass through it.
 * The length of the content is in the checked header, so a record that was cut is damaged, too.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { assert, type Ballot, type Content, type Register, type RequestMark, type Value } from "@quorumfs/core";
import { ballotAt, writeBallot } from "./ballot-codec.js";
import type { RecordKey } from "./record-key.js";

/**
 * Content up to this size lies in the record. LMDB keeps a row of up to about 2,000 bytes within a page of its tree and
 * gives larger ones pages of their own; this leaves room for the header with a full ring.
 */
export const contentInRecordBytesMax = 1536;

const format = 1;
const tombstoneFlag = 1;
const manifestFlag = 2;
const contentInTableFlag = 4;

const at = {
  checksum: 0,
  format: 4,
  flags: 5,
  headerBytes: 6,
  promised: 8,
  accepted: 24,
  version: 40,
  size: 56,
  modifiedAt: 64,
  contentBytes: 72,
  contentChecksum: 76,
  etag: 80,
  marks: 112,
  unused: 113,
  attributes: 114,
  rest: 116,
} as const;
const headerBytesMax = 0xffff;
const etagBytes = 32;
const markIdBytes = 16;
const markBytes = markIdBytes + 8;

const omitted: Content = Object.freeze({ kind: "omitted" });
const none: Content = Object.freeze({ kind: "none" });
const noBytes = new Uint8Array(0);
const noRing: readonly RequestMark[] = Object.freeze([]);
const noAttributes: ReadonlyMap<string, string> = new Map();

/** A register that has a value: what a record is made of. */
export interface ValuedRegister extends Register {
  readonly value: Value;
}

/** A record whose header has been checked, decoded as far as it was asked for. Never changed once it is made. */
export class StoredRecord {
  readonly bytes: Buffer;
  #register: ValuedRegister | undefined;

  /** Takes bytes that {@link encodeRecord} made or {@link openRecord} has checked; they belong to the record. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Its value is without content: `omitted`, or `none` for a tombstone. */
  get register(): ValuedRegister {
    return (this.#register ??= {
      promised: ballotAt(this.bytes, at.promised),
      accepted: ballotAt(this.bytes, at.accepted),
      value: valueIn(this.bytes, true),
    });
  }

  get promised(): Ballot {
    return ballotAt(this.bytes, at.promised);
  }

  get accepted(): Ballot {
    return ballotAt(this.bytes, at.accepted);
  }

  get version(): Ballot {
    return ballotAt(this.bytes, at.version);
  }

  get versionCounter(): number {
    return this.bytes.readDoubleLE(at.version);
  }

  get isTombstone(): boolean {
    return this.#has(tombstoneFlag);
  }

  /** Bytes of the file. */
  get size(): number {
    return this.bytes.readDoubleLE(at.size);
  }

  /** The wall clock of the value's coordinator. */
  get modifiedAtMs(): number {
    return this.bytes.readDoubleLE(at.modifiedAt);
  }

  /** The SHA-256 of the file, zeros for a tombstone, into `target` from `offset` on. */
  copyEtag(target: Buffer, offset: number): void {
    this.bytes.copy(target, offset, at.etag, at.etag + etagBytes);
  }

  /** The value without its ring, for lists; it shares no memory with the record. */
  listedValue(): Value {
    const value = valueIn(this.bytes, false);
    return { ...value, etag: Buffer.from(value.etag) };
  }

  get contentInTable(): boolean {
    return this.#has(contentInTableFlag);
  }

  /** The content that lies in the record; unchecked. */
  get contentInRecord(): Uint8Array {
    return this.bytes.subarray(this.bytes.readUInt16LE(at.headerBytes));
  }

  /** @returns undefined if these are not the bytes that the record was stored with */
  checkedContent(key: RecordKey, bytes: Uint8Array): Content | undefined {
    if (bytes.length !== this.bytes.readUInt32LE(at.contentBytes)) return undefined;
    if (contentChecksum(key, bytes) !== this.bytes.readUInt32LE(at.contentChecksum)) return undefined;
    return { kind: this.#has(manifestFlag) ? "manifest" : "inline", bytes };
  }

  #has(flag: number): boolean {
    return ((this.bytes[at.flags] ?? 0) & flag) !== 0;
  }
}

/** Checks what was found under `key`. @returns undefined if it is damaged */
export function openRecord(key: Pick<RecordKey, "seed">, bytes: Buffer): StoredRecord | undefined {
  if (bytes.length < at.rest) return undefined;
  const headerBytes = bytes.readUInt16LE(at.headerBytes);
  if (headerBytes < at.rest || headerBytes > bytes.length) return undefined;
  const header = bytes.subarray(at.format, headerBytes);
  if (crc32(header, key.seed) !== bytes.readUInt32LE(at.checksum) || header[0] !== format) return undefined;
  const record = new StoredRecord(bytes);
  const contentBytes = record.contentInTable ? 0 : bytes.readUInt32LE(at.contentBytes);
  return bytes.length === headerBytes + contentBytes ? record : undefined;
}

/** @returns the record, and the content if that is to lie in the second table */
export function encodeRecord(
  key: RecordKey,
  register: ValuedRegister,
): { readonly record: StoredRecord; readonly tableContent: Uint8Array | undefined } {
  const { promised, accepted, value } = register;
  const content = bytesOf(value.content);
  const inTable = content.length > contentInRecordBytesMax;
  const headerBytes = at.rest + value.ring.length * markBytes + attributesBytes(value.attributes);
  assert(headerBytes <= headerBytesMax, "attributes are bounded before they get here");

  const bytes = Buffer.allocUnsafe(headerBytes + (inTable ? 0 : content.length));
  bytes[at.format] = format;
  bytes[at.flags] =
    (value.kind === "tombstone" ? tombstoneFlag : 0) |
    (value.content.kind === "manifest" ? manifestFlag : 0) |
    (inTable ? contentInTableFlag : 0);
  bytes.writeUInt16LE(headerBytes, at.headerBytes);
  writeBallot(bytes, at.promised, promised);
  writeBallot(bytes, at.accepted, accepted);
  writeBallot(bytes, at.version, value.version);
  bytes.writeDoubleLE(value.size, at.size);
  bytes.writeDoubleLE(value.modifiedAtMs, at.modifiedAt);
  bytes.writeUInt32LE(content.length, at.contentBytes);
  bytes.writeUInt32LE(contentChecksum(key, content), at.contentChecksum);
  if (value.kind === "tombstone") bytes.fill(0, at.etag, at.etag + etagBytes);
  else bytes.set(value.etag, at.etag);
  bytes[at.marks] = value.ring.length;
  bytes[at.unused] = 0;
  bytes.writeUInt16LE(value.attributes.size, at.attributes);
  writeAttributes(bytes, writeRing(bytes, at.rest, value.ring), value.attributes);
  bytes.writeUInt32LE(crc32(bytes.subarray(at.format, headerBytes), key.seed), at.checksum);
  if (!inTable) bytes.set(content, headerBytes);
  return { record: new StoredRecord(bytes), tableContent: inTable ? content : undefined };
}

/** Node's `crc32` of no bytes is what it starts from, or 0, depending on how the empty array came about. */
function contentChecksum({ seed }: Pick<RecordKey, "seed">, content: Uint8Array): number {
  return content.length === 0 ? seed : crc32(content, seed);
}

function bytesOf(content: Content): Uint8Array {
  assert(content.kind !== "omitted", "a value is stored with its content");
  return content.kind === "none" ? noBytes : content.bytes;
}

function valueIn(bytes: Buffer, withRing: boolean): Value {
  const tombstone = ((bytes[at.flags] ?? 0) & tombstoneFlag) !== 0;
  const marks = bytes[at.marks] ?? 0;
  const attributes = bytes.readUInt16LE(at.attributes);
  return {
    kind: tombstone ? "tombstone" : "live",
    version: ballotAt(bytes, at.version),
    size: bytes.readDoubleLE(at.size),
    etag: tombstone ? noBytes : bytes.subarray(at.etag, at.etag + etagBytes),
    modifiedAtMs: bytes.readDoubleLE(at.modifiedAt),
    content: tombstone ? none : omitted,
    attributes: attributes === 0 ? noAttributes : attributesAt(bytes, at.rest + marks * markBytes, attributes),
    ring: withRing ? ringAt(bytes, marks) : noRing,
  };
}

function ringAt(bytes: Buffer, marks: number): readonly RequestMark[] {
  const ring: RequestMark[] = [];
  for (let mark = 0, offset: number = at.rest; mark < marks; mark += 1, offset += markBytes) {
    const requestId = bytes.subarray(offset, offset + markIdBytes);
    ring.push({ requestId, counter: bytes.readDoubleLE(offset + markIdBytes) });
  }
  return ring;
}

function writeRing(bytes: Buffer, start: number, ring: readonly RequestMark[]): number {
  let offset = start;
  for (const { requestId, counter } of ring) {
    assert(requestId.length === markIdBytes, "a request id has 16 bytes");
    bytes.set(requestId, offset);
    bytes.writeDoubleLE(counter, offset + markIdBytes);
    offset += markBytes;
  }
  return offset;
}

function attributesBytes(attributes: ReadonlyMap<string, string>): number {
  let length = 0;
  for (const [name, value] of attributes) length += 4 + Buffer.byteLength(name) + Buffer.byteLength(value);
  return length;
}

function attributesAt(bytes: Buffer, start: number, count: number): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let offset = start;
  for (let index = 0; index < count; index += 1) {
    const nameEnd = offset + 4 + bytes.readUInt16LE(offset);
    const valueEnd = nameEnd + bytes.readUInt16LE(offset + 2);
    attributes.set(bytes.toString("utf8", offset + 4, nameEnd), bytes.toString("utf8", nameEnd, valueEnd));
    offset = valueEnd;
  }
  return attributes;
}

function writeAttributes(bytes: Buffer, start: number, attributes: ReadonlyMap<string, string>): void {
  let offset = start;
  for (const [name, value] of attributes) {
    const nameBytes = bytes.write(name, offset + 4, "utf8");
    const valueBytes = bytes.write(value, offset + 4 + nameBytes, "utf8");
    bytes.writeUInt16LE(nameBytes, offset);
    bytes.writeUInt16LE(valueBytes, offset + 2);
    offset += 4 + nameBytes + valueBytes;
  }
}
