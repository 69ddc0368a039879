import { Buffer } from "node:buffer";
import type { Clock, Disk, Table } from "@quorumfs/core";
import { asBuffer } from "../replica/as-buffer.js";
import type { DamagedFile } from "../replica/file-table.js";
import { behindKey, keySeed, wholeRange } from "../replica/record-key.js";
import { openRecord } from "../replica/record.js";
import { fileOfKey } from "./damaged-file-key.js";
import type { ScrubWalk, WalkStep } from "./scrub-walk.js";

// About a millisecond of work; a larger content ends its step.
const stepRecordsMax = 128;
const stepBytesMax = 256 * 1024;

// Enough for a rate and a progress bar.
const sampledRecords = 64;

export interface RecordWalkOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly onDamage: (file: DamagedFile) => void;
}

/** Headers and contents of all records, as they lie on disk, whatever of them is in memory. */
export class RecordWalk implements ScrubWalk {
  readonly #options: RecordWalkOptions;
  readonly #records: Table;
  readonly #contents: Table;

  constructor(options: RecordWalkOptions) {
    this.#options = options;
    this.#records = options.disk.table("records");
    this.#contents = options.disk.table("contents");
  }

  /** The number of records times the mean of some at both ends of the table. */
  bytes(): number {
    const count = this.#records.count();
    if (count === 0) return 0;
    let sampled = 0;
    let bytes = 0;
    for (const reverse of [false, true]) {
      let left = sampledRecords;
      for (const { key, value } of this.#records.range({ ...wholeRange, reverse })) {
        bytes += this.#check(asBuffer(key), asBuffer(value)).bytes;
        sampled += 1;
        left -= 1;
        if (left === 0) break;
      }
    }
    return Math.round((bytes / Math.max(1, sampled)) * count);
  }

  async step(after: Uint8Array): Promise<WalkStep> {
    const suspects: Buffer[] = [];
    let records = 0;
    let bytes = 0;
    let last: Buffer | undefined;
    const range = after.length === 0 ? wholeRange : behindKey(wholeRange, asBuffer(after));
    for (const { key, value } of this.#records.range(range)) {
      const checked = this.#check(asBuffer(key), asBuffer(value));
      records += 1;
      bytes += checked.bytes;
      if (!checked.isSound) suspects.push(Buffer.from(key));
      if (records === stepRecordsMax || bytes >= stepBytesMax) {
        last = Buffer.from(key);
        break;
      }
    }
    if (suspects.length > 0) await this.#report(suspects);
    return { records, chunks: 0, bytes, after: last };
  }

  /** A record may have been written anew between the looks at its two tables: what is damaged is so for longer. */
  async #report(suspects: readonly Buffer[]): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
    for (const key of suspects) {
      const row = this.#records.get(key);
      if (!row || this.#check(key, asBuffer(row)).isSound) continue;
      const file = fileOfKey(key);
      if (file) this.#options.onDamage(file);
    }
  }

  #check(key: Buffer, row: Buffer): { readonly isSound: boolean; readonly bytes: number } {
    const seed = keySeed(key);
    const record = openRecord({ seed }, row);
    const bytes = key.length + row.length;
    if (!record) return { isSound: false, bytes };
    const inTable = record.contentInTable;
    const content = inTable ? this.#contents.get(key) : record.contentInRecord;
    const isSound = content !== undefined && record.checkedContent({ bytes: key, seed }, content) !== undefined;
    return { isSound, bytes: bytes + (inTable ? (content?.length ?? 0) : 0) };
  }
}
