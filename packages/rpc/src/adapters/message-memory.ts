import { Buffer } from "node:buffer";

/** The largest message of bulk data, 256 KiB, and room for what surrounds it; whatever is larger has memory of its own. */
const pieceBytes = 256 * 1024 + 1024;
/** A smaller one would waste most of it. */
const leastBytes = 128 * 1024;
/** What is kept for later: 8 MiB. */
const idleMax = 32;

/**
 * Memory of large messages, used again when their receiver says that it is done with them. At hundreds of megabytes a second,
 * new memory for each would be tens of megabytes that wait for the garbage collector, and pages that are mapped anew.
 */
class MessageMemory {
  readonly #idle: ArrayBuffer[] = [];
  /** Only what is lent can come back, and only once. */
  readonly #lent = new WeakSet<ArrayBufferLike>();

  take(length: number): Buffer {
    if (length < leastBytes || length > pieceBytes) return Buffer.allocUnsafeSlow(length);
    const memory = this.#idle.pop() ?? Buffer.allocUnsafeSlow(pieceBytes).buffer;
    this.#lent.add(memory);
    return Buffer.from(memory, 0, length);
  }

  /** @param bytes any part of a message; nobody looks at any of it any more */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer) || !(buffer instanceof ArrayBuffer)) return;
    if (this.#idle.length < idleMax) this.#idle.push(buffer);
  }
}

/** One for the process, since all of its connections take turns. */
export const messageMemory = new MessageMemory();
