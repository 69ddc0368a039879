/**
 * A small table whose rows must not be wrong, and of which there is no other copy: who a process is, say. Each row ends in a CRC-32
 * of its value, started from that of its key. A flipped bit is put right, be it in the value, the checksum or the key; what
 * else is damaged is refused.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { QuorumError, type Table, type TableWrite } from "@quorumfs/core";
import { flippedBit, isSingleBit } from "./journal/flipped-bit.js";

const checksumBytes = 4;
const lowestKey = new Uint8Array(1);

export interface SealedEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class SealedTable {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** @throws QuorumError `corrupt` */
  get(key: Uint8Array): Uint8Array | undefined {
    const row = this.#table.get(key);
    return row ? this.#unseal(key, row) : this.#misplaced(key);
  }

  /**
   * All rows, in order of their keys as they lie there.
   *
   * @throws QuorumError `corrupt`
   */
  entries(): readonly SealedEntry[] {
    return this.#rows().flatMap(({ key, row }): readonly SealedEntry[] => {
      if (isRight(key, row)) return [{ key, value: valueOf(row) }];
      const home = keysNear(key).find((near) => isRight(near, row));
      if (!home) return [{ key, value: this.#unseal(key, row) }];
      // Written anew since: the row that lies here is an old one.
      return this.#table.get(home) ? [] : [{ key: home, value: valueOf(row) }];
    });
  }

  /** The write that stores a row, or removes it. */
  write(key: Uint8Array, value: Uint8Array | undefined): TableWrite {
    if (!value) return { table: this.#table, key, value: undefined };
    const row = Buffer.allocUnsafe(value.length + checksumBytes);
    row.set(value);
    row.writeUInt32LE(checksumOf(key, value), value.length);
    return { table: this.#table, key, value: row };
  }

  /** A row that belongs under this key, and lies where a flipped bit of its own key has put it. */
  #misplaced(key: Uint8Array): Uint8Array | undefined {
    const found = this.#rows().find(({ key: strange, row }) => differByOneBit(strange, key) && isRight(key, row));
    return found && valueOf(found.row);
  }

  #unseal(key: Uint8Array, row: Uint8Array): Uint8Array {
    if (row.length >= checksumBytes) {
      const value = valueOf(row);
      const difference = checksumOf(key, value) ^ checksumIn(row);
      if (difference === 0 || isSingleBit(difference)) return value;
      const bit = flippedBit(value.length, difference);
      if (bit !== undefined) {
        value[bit >>> 3] = (value[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        return value;
      }
    }
    const name = `row ${Buffer.from(key).toString("latin1")} of table ${this.#table.name}`;
    throw new QuorumError({ code: "corrupt", message: `${name} is damaged, and there is no other copy of it` });
  }

  #rows(): readonly { readonly key: Buffer; readonly row: Buffer }[] {
    const rows = this.#table.range({ start: lowestKey });
    return [...rows].map(({ key, value }) => ({ key: Buffer.from(key), row: Buffer.from(value) }));
  }
}

/** A copy: it may be put right. */
function valueOf(row: Uint8Array): Buffer {
  return Buffer.from(row.subarray(0, row.length - checksumBytes));
}

function checksumIn(row: Uint8Array): number {
  return Buffer.from(row).readUInt32LE(row.length - checksumBytes);
}

/** Node's `crc32` of no bytes is what it starts from, or 0, depending on how the empty array came about. */
function checksumOf(key: Uint8Array, value: Uint8Array): number {
  const start = crc32(key);
  return value.length === 0 ? start : crc32(value, start);
}

function isRight(key: Uint8Array, row: Uint8Array): boolean {
  return row.length >= checksumBytes && checksumOf(key, valueOf(row)) === checksumIn(row);
}

function keysNear(key: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: key.length * 8 }, (_, bit) => {
    const near = Buffer.from(key);
    near[bit >>> 3] = (near[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    return near;
  });
}

function differByOneBit(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const differing = a.map((byte, index) => byte ^ (b[index] ?? 0)).filter((byte) => byte !== 0);
  return differing.length === 1 && isSingleBit(differing[0] ?? 0);
}
