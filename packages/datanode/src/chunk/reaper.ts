import { type ContentFiles, type Clock, type CancelTimer, type Log } from "@quorumfs/core";
import { GenerationCache } from "../replica/generation-cache.js";
import type { ChunkIndex } from "./chunk-index.js";
import { uploadPartOf } from "./chunk-key.js";
import type { ChunkReader } from "./chunk-reader.js";
import { openLeaseRow, openRetiredKey } from "./chunk-rows.js";
import type { IndexChange } from "./index-change.js";
import { behind, type KeyRange, pageOf, wholeTable } from "./row-range.js";

const tickMs = 1000;

/** Chunks that go with each tick: 1 GiB a second, which leaves the disk to those who read and write. */
const reapedPerTick = 256;

/** Entries that are looked at with each tick. */
const seenPerTick = 4096;

/** Retired uploads whose last use is remembered; a forgotten one counts from its retirement. */
const usesMax = 65_536;

const leasesEveryTicks = 30;

export interface ReaperOptions {
  readonly index: ChunkIndex;
  readonly files: ContentFiles;
  readonly reader: ChunkReader;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a retired chunk stays readable. */
  readonly retireAfterMs: number;
}

interface Due {
  readonly entry: Buffer;
  readonly retiredAtMs: number;
  readonly chunkKey: Buffer;
}

/** Deletes, at a bounded rate, what was retired long enough ago and is not read any more: first the rows, then the files. */
export class Reaper {
  readonly #options: ReaperOptions;
  /** When a retired upload was last read or renewed. */
  readonly #uses = new GenerationCache<string, { readonly atMs: number }>({ entriesMax: usesMax });
  /** Where the next look begins: behind what is due, but in use. */
  #next: KeyRange = wholeTable;
  #ticks = 0;
  #lapsedBytes = 0;
  #timer: CancelTimer | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(tickMs, () => {
      this.#running = this.#tick();
    });
  }

  /** Bytes of uploads whose lease is over, as of a while ago. */
  get lapsedBytes(): number {
    return this.#lapsedBytes;
  }

  /** A retired chunk of this upload was read, or its owner asked for time. */
  used(uploadKey: Buffer): void {
    this.#uses.set(uploadKey.toString("latin1"), { atMs: this.#options.clock.nowMs() });
  }

  /** Stops after what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    await this.#running;
  }

  async #tick(): Promise<void> {
    try {
      await this.#reap();
      if (this.#ticks % leasesEveryTicks === 0) await this.#countLapsed();
      this.#ticks += 1;
    } catch (error) {
      this.#options.log.warn("chunk.reaping-failed", { error });
    }
    if (!this.#closed) this.start();
  }

  async #reap(): Promise<void> {
    const due = this.#due();
    if (due.length === 0) return;
    const { index, reader, files, log } = this.#options;
    const places = await index.change((change) => forget(change, due));
    for (const place of places) reader.forget(place);
    // What a crash leaves behind here is found at the next start.
    await files.remove(places);
    log.debug("chunk.reaped", { chunks: places.length });
  }

  #due(): readonly Due[] {
    const { index, clock, retireAfterMs } = this.#options;
    const untilMs = clock.wallMs() - retireAfterMs;
    const due: Due[] = [];
    const page = pageOf(index.tables.retired, this.#next, seenPerTick);
    // From the beginning again, once nothing more is due.
    this.#next = wholeTable;
    for (const [seen, { key: entry }] of page.entries()) {
      const { retiredAtMs, chunkKey } = openRetiredKey(entry);
      if (retiredAtMs > untilMs) break;
      if (!this.#isInUse(chunkKey)) due.push({ entry, retiredAtMs, chunkKey });
      if (due.length < reapedPerTick && seen < seenPerTick - 1) continue;
      this.#next = { start: behind(entry) };
      break;
    }
    return due;
  }

  #isInUse(chunkKey: Buffer): boolean {
    const { clock, retireAfterMs } = this.#options;
    const use = this.#uses.get(uploadPartOf(chunkKey).toString("latin1"));
    return use !== undefined && clock.nowMs() - use.atMs < retireAfterMs;
  }

  async #countLapsed(): Promise<void> {
    const { index, clock } = this.#options;
    const nowMs = clock.wallMs();
    let bytes = 0;
    for await (const { key, value } of index.scan(index.tables.leases, wholeTable)) {
      const lease = openLeaseRow(key, value);
      if (lease && lease.untilMs <= nowMs) bytes += lease.bytes;
    }
    this.#lapsedBytes = bytes;
  }
}

/** @returns the places of the files that may go */
function forget(change: IndexChange, due: readonly Due[]): readonly string[] {
  const places: string[] = [];
  const uploads = new Map<string, Buffer>();
  for (const { entry, retiredAtMs, chunkKey } of due) {
    const row = change.chunk(chunkKey);
    if (row === undefined || row === "damaged" || row.retiredAtMs !== retiredAtMs) {
      // It came back, or cannot be read; then it is repaired, or retired anew.
      change.dropRetiredEntry(entry);
      continue;
    }
    change.dropRetired(chunkKey, row);
    places.push(row.place);
    const uploadKey = uploadPartOf(chunkKey);
    uploads.set(uploadKey.toString("latin1"), uploadKey);
  }
  for (const uploadKey of uploads.values()) change.tidy(uploadKey);
  return places;
}
