/**
 * The bytes of one chunk on their way to its replicas, laid out as the messages that carry them: before each 256 KiB lie
 * the four bytes that make it a `WriteChunkRequest`. So all replicas are sent the same memory, and nothing is copied again.
 */
import { assert, chunkBytesMax } from "@quorumfs/core";
import { crc32c } from "@quorumfs/runtime/lean";

/** Bytes of content in one message. */
export const messageDataBytes = 256 * 1024;

// Field 2 (data) with a length, which always takes three bytes here: the encoding allows for leading zeros.
const dataTag = 0x12;
const prefixBytes = 4;
const messageBytes = prefixBytes + messageDataBytes;

export class ChunkBuffer {
  readonly #memory = Buffer.allocUnsafeSlow((chunkBytesMax / messageDataBytes) * messageBytes);
  #size = 0;

  /** Bytes of content. */
  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size === chunkBytesMax;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Takes as many bytes as there is room for. @returns how many */
  append(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, chunkBytesMax - this.#size);
    for (let from = 0; from < taken;) {
      const offset = this.#size % messageDataBytes;
      const step = Math.min(taken - from, messageDataBytes - offset);
      const at = Math.floor(this.#size / messageDataBytes) * messageBytes + prefixBytes + offset;
      this.#memory.set(from === 0 && step === bytes.length ? bytes : bytes.subarray(from, from + step), at);
      this.#size += step;
      from += step;
    }
    return taken;
  }

  /** CRC-32C of the content. */
  checksum(): number {
    let checksum = 0;
    for (const view of this.views()) checksum = crc32c(view, checksum);
    return checksum;
  }

  /** The content, piece by piece. */
  *views(): Generator<Uint8Array, void, undefined> {
    for (let from = 0; from < this.#size; from += messageDataBytes) {
      const at = (from / messageDataBytes) * messageBytes + prefixBytes;
      yield this.#memory.subarray(at, at + Math.min(messageDataBytes, this.#size - from));
    }
  }

  /** The encoded requests that carry the content. Valid until the buffer is used anew. */
  messages(): Uint8Array[] {
    assert(this.#size > 0, "a chunk without bytes is sent");
    const messages: Uint8Array[] = [];
    for (let from = 0; from < this.#size; from += messageDataBytes) {
      const length = Math.min(messageDataBytes, this.#size - from);
      const start = (from / messageDataBytes) * messageBytes;
      this.#memory[start] = dataTag;
      this.#memory[start + 1] = (length & 0x7f) | 0x80;
      this.#memory[start + 2] = ((length >>> 7) & 0x7f) | 0x80;
      this.#memory[start + 3] = length >>> 14;
      messages.push(this.#memory.subarray(start, start + prefixBytes + length));
    }
    return messages;
  }
}
