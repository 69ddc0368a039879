import type { Table, TableRange } from "@quorumfs/core";
import type { FramedValue } from "./frame.js";
import { latin1, type Layer, type LayerEntry } from "./layer.js";

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A table on disk as it will be when the layers above it have been written into it. */
export class LayeredTable implements Table {
  readonly name: string;
  readonly #base: Table;
  /** Newest first. */
  readonly #layers: () => readonly Layer[];

  constructor(base: Table, layers: () => readonly Layer[]) {
    this.name = base.name;
    this.#base = base;
    this.#layers = layers;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const layers = this.#layers();
    if (layers.length > 0) {
      const text = latin1(key);
      for (const layer of layers) {
        const entry = layer.find(this.name, text);
        if (entry) return entry.value && bytesOf(entry.value);
      }
    }
    return this.#base.get(key);
  }

  range(range: TableRange): Iterable<Entry> {
    const above = this.#within(range);
    if (above.length === 0) return this.#base.range(range);
    return merged(this.#base.range(range), range.reverse ? above.toReversed() : above, range.reverse ?? false);
  }

  /** Looks up each key above once, and while a layer settles, those in it: a few thousand at most. */
  count(): number {
    let count = this.#base.count();
    this.#layers().forEach((layer, index, layers) => {
      const below = layers[index + 1];
      for (const entry of layer.entries(this.name)) {
        const wasThere = (layer.isSettling ? undefined : entry.wasThere) ?? this.#isIn(entry.key, below);
        entry.wasThere = wasThere;
        count += Number(entry.value !== undefined) - Number(wasThere);
      }
    });
    return count;
  }

  #isIn(key: string, layer: Layer | undefined): boolean {
    const entry = layer?.find(this.name, key);
    return entry ? entry.value !== undefined : this.#base.get(Buffer.from(key, "latin1")) !== undefined;
  }

  /** What all layers say, the newest word on each key. */
  #within(range: TableRange): readonly LayerEntry[] {
    const found = this.#layers().map((layer) => layer.within(this.name, range));
    const [newest = [], older = []] = found;
    if (older.length === 0) return newest;
    const byKey = new Map(older.map((entry) => [entry.key, entry]));
    for (const entry of newest) byKey.set(entry.key, entry);
    return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** Both in the direction of the scan. */
function* merged(base: Iterable<Entry>, above: readonly LayerEntry[], reverse: boolean): Generator<Entry> {
  let index = 0;
  for (const entry of base) {
    const key = latin1(entry.key);
    let isReplaced = false;
    for (let next = above[index]; next && (next.key === key || next.key < key !== reverse); next = above[index]) {
      index += 1;
      isReplaced ||= next.key === key;
      if (next.value) yield { key: Buffer.from(next.key, "latin1"), value: bytesOf(next.value) };
    }
    if (!isReplaced) yield entry;
  }
  for (const { key, value } of above.slice(index)) {
    if (value) yield { key: Buffer.from(key, "latin1"), value: bytesOf(value) };
  }
}

function bytesOf({ frame, start, end }: FramedValue): Uint8Array {
  return Buffer.from(frame.subarray(start, end));
}
