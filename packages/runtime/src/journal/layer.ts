import type { TableRange } from "@quorumfs/core";
import type { FramedValue, FramedWrite } from "./frame.js";

export interface LayerEntry {
  readonly key: string;
  /** Undefined: removed. */
  readonly value: FramedValue | undefined;
  /** Whether the key was there without this layer; kept by who has looked. */
  wasThere?: boolean;
}

/** Writes that are in the journal and not in the tables yet: the newest of each key, in memory. */
export class Layer {
  readonly #tables = new Map<string, SortedEntries>();
  /** Set while it goes into the tables, batch by batch: what is below it changes then. */
  isSettling = false;

  add(writes: Iterable<FramedWrite>): void {
    for (const { table, key, value } of writes) {
      let entries = this.#tables.get(table);
      if (!entries) this.#tables.set(table, (entries = new SortedEntries()));
      entries.set(key, value);
    }
  }

  get isEmpty(): boolean {
    return this.#tables.size === 0;
  }

  get tables(): Iterable<string> {
    return this.#tables.keys();
  }

  find(table: string, key: string): LayerEntry | undefined {
    return this.#tables.get(table)?.get(key);
  }

  /** In order of key. */
  entries(table: string): readonly LayerEntry[] {
    return this.#tables.get(table)?.sorted() ?? [];
  }

  /** In order of key, whatever the direction of the range. */
  within(table: string, { start, end }: TableRange): readonly LayerEntry[] {
    const entries = this.entries(table);
    if (entries.length === 0) return entries;
    const from = lowerBound(entries, latin1(start));
    const to = end ? lowerBound(entries, latin1(end)) : entries.length;
    return entries.slice(from, Math.max(from, to));
  }
}

interface MutableEntry extends LayerEntry {
  value: FramedValue | undefined;
}

/** Sorted when somebody asks, and then only what has come since: a scan among many writes must not sort all of them. */
class SortedEntries {
  readonly #byKey = new Map<string, MutableEntry>();
  #sorted: readonly MutableEntry[] = [];
  #added: MutableEntry[] = [];

  get(key: string): LayerEntry | undefined {
    return this.#byKey.get(key);
  }

  set(key: string, value: FramedValue | undefined): void {
    const known = this.#byKey.get(key);
    if (known) {
      known.value = value;
      return;
    }
    const entry: MutableEntry = { key, value };
    this.#byKey.set(key, entry);
    this.#added.push(entry);
  }

  sorted(): readonly LayerEntry[] {
    if (this.#added.length > 0) {
      const added = this.#added.sort((a, b) => (a.key < b.key ? -1 : 1));
      this.#sorted = this.#sorted.length === 0 ? added : mergeSorted(this.#sorted, added);
      this.#added = [];
    }
    return this.#sorted;
  }
}

function mergeSorted(a: readonly MutableEntry[], b: readonly MutableEntry[]): MutableEntry[] {
  const merged: MutableEntry[] = [];
  let index = 0;
  for (const entry of a) {
    for (let next = b[index]; next && next.key < entry.key; next = b[index]) {
      merged.push(next);
      index += 1;
    }
    merged.push(entry);
  }
  for (const entry of b.slice(index)) merged.push(entry);
  return merged;
}

/** Bytes as characters of their own: compares as the bytes do, and is a key of a Map. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** Index of the first entry whose key is not below `key`. */
function lowerBound(entries: readonly LayerEntry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.key ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
