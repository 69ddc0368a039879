import { assert, type ContentDraft, type ContentFiles, QuorumError } from "@quorumfs/core";

/** Content files in memory, with a size, and with bytes that a test can reach. They outlive the node that uses them. */
export class MemoryContentFiles implements ContentFiles {
  readonly #files = new Map<string, Uint8Array>();
  readonly quarantined = new Map<string, Uint8Array>();
  readonly #totalBytes: number;
  /** Of drafts. */
  #draftBytes = 0;
  #published = 0;
  #failure: QuorumError | undefined;

  constructor(options: { readonly totalBytes?: number } = {}) {
    this.#totalBytes = options.totalBytes ?? 2 ** 40;
  }

  get places(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** The very bytes of a file: what is changed here is changed on the disk. */
  bytesAt(place: string): Uint8Array {
    const bytes = this.#files.get(place);
    assert(bytes !== undefined, `there is no file ${place}`);
    return bytes;
  }

  /** Puts other bytes into a file, as a bad disk may. */
  replace(place: string, bytes: Uint8Array): void {
    this.#files.set(place, bytes);
  }

  /** From now on no fsync succeeds. */
  fail(): void {
    this.#failure = new QuorumError({ code: "internal", message: "the disk refused a write (fsync)" });
  }

  create(name: string): ContentDraft {
    const parts: Uint8Array[] = [];
    let length = 0;
    let ended = false;
    const end = (): void => {
      ended = true;
      this.#draftBytes -= length;
    };
    return {
      write: async (bytes) => {
        assert(!ended, "a draft that was published or dropped is used again");
        if (this.#failure) throw this.#failure;
        if (bytes.byteLength > this.space().freeBytes) {
          throw new QuorumError({ code: "resource_exhausted", message: "the disk is full (ENOSPC)" });
        }
        parts.push(new Uint8Array(bytes));
        length += bytes.byteLength;
        this.#draftBytes += bytes.byteLength;
      },
      publish: async () => {
        assert(!ended, "a draft that was published or dropped is used again");
        end();
        if (this.#failure) throw this.#failure;
        this.#published += 1;
        const place = `${String(this.#published).padStart(6, "0")}/${name}`;
        this.#files.set(place, Buffer.concat(parts));
        return place;
      },
      discard: async () => {
        if (!ended) end();
      },
    };
  }

  async read(place: string, offset: number, target: Uint8Array): Promise<number | undefined> {
    const bytes = this.#files.get(place)?.subarray(offset, offset + target.byteLength);
    if (bytes) target.set(bytes);
    return bytes?.byteLength;
  }

  async size(place: string): Promise<number | undefined> {
    return this.#files.get(place)?.byteLength;
  }

  async remove(places: readonly string[]): Promise<void> {
    for (const place of places) this.#files.delete(place);
  }

  async quarantine(place: string): Promise<void> {
    const bytes = this.#files.get(place);
    if (!bytes) return;
    this.quarantined.set(place, bytes);
    this.#files.delete(place);
  }

  async *list(): AsyncGenerator<string, void, undefined> {
    yield* this.places;
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    let used = this.#draftBytes;
    for (const { byteLength } of this.#files.values()) used += byteLength;
    for (const { byteLength } of this.quarantined.values()) used += byteLength;
    return { freeBytes: Math.max(0, this.#totalBytes - used), totalBytes: this.#totalBytes };
  }

  async close(): Promise<void> {
    return;
  }
}
