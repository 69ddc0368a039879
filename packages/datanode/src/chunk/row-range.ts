import { Buffer } from "node:buffer";
import type { Table } from "@quorumfs/core";

export interface RowEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Keys from `start` on, and below `end`. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end?: Uint8Array;
}

/** All keys; no key is empty. */
export const wholeTable: KeyRange = { start: Buffer.of(0) };

/** The entries whose keys begin with `prefix`, which is not all of 0xff: none of ours is. */
export function prefixRange(prefix: Buffer): KeyRange {
  const end = Buffer.from(prefix);
  let last = end.length - 1;
  while (end[last] === 0xff) last -= 1;
  end[last] = (end[last] ?? 0) + 1;
  return { start: prefix, end: end.subarray(0, last + 1) };
}

/** The first key behind this one. */
export function behind(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

/** Copies of at most `max` entries. */
export function pageOf(table: Table, range: KeyRange, max: number): RowEntry[] {
  const page: RowEntry[] = [];
  for (const { key, value } of table.range(range)) {
    page.push({ key: Buffer.from(key), value: Buffer.from(value) });
    if (page.length >= max) break;
  }
  return page;
}
