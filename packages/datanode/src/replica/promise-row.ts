/**
 * A promise that is higher than what the file's record says lies in a table of its own until the next ACCEPT, which
 * writes the record anyway. So a PREPARE rewrites no record; and since few files are between PREPARE and ACCEPT at any
 * time, all their promises share a handful of pages, where their records would dirty one or two pages each. Measured
 * with 40,000 files of 1 KiB, PREPARE and ACCEPT of 64 files at a time: a fifth to a third less CPU.
 *
 *     0  the ballot     16  u32  CRC-32 of the ballot, started from the key's seed
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { Ballot } from "@quorumfs/core";
import { ballotAt, ballotBytes, writeBallot } from "./ballot-codec.js";
import type { RecordKey } from "./record-key.js";

const rowBytes = ballotBytes + 4;

export function encodePromise(key: RecordKey, promised: Ballot): Buffer {
  const row = Buffer.allocUnsafe(rowBytes);
  writeBallot(row, 0, promised);
  row.writeUInt32LE(crc32(row.subarray(0, ballotBytes), key.seed), ballotBytes);
  return row;
}

/** @returns undefined if it is damaged */
export function openPromise(key: RecordKey, row: Buffer): Ballot | undefined {
  if (row.length !== rowBytes) return undefined;
  if (crc32(row.subarray(0, ballotBytes), key.seed) !== row.readUInt32LE(ballotBytes)) return undefined;
  return ballotAt(row, 0);
}
