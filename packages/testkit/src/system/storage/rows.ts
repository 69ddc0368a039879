import { Buffer } from "node:buffer";
import type { TableRange } from "@quorumfs/core";

/** The rows of a table in order of key. Keys are text of one character per byte, which sorts as the bytes do. */
export class Rows {
  readonly #keys: string[];
  readonly #values: Map<string, Buffer>;
  /** Counts the keys that came and went, so that a scan knows that its place has moved. */
  #changes = 0;

  constructor(keys: string[] = [], values = new Map<string, Buffer>()) {
    this.#keys = keys;
    this.#values = values;
  }

  get size(): number {
    return this.#keys.length;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#values.get(textOf(key));
  }

  /** @param value kept as it is; undefined removes the key */
  set(key: string, value: Buffer | undefined): void {
    const known = this.#values.has(key);
    if (value === undefined) {
      if (!known) return;
      this.#values.delete(key);
      this.#keys.splice(this.#from(key), 1);
      this.#changes += 1;
      return;
    }
    this.#values.set(key, value);
    if (known) return;
    const last = this.#keys.at(-1);
    if (last === undefined || last < key) this.#keys.push(key);
    else this.#keys.splice(this.#from(key), 0, key);
    this.#changes += 1;
  }

  *range({ start, end, reverse = false }: TableRange): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
    const [low, high] = [textOf(start), end && textOf(end)];
    let changes = this.#changes;
    let index = reverse ? (high === undefined ? this.#keys.length : this.#from(high)) - 1 : this.#from(low);
    for (;;) {
      const key = this.#keys[index];
      if (key === undefined || (reverse ? key < low : high !== undefined && key >= high)) return;
      yield { key: Buffer.from(key, "latin1"), value: Buffer.from(this.#values.get(key) ?? []) };
      if (changes !== this.#changes) {
        changes = this.#changes;
        index = this.#from(key) - (reverse ? 1 : this.#values.has(key) ? -1 : 0);
      } else index += reverse ? -1 : 1;
    }
  }

  entries(): Iterable<readonly [string, Buffer]> {
    return this.#values;
  }

  keyAt(index: number): string | undefined {
    return this.#keys[index];
  }

  clone(): Rows {
    return new Rows([...this.#keys], new Map(this.#values));
  }

  /** Where the first key is that is not below this one. */
  #from(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const here = this.#keys[middle];
      if (here !== undefined && here < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
