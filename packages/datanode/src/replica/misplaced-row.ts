/**
 * A bit that flips in a row's key puts the row under a name that no file has, and takes it from the file that it belongs to,
 * without a word. The row's checksum starts from its key: it tells which bit it was.
 */
import { Buffer } from "node:buffer";
import { type BucketId, bucketId, type Table } from "@quorumfs/core";
import type { DamagedFile } from "./file-table.js";
import { behindKey, keySeed, pathOfKey, prefixRange, type RecordKey } from "./record-key.js";

export interface MisplacedRow {
  readonly table: Table;
  /** Where the row lies. */
  readonly key: Buffer;
  readonly value: Buffer;
  /** Where it belongs. */
  readonly home: RecordKey & { readonly bucket: BucketId; readonly path: string };
}

/** Whether a row matches its checksum under a key. */
export type MatchesKey = (key: RecordKey, row: Buffer) => boolean;

/** Rows that lie under a file's name, or what its bytes look like as text, and belong to another file. */
export function misplacedRows(table: Table, at: DamagedFile, matches: MatchesKey): readonly MisplacedRow[] {
  const rows: MisplacedRow[] = [];
  // What is no text was replaced in the name; what stands before it is as it lies in the table.
  let range = prefixRange(at.bucket, at.path.split("\ufffd", 1)[0] ?? "");
  for (let looked = 0; looked < lookedAtMax; looked += 1) {
    const [found] = table.range(range);
    if (!found) break;
    const key = Buffer.from(found.key);
    if (pathOfKey(key) === at.path) {
      const value = Buffer.from(found.value);
      const home = homeOf(key, value, matches);
      if (home) rows.push({ table, key, value, home });
      if (!at.path.includes("\ufffd")) break;
    }
    range = behindKey(range, key);
  }
  return rows;
}

// Names that begin like one which is no text; it comes early among them, or there are more of its kind than a flipped bit makes.
const lookedAtMax = 4096;

function homeOf(key: Buffer, row: Buffer, matches: MatchesKey): MisplacedRow["home"] | undefined {
  if (matches({ bytes: key, seed: keySeed(key) }, row)) return undefined;
  const bytes = Buffer.from(key);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const byte = bit >>> 3;
    const flipped = 1 << (bit & 7);
    bytes[byte] = (bytes[byte] ?? 0) ^ flipped;
    const candidate = { bytes, seed: keySeed(bytes) };
    if (matches(candidate, row) && bytes.readUInt32BE(0) !== 0) {
      return { ...candidate, bucket: bucketId(bytes.readUInt32BE(0)), path: pathOfKey(bytes) };
    }
    bytes[byte] = (bytes[byte] ?? 0) ^ flipped;
  }
  return undefined;
}
