import type { Buffer } from "node:buffer";
import type { CancelTimer, Clock, ContentFiles, Log } from "@quorumfs/core";
import type { ChunkIndex } from "./chunk-index.js";
import type { ChunkReader } from "./chunk-reader.js";
import { placeKey } from "./chunk-rows.js";

// Clients that waited for this node come first.
const startDelayMs = 10_000;

/** Files that are looked at with each step, and steps per second: the whole of 10 TiB of chunks within an hour. */
const filesPerStep = 256;
const stepPauseMs = 250;

export interface LeftoversOptions {
  readonly index: ChunkIndex;
  readonly files: ContentFiles;
  readonly reader: ChunkReader;
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves when every file that has been published by now has its row, or never will. */
  readonly underWay: () => Promise<unknown>;
}

/** Removes, once and slowly, the files without rows that a crash has left: published and not entered, or forgotten and not removed. */
export class Leftovers {
  readonly #options: LeftoversOptions;
  #timer: CancelTimer | undefined;
  #wake: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(startDelayMs, () => {
      this.#running = this.#run();
    });
  }

  /** Stops after what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { files, log } = this.#options;
    let removed = 0;
    let step: string[] = [];
    try {
      for await (const place of files.list()) {
        if (this.#closed) return;
        step.push(place);
        if (step.length < filesPerStep) continue;
        removed += await this.#clear(step);
        step = [];
        await this.#pause();
      }
      removed += await this.#clear(step);
      if (removed > 0) log.info("chunk.leftovers-removed", { files: removed });
    } catch (error) {
      log.warn("chunk.leftovers-failed", { error });
    }
  }

  async #clear(places: readonly string[]): Promise<number> {
    const { index, files, reader, underWay } = this.#options;
    const suspects: { readonly place: string; readonly key: Buffer | undefined }[] = [];
    for (const place of places) {
      if (!this.#isEntered(place)) suspects.push({ place, key: await reader.keyIn(place) });
    }
    if (suspects.length === 0) return 0;
    await underWay();
    // The change comes after all that were asked for before: what is not entered then never is.
    const leftovers = await index.change((change) => {
      const left: string[] = [];
      for (const { place, key } of suspects) {
        if (this.#isEntered(place)) continue;
        if (key && this.#isHeldBy(key, place)) change.enterPlace(place, key);
        else {
          change.dropPlace(place);
          left.push(place);
        }
      }
      return left;
    });
    await files.remove(leftovers);
    return leftovers.length;
  }

  #isEntered(place: string): boolean {
    const chunkKey = this.#options.index.tables.places.get(placeKey(place));
    return chunkKey !== undefined && this.#isHeldBy(chunkKey, place);
  }

  /** A damaged row may have meant this file. */
  #isHeldBy(chunkKey: Uint8Array, place: string): boolean {
    const row = this.#options.index.chunk(chunkKey);
    return row === "damaged" || row?.place === place;
  }

  #pause(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#timer = this.#options.clock.after(stepPauseMs, resolve);
      this.#wake = resolve;
    });
  }
}
