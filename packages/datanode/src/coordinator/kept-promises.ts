import { type Kept, type Value, withoutContent } from "@quorumfs/core";

// About 1 KiB each with a full ring: 16 MiB in all.
export const keptMaxDefault = 16_384;

/**
 * What this coordinator keeps of the files that it wrote last: with it, the next write to such a file takes one round
 * trip instead of two. The least recently written make room.
 */
export class KeptPromises {
  readonly #keptMax: number;
  /** In order of the last write, oldest first. */
  readonly #kept = new Map<string, Kept>();

  constructor(keptMax: number = keptMaxDefault) {
    this.#keptMax = keptMax;
  }

  /** Hands out what is kept, once: the next ballot must not be used twice. */
  take(file: string): Kept | undefined {
    const kept = this.#kept.get(file);
    if (kept) this.#kept.delete(file);
    return kept;
  }

  put(file: string, kept: Kept): void {
    this.#kept.delete(file);
    this.#kept.set(file, { next: kept.next, current: lasting(kept.current) });
    if (this.#kept.size <= this.#keptMax) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  /** At a new layout: others vote from now on. */
  clear(): void {
    this.#kept.clear();
  }
}

/** Without content, and without views into message buffers, which would stay in memory as a whole. */
function lasting(value: Value): Value {
  return {
    ...withoutContent(value),
    etag: detached(value.etag),
    ring: value.ring.map((mark) => ({ requestId: detached(mark.requestId), counter: mark.counter })),
  };
}

function detached(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
