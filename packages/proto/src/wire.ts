/**
 * The reader and writer that the generated code uses: those of @bufbuild/protobuf with two things made cheaper.
 *
 * 64-bit numbers: the library takes them by way of BigInt and text, some 300 ns each, and a vote has up to ten. Ours
 * stay below 2^53, so plain arithmetic does. Buffers: a new writer grows its buffer step by step; a writer that is used
 * again has already grown.
 */
import { BinaryReader as Reader, BinaryWriter as Writer } from "@bufbuild/protobuf/wire";

/** What a field of bytes holds that was left out; one for all messages, since nothing can be written into it. */
export const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);

const twoTo32 = 2 ** 32;
const scratch = new Uint8Array(8);

export class BinaryWriter extends Writer {
  static #idle: BinaryWriter | undefined;

  /** A writer that is free: after `finish` it is so again. */
  static take(): BinaryWriter {
    const writer = BinaryWriter.#idle ?? new BinaryWriter();
    BinaryWriter.#idle = undefined;
    return writer;
  }

  override finish(): Uint8Array<ArrayBuffer> {
    const bytes = super.finish();
    BinaryWriter.#idle = this;
    return bytes;
  }

  override uint64(value: string | number | bigint): this {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) return super.uint64(value);
    if (value < twoTo32) return this.uint32(value);
    let length = 0;
    let rest = value;
    while (rest >= 0x80) {
      scratch[length] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
      length += 1;
    }
    scratch[length] = rest;
    return this.raw(scratch.subarray(0, length + 1));
  }
}

export class BinaryReader extends Reader {
  /** The generated code keeps count here; declared, so that every reader has one shape. */
  __tsProtoDecodeDepth = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.#bytes = bytes;
  }

  /** An unsigned 64-bit varint below 2^53. */
  safeUint64(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.pos];
      if (byte === undefined) throw new RangeError("premature end of a message");
      this.pos += 1;
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a number is larger than 2^53 - 1");
      if (byte < 0x80) return value;
      // A varint has at most ten bytes.
      if (scale > 2 ** 56) throw new RangeError("a number has too many bytes");
    }
  }
}

/** Below this a copy costs less than one more piece. */
const pieceBytesMin = 32 * 1024;

/** Leaves the large fields of a message where they are, and writes what stands between them. */
class PieceWriter extends Writer {
  readonly #pieces: Uint8Array[] = [];
  /** In how many messages within the message we are: what is in there is copied, since its length comes first. */
  #depth = 0;

  override fork(): this {
    this.#depth += 1;
    return super.fork();
  }

  override join(): this {
    this.#depth -= 1;
    return super.join();
  }

  override bytes(value: Uint8Array): this {
    if (this.#depth > 0 || value.byteLength < pieceBytesMin) return super.bytes(value);
    this.uint32(value.byteLength);
    this.#pieces.push(this.finish(), value);
    return this;
  }

  pieces(): readonly Uint8Array[] {
    const rest = this.finish();
    return rest.byteLength === 0 && this.#pieces.length > 0 ? this.#pieces : [...this.#pieces, rest];
  }
}

/**
 * A message's bytes in pieces, one after the other: a large field is a piece of its own, and not a copy.
 *
 * @param encode the message's own
 */
export function inPieces<Message>(
  encode: (message: Message, writer: BinaryWriter) => unknown,
  message: Message,
): readonly Uint8Array[] {
  const writer = new PieceWriter();
  encode(message, writer);
  return writer.pieces();
}

/** The same bytes as a Buffer, which gRPC wants; not a copy of them. */
export function asBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
