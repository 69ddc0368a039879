import { assert } from "@quorumfs/core";
import type { WriteChunkRequest } from "@quorumfs/proto";
import { crc32c } from "@quorumfs/runtime/lean";

/** Bytes of content in one message. */
const messageDataBytes = 256 * 1024;

/** The bytes of one chunk on their way to its replicas, all of which are sent the same memory. */
export class ChunkBuffer {
  readonly capacity: number;
  readonly #memory: Buffer;
  #size = 0;

  /** @param capacity bytes, up to a chunk */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#memory = Buffer.allocUnsafeSlow(capacity);
  }

  /** Bytes of content. */
  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size === this.capacity;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Takes as many bytes as there is room for. @returns how many */
  append(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.capacity - this.#size);
    this.#memory.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#size);
    this.#size += taken;
    return taken;
  }

  /** CRC-32C of the content. */
  checksum(): number {
    return crc32c(this.#memory.subarray(0, this.#size));
  }

  /** The messages that carry the content, which is not copied into them: they hold until the buffer is used anew. */
  messages(): WriteChunkRequest[] {
    assert(this.#size > 0, "a chunk without bytes is sent");
    const messages: WriteChunkRequest[] = [];
    for (let from = 0; from < this.#size; from += messageDataBytes) {
      const value = this.#memory.subarray(from, Math.min(this.#size, from + messageDataBytes));
      messages.push({ part: { $case: "data", value } });
    }
    return messages;
  }
}
