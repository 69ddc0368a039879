/**
 * Contents that tell who wrote them. Each begins with a stamp that no other write of any run shares; the rest is a
 * stretch of one block of noise, which the stamp determines. So a content costs two copies to make, and one comparison
 * shows that not a byte of it belongs to another write.
 */

/** Room for a run id, the number of a process and that of a write, and the line's end. */
export const stampBytesMax = 40;

const noiseBytes = 64 * 1024;

export class UniqueContent {
  readonly #noise: Buffer;

  /** @param options.contentBytesMax size of the largest content */
  constructor(options: { draw: () => number; contentBytesMax: number }) {
    this.#noise = Buffer.alloc(noiseBytes + options.contentBytesMax);
    for (let at = 0; at < this.#noise.length; at += 1) this.#noise[at] = Math.floor(options.draw() * 256);
  }

  /** A content smaller than its stamp gets only a part of that and is not unique. */
  make(stamp: string, sizeBytes: number): Uint8Array {
    const content = Buffer.allocUnsafe(sizeBytes);
    const from = startOf(stamp);
    this.#noise.copy(content, 0, from, from + sizeBytes);
    content.write(`${stamp}\n`, 0, "latin1");
    return content;
  }

  /** The stamp of a content, if it is as it was made, and else a description that no stamp equals. */
  identify(content: Uint8Array): string {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const end = bytes.subarray(0, stampBytesMax + 1).indexOf("\n");
    if (end < 0) return `foreign content of ${bytes.length} bytes`;
    const stamp = bytes.toString("latin1", 0, end);
    const from = startOf(stamp);
    const isWhole = this.#noise.compare(bytes, end + 1, bytes.length, from + end + 1, from + bytes.length) === 0;
    return isWhole ? stamp : `damaged content of ${stamp}`;
  }
}

function startOf(stamp: string): number {
  let hash = 0;
  for (let at = 0; at < stamp.length; at += 1) hash = (Math.imul(hash, 31) + stamp.charCodeAt(at)) >>> 0;
  return hash % noiseBytes;
}
