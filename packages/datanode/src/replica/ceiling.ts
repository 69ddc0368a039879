/**
 * The highest counter that this node can have promised for any file: what a record that cannot be read anymore may have
 * held at most (core, `register/ceiling.ts`). One row for all files. It is written in the same commit as the promise that
 * needs it, so it is never too low; and as far ahead that one promise in thousands writes it.
 *
 * Without the row, though there are records, the ceiling is made from them all. That works as long as each of them can be
 * read: whatever is damaged, one or the other is left.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { ceilingFor, type Disk, type Table, type TableWrite } from "@quorumfs/core";
import { asBuffer } from "./as-buffer.js";
import { openPromise } from "./promise-row.js";
import { keySeed, wholeRange } from "./record-key.js";
import { openRecord } from "./record.js";

const rowKey = Buffer.from("ceiling");
const counterBytes = 8;
const rowBytes = counterBytes + 4;

export class Ceiling {
  readonly #table: Table;
  #counter: number | undefined;
  #isStored: boolean;

  /** @param options.highestFloor undefined: a floor cannot be read */
  constructor(options: { readonly disk: Disk; readonly highestFloor: number | undefined }) {
    const { disk, highestFloor } = options;
    this.#table = disk.table("replica");
    const row = this.#table.get(rowKey);
    const stored = row && decode(asBuffer(row));
    this.#isStored = stored !== undefined;
    this.#counter = stored ?? ceilingOf(highestIn(disk), highestFloor);
  }

  /** Undefined: it is lost, and with it a record that could replace it. */
  get counter(): number | undefined {
    return this.#counter;
  }

  /** Puts a ceiling that was made from the records in its place. */
  mend(): readonly TableWrite[] {
    if (this.#isStored || this.#counter === undefined || this.#counter === 0) return noWrites;
    this.#isStored = true;
    return [this.#write(this.#counter)];
  }

  /** What has to be written along with a promise of `counter`: nothing, as a rule. */
  cover(counter: number): readonly TableWrite[] {
    // A ceiling that is lost stays lost: the promises from here on say nothing about those before.
    if (this.#counter === undefined || counter <= this.#counter) return noWrites;
    this.#isStored = true;
    this.#counter = ceilingFor(counter);
    return [this.#write(this.#counter)];
  }

  #write(counter: number): TableWrite {
    return { table: this.#table, key: rowKey, value: encode(counter) };
  }
}

const noWrites: readonly TableWrite[] = Object.freeze([]);

function ceilingOf(highest: number | undefined, highestFloor: number | undefined): number | undefined {
  if (highest === undefined || highestFloor === undefined) return undefined;
  return ceilingFor(Math.max(highest, highestFloor));
}

/** @returns undefined, if there is anything that cannot be read */
function highestIn(disk: Disk): number | undefined {
  let highest = 0;
  for (const { key, value } of disk.table("records").range(wholeRange)) {
    const record = openRecord({ seed: keySeed(key) }, asBuffer(value));
    if (!record) return undefined;
    highest = Math.max(highest, record.promised.counter);
  }
  for (const { key, value } of disk.table("promises").range(wholeRange)) {
    const bytes = asBuffer(key);
    const promised = openPromise({ bytes, seed: keySeed(bytes) }, asBuffer(value));
    if (!promised) return undefined;
    highest = Math.max(highest, promised.counter);
  }
  return highest;
}

/** f64 counter, u32 CRC-32 of it. */
function encode(counter: number): Buffer {
  const row = Buffer.allocUnsafe(rowBytes);
  row.writeDoubleLE(counter, 0);
  row.writeUInt32LE(crc32(row.subarray(0, counterBytes)), counterBytes);
  return row;
}

function decode(row: Buffer): number | undefined {
  if (row.length !== rowBytes || crc32(row.subarray(0, counterBytes)) !== row.readUInt32LE(counterBytes))
    return undefined;
  return row.readDoubleLE(0);
}
