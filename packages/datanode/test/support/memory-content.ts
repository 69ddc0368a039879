import { type ContentDraft, type ContentFiles, QuorumError } from "@quorumfs/core";

/** Content files in this process: what was published outlives the node that is closed, as on a disk. */
export class MemoryContent implements ContentFiles {
  readonly files = new Map<string, Buffer>();
  readonly quarantined: string[] = [];
  /** What the volume has; what is published does not count. */
  freeBytes = 1e12;
  totalBytes = 1e12;
  /** Set: no more bytes are taken. */
  full = false;

  create(name: string): ContentDraft {
    const parts: Buffer[] = [];
    return {
      write: async (bytes) => {
        if (this.full) throw new QuorumError({ code: "resource_exhausted", message: "no space left on device" });
        parts.push(Buffer.from(bytes));
        await turn();
      },
      publish: async () => {
        await turn();
        this.files.set(name, Buffer.concat(parts));
        return name;
      },
      discard: async () => undefined,
    };
  }

  async read(place: string, offset: number, target: Uint8Array): Promise<number | undefined> {
    await turn();
    const file = this.files.get(place);
    return file?.copy(target, 0, Math.min(offset, file.length));
  }

  async size(place: string): Promise<number | undefined> {
    await turn();
    return this.files.get(place)?.length;
  }

  async remove(places: readonly string[]): Promise<void> {
    await turn();
    for (const place of places) this.files.delete(place);
  }

  async quarantine(place: string): Promise<void> {
    await turn();
    this.quarantined.push(place);
    this.files.delete(place);
  }

  async *list(): AsyncGenerator<string> {
    await turn();
    yield* [...this.files.keys()];
  }

  space() {
    return { freeBytes: this.freeBytes, totalBytes: this.totalBytes };
  }

  async close(): Promise<void> {
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
