import { Buffer } from "node:buffer";
import { assert, type ContentDraft, type ContentFiles, QuorumError } from "@quorumfs/core";
import type { SimulatedProcess } from "../world/simulated-process.js";
import type { Volume } from "./volume.js";

// A removed file may be there again after a crash for so long: as long as file systems hold back what they write.
const removalSettlesMs = 5_000;
// As long as one look at the disk takes.
const accessMs = { min: 0.01, max: 0.2 };

/**
 * The ContentFiles port of a process over a volume. What was published is durable; a draft that was being published when the
 * process died is there in whole or not at all, any other is gone; removals may be undone by a crash.
 */
export class SimulatedContentFiles implements ContentFiles {
  readonly #volume: Volume;
  readonly #process: SimulatedProcess;
  readonly #publishing = new Map<string, Buffer>();
  #draftBytes = 0;
  #failed = false;

  constructor(options: { readonly volume: Volume; readonly process: SimulatedProcess }) {
    this.#volume = options.volume;
    this.#process = options.process;
    options.process.onDeath(() => this.#crash());
  }

  create(name: string): ContentDraft {
    const volume = this.#volume;
    const parts: Buffer[] = [];
    let length = 0;
    let ended = false;
    const end = (): void => {
      assert(!ended, "a draft that was published or dropped is used again");
      ended = true;
      this.#draftBytes -= length;
    };
    return {
      write: async (bytes) => {
        assert(!ended, "a draft that was published or dropped is used again");
        await this.#access();
        if (bytes.byteLength > this.space().freeBytes) {
          throw new QuorumError({ code: "resource_exhausted", message: "the disk is full (ENOSPC)" });
        }
        parts.push(Buffer.from(bytes));
        length += bytes.byteLength;
        this.#draftBytes += bytes.byteLength;
      },
      publish: async () => {
        end();
        volume.published += 1;
        const place = `${String(volume.published).padStart(6, "0")}/${name}`;
        const content = Buffer.concat(parts);
        this.#publishing.set(place, content);
        await this.#takes(volume.nextSyncMs());
        this.#publishing.delete(place);
        if (volume.failsNext || this.#failed) {
          volume.failsNext = false;
          this.#failed = true;
          throw new QuorumError({ code: "internal", message: "the disk refused a write (EIO)" });
        }
        volume.files.set(place, content);
        return place;
      },
      discard: async () => {
        if (!ended) end();
      },
    };
  }

  async read(place: string, offset: number, target: Uint8Array): Promise<number | undefined> {
    await this.#access();
    const bytes = this.#volume.files.get(place)?.subarray(offset, offset + target.byteLength);
    if (bytes) target.set(bytes);
    return bytes?.byteLength;
  }

  async size(place: string): Promise<number | undefined> {
    await this.#access();
    return this.#volume.files.get(place)?.byteLength;
  }

  async remove(places: readonly string[]): Promise<void> {
    await this.#access();
    const { files, removed } = this.#volume;
    const atMs = this.#process.world.nowMs;
    for (const place of places) {
      const bytes = files.get(place);
      if (bytes && files.delete(place)) removed.push({ place, bytes, atMs });
    }
  }

  async quarantine(place: string): Promise<void> {
    await this.#access();
    this.#volume.files.delete(place);
  }

  async *list(): AsyncGenerator<string, void, undefined> {
    await this.#access();
    yield* [...this.#volume.files.keys()];
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    const { freeBytes, totalBytes } = this.#volume.space();
    return { freeBytes: Math.max(0, freeBytes - this.#draftBytes), totalBytes };
  }

  async close(): Promise<void> {
    return;
  }

  #access(): Promise<void> {
    return this.#takes(this.#volume.random.between(accessMs.min, accessMs.max));
  }

  #takes(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#process.world.after(delayMs, resolve, this.#process));
  }

  #crash(): void {
    const { random, files, removed } = this.#volume;
    for (const [place, content] of this.#publishing) if (random.chance(0.5)) files.set(place, content);
    const sinceMs = this.#process.world.nowMs - removalSettlesMs;
    for (const { place, bytes, atMs } of removed.splice(0)) {
      if (atMs > sinceMs && random.chance(0.5)) files.set(place, bytes);
    }
  }
}
