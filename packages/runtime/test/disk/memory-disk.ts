import { type Disk, QuorumError, type Table, type TableRange, type TableWrite } from "@quorumfs/core";

type Rows = Map<string, Map<string, Uint8Array>>;

/** What is left when a disk is closed; open the next one on it. */
export class MemoryPlatter {
  readonly rows: Rows = new Map();
  commits = 0;
}

/** A disk without a disk, for tests of what is built on one. */
export class MemoryDisk implements Disk {
  readonly #platter: MemoryPlatter;
  readonly #rows: Rows;
  #last: Promise<void> = Promise.resolve();
  #closed = false;
  #broken: QuorumError | undefined;

  constructor(platter: MemoryPlatter = new MemoryPlatter()) {
    this.#platter = platter;
    this.#rows = platter.rows;
  }

  get commits(): number {
    return this.#platter.commits;
  }

  table(name: string): Table {
    let rows = this.#rows.get(name);
    if (!rows) this.#rows.set(name, (rows = new Map<string, Uint8Array>()));
    return new MemoryTable(name, rows);
  }

  commit(writes: readonly TableWrite[]): Promise<void> {
    for (const { key } of writes) {
      if (key.length < 1 || key.length > 1978) throw new RangeError("a key is 1 to 1978 bytes long");
    }
    if (this.#closed) {
      return Promise.reject(new QuorumError({ code: "unavailable", message: "the store is closed" }));
    }
    this.#last = this.#last.then(() => this.#apply(writes));
    return this.#last;
  }

  /** From now on every commit fails. */
  break(): void {
    this.#broken = new QuorumError({ code: "unavailable", message: "the disk refused a write" });
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return { freeBytes: 2 ** 39, totalBytes: 2 ** 40 };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last.catch(() => undefined);
  }

  #apply(writes: readonly TableWrite[]): void {
    if (this.#broken) throw this.#broken;
    this.#platter.commits += 1;
    for (const { table, key, value } of writes) {
      const rows = this.#rows.get(table.name);
      if (value) rows?.set(hex(key), Uint8Array.from(value));
      else rows?.delete(hex(key));
    }
  }
}

class MemoryTable implements Table {
  readonly name: string;
  readonly #rows: Map<string, Uint8Array>;

  constructor(name: string, rows: Map<string, Uint8Array>) {
    this.name = name;
    this.#rows = rows;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return copyOf(this.#rows.get(hex(key)));
  }

  *range({ start, end, reverse }: TableRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    const keys = [...this.#rows.keys()]
      .filter((key) => key >= hex(start) && (end === undefined || key < hex(end)))
      .sort();
    if (reverse) keys.reverse();
    for (const key of keys) {
      const value = this.#rows.get(key);
      if (value) yield { key: Buffer.from(key, "hex"), value: Uint8Array.from(value) };
    }
  }

  count(): number {
    return this.#rows.size;
  }
}

// Not `slice`: that of a Buffer shares its memory.
function copyOf(value: Uint8Array | undefined): Uint8Array | undefined {
  return value && Uint8Array.from(value);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
