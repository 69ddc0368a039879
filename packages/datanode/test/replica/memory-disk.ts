import { type Disk, QuorumError, type Table, type TableRange, type TableWrite } from "@quorumfs/core";

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

class MemoryTable implements Table {
  readonly name: string;
  /** In order of key; never changed in place, so that a scan sees what there was when it began. */
  rows: readonly Row[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const row = this.rows[this.#from(key)];
    return row && Buffer.compare(row.key, key) === 0 ? Buffer.from(row.value) : undefined;
  }

  *range({ start, end, reverse }: TableRange): Generator<Row> {
    const within = this.rows.slice(this.#from(start), end ? this.#from(end) : undefined);
    yield* reverse === true ? within.reverse() : within;
  }

  count(): number {
    return this.rows.length;
  }

  put(key: Uint8Array, value: Uint8Array | undefined): void {
    const at = this.#from(key);
    const row = this.rows[at];
    const behind = row && Buffer.compare(row.key, key) === 0 ? at + 1 : at;
    const placed = value ? [{ key: Buffer.from(key), value: Buffer.from(value) }] : [];
    this.rows = [...this.rows.slice(0, at), ...placed, ...this.rows.slice(behind)];
  }

  /** Where the first row is whose key is not below this one. */
  #from(key: Uint8Array): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.rows[middle];
      if (row && Buffer.compare(row.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface Commit {
  readonly writes: readonly TableWrite[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A disk whose commits are durable when the test says so. As the port allows, what is committed and not yet durable can
 * already be read; {@link crash} takes it away.
 */
export class MemoryDisk implements Disk {
  readonly #tables = new Map<string, MemoryTable>();
  readonly #durable = new Map<string, readonly Row[]>();
  readonly #held: Commit[] = [];
  #holding = false;
  #failure: Error | undefined;
  commits = 0;

  table(name: string): MemoryTable {
    const table = this.#tables.get(name) ?? new MemoryTable(name);
    this.#tables.set(name, table);
    return table;
  }

  commit(writes: readonly TableWrite[]): Promise<void> {
    this.commits += 1;
    if (this.#failure) return Promise.reject(this.#failure);
    for (const { table, key, value } of writes) this.table(table.name).put(key, value);
    return new Promise((resolve, reject) => {
      this.#held.push({ writes, resolve, reject });
      if (!this.#holding) this.release();
    });
  }

  /** From now on commits wait. */
  hold(): void {
    this.#holding = true;
  }

  get heldCommits(): number {
    return this.#held.length;
  }

  /** Makes the oldest held commits durable, all of them by default. */
  release(count = this.#held.length): void {
    for (const { writes, resolve } of this.#held.splice(0, count)) {
      for (const { table, key, value } of writes) {
        const shadow = new MemoryTable(table.name);
        shadow.rows = this.#durable.get(table.name) ?? [];
        shadow.put(key, value);
        this.#durable.set(table.name, shadow.rows);
      }
      resolve();
    }
    this.#holding = false;
  }

  /** The disk refuses what is under way and all that follows. */
  fail(reason: string): void {
    this.#failure = new QuorumError({ code: "unavailable", message: reason });
    for (const { reject } of this.#held.splice(0)) reject(this.#failure);
  }

  /** What a machine that lost power finds when it is back: the durable commits. */
  crash(): MemoryDisk {
    const disk = new MemoryDisk();
    for (const [name, rows] of this.#durable) {
      disk.table(name).rows = rows;
      disk.#durable.set(name, rows);
    }
    return disk;
  }

  space(): { freeBytes: number; totalBytes: number } {
    return { freeBytes: 0, totalBytes: 0 };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
