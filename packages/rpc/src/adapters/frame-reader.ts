import { QuorumError } from "@quorumfs/core";
import { messageBytesMax } from "./limits.js";
import { messageMemory } from "./message-memory.js";

// One byte that says whether the message is compressed, four that say how long it is.
export const frameHeadBytes = 5;

const nothing = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into the messages of gRPC. A message that came in one piece is not copied; one that comes in
 * several is put together in a buffer of its own as they come, so that what it came in can be let go at once.
 */
export class FrameReader {
  /** What came in and was not looked at yet. */
  #rest: Buffer = nothing;
  /** A message whose end has not come yet, and how much of it has. */
  #begun: Buffer | undefined;
  #filled = 0;

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /**
   * The next whole message.
   *
   * @throws QuorumError `resource_exhausted` as soon as a message says that it is larger than {@link messageBytesMax};
   * `invalid_argument` for a compressed one, since we announce no compression
   */
  next(): Buffer | undefined {
    if (this.#begun !== undefined) return this.#goOn(this.#begun);
    if (this.#rest.length < frameHeadBytes) return undefined;
    const length = lengthOf(this.#rest);
    const bytes = this.#take(frameHeadBytes, length);
    if (bytes.length === length) return bytes;
    const begun = messageMemory.take(length);
    begun.set(bytes);
    this.#begun = begun;
    this.#filled = bytes.length;
    return undefined;
  }

  #goOn(begun: Buffer): Buffer | undefined {
    const bytes = this.#take(0, begun.length - this.#filled);
    begun.set(bytes, this.#filled);
    this.#filled += bytes.length;
    if (this.#filled < begun.length) return undefined;
    this.#begun = undefined;
    return begun;
  }

  /** Up to so many bytes from the front of what is here, behind some that are skipped. */
  #take(skip: number, length: number): Buffer {
    const end = skip + length;
    const taken = this.#rest.subarray(skip, end);
    this.#rest = this.#rest.length > end ? this.#rest.subarray(end) : nothing;
    return taken;
  }
}

function lengthOf(frame: Buffer): number {
  const length = frame.readUInt32BE(1);
  if (length > messageBytesMax) {
    const message = `a message of ${length} bytes is larger than the limit of ${messageBytesMax}`;
    throw new QuorumError({ code: "resource_exhausted", message });
  }
  if (frame[0] !== 0) {
    throw new QuorumError({ code: "invalid_argument", message: "messages of this stream may not be compressed" });
  }
  return length;
}
