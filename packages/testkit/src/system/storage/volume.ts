import { Buffer } from "node:buffer";
import type { Prng } from "../../simulation/prng.js";
import { Rows } from "./rows.js";

/** One change of a row, as it is written to the disk. */
export interface RowWrite {
  readonly table: string;
  readonly key: string;
  readonly value: Buffer | undefined;
}

/** What a machine keeps: the tables of its store and its files, as they would be found after a crash. */
export class Volume {
  readonly random: Prng;
  tables = new Map<string, Rows>();
  commits = 0;
  files = new Map<string, Buffer>();
  /** Removed, and perhaps there again after a crash. */
  removed: { readonly place: string; readonly bytes: Buffer; readonly atMs: number }[] = [];
  published = 0;
  totalBytes = 2 ** 30;
  /** How long it takes until a commit is durable. */
  syncMs = { min: 0.05, max: 2 };
  /** Refuses everything that takes room. */
  isFull = false;
  /** The next fsync fails, and with it the process. */
  failsNext = false;
  /** Says that things are durable long before they are: a broken disk, by which tests show that one is noticed. */
  lies = false;
  /** Counts what was done to it. */
  readonly flips: { readonly table: string; readonly key: string }[] = [];

  constructor(random: Prng) {
    this.random = random;
  }

  nextSyncMs(): number {
    return this.random.between(this.syncMs.min, this.syncMs.max);
  }

  apply(writes: readonly RowWrite[]): void {
    for (const { table, key, value } of writes) this.rows(table).set(key, value);
  }

  rows(table: string): Rows {
    let rows = this.tables.get(table);
    if (!rows) {
      rows = new Rows();
      this.tables.set(table, rows);
    }
    return rows;
  }

  usedBytes(): number {
    let used = 0;
    for (const { byteLength } of this.files.values()) used += byteLength;
    return used;
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    const freeBytes = this.isFull ? 0 : Math.max(0, this.totalBytes - this.usedBytes());
    return { freeBytes, totalBytes: this.totalBytes };
  }

  /** A copy of what is on it, to be put back later. */
  snapshot(): VolumeSnapshot {
    const tables = new Map([...this.tables].map(([name, rows]) => [name, rows.clone()]));
    return { tables, commits: this.commits, files: new Map(this.files), published: this.published };
  }

  restore({ tables, commits, files, published }: VolumeSnapshot): void {
    this.tables = new Map([...tables].map(([name, rows]) => [name, rows.clone()]));
    this.commits = commits;
    this.files = new Map(files);
    this.published = published;
    this.removed = [];
  }

  /** All that was on it is gone. */
  lose(): void {
    this.restore({ tables: new Map(), commits: 0, files: new Map(), published: 0 });
  }

  /** The store is moved out of the way; files stay. */
  setAside(): void {
    this.tables = new Map();
    this.commits = 0;
  }

  /** Flips one bit of the value of a row; false if there is none. Seen by a process that has the store open as well. */
  flipRow(isTable: (name: string) => boolean): string | undefined {
    const names = [...this.tables].filter(([name, rows]) => rows.size > 0 && isTable(name)).map(([name]) => name);
    if (names.length === 0) return undefined;
    const table = this.random.pick(names);
    const rows = this.rows(table);
    const key = rows.keyAt(this.random.below(rows.size));
    const value = key === undefined ? undefined : rows.get(Buffer.from(key, "latin1"));
    if (key === undefined || value === undefined || value.length === 0) return undefined;
    flipIn(value, this.random);
    this.flips.push({ table, key });
    return table;
  }

  /** Flips one bit of a file. */
  flipFile(): string | undefined {
    const places = [...this.files.keys()];
    if (places.length === 0) return undefined;
    const place = this.random.pick(places);
    const bytes = this.files.get(place);
    if (bytes === undefined || bytes.length === 0) return undefined;
    flipIn(bytes, this.random);
    return place;
  }
}

export interface VolumeSnapshot {
  readonly tables: ReadonlyMap<string, Rows>;
  readonly commits: number;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly published: number;
}

function flipIn(bytes: Buffer, random: Prng): void {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
}
