import { QuorumError } from "@quorumfs/core";
import { messageBytesMax } from "./limits.js";

// One byte that says whether the message is compressed, four that say how long it is.
export const frameHeadBytes = 5;

/** Cuts a stream of bytes into the messages of gRPC, without copying a message that came in one piece. */
export class FrameReader {
  #chunks: Buffer[] = [];
  /** Bytes in `#chunks`. */
  #bytes = 0;
  /** Bytes that are needed before anything can be said: a frame's head, or the whole frame. */
  #needed = frameHeadBytes;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * The next whole message: a view of the bytes that were pushed.
   *
   * @throws QuorumError `resource_exhausted` as soon as a message says that it is larger than {@link messageBytesMax};
   * `invalid_argument` for a compressed one, since we announce no compression
   */
  next(): Buffer | undefined {
    if (this.#bytes < this.#needed) return undefined;
    const bytes = this.#contiguous();
    const frameBytes = frameHeadBytes + lengthOf(bytes);
    this.#needed = frameBytes;
    if (bytes.length < frameBytes) return undefined;
    this.#needed = frameHeadBytes;
    this.#bytes = bytes.length - frameBytes;
    this.#chunks = this.#bytes === 0 ? [] : [bytes.subarray(frameBytes)];
    return bytes.subarray(frameHeadBytes, frameBytes);
  }

  #contiguous(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const whole = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [whole];
    return whole;
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
