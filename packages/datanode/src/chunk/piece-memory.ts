import { Buffer } from "node:buffer";

/** What is read at a time, and goes into one message. */
export const pieceBytesMax = 256 * 1024;

/** Pieces that are kept for the next reads: 4 MiB. More reads than that at a time are rare. */
const idleMax = 16;

/**
 * Memory for pieces of chunks, used again and again: at a gigabyte a second, new memory for each piece would be tens of
 * megabytes at any time that wait for the garbage collector, and each page of it would have to be mapped anew.
 */
export class PieceMemory {
  readonly #idle: Buffer[] = [];

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(pieceBytesMax);
  }

  /** Nobody looks at it any more. */
  giveBack(memory: Buffer): void {
    if (this.#idle.length < idleMax) this.#idle.push(memory);
  }
}
