/**
 * How far a node's scrub is, as it lies on disk: flags (u8), the number of the walk (u8), eight numbers (f64), and the last
 * key that was checked.
 */
import { Buffer } from "node:buffer";

export interface ScrubProgress {
  /** Held by somebody, until somebody starts it. */
  readonly isPaused: boolean;
  /** A pass has begun and has not ended. */
  readonly isUnderWay: boolean;
  /** From when on the period to the next pass counts, wall clock: the start of the last pass, or of the store. */
  readonly sinceMs: number;
  /** Wall clock; 0: never. */
  readonly startedAtMs: number;
  /** Of the last complete pass, wall clock; 0: never. */
  readonly endedAtMs: number;
  /** What was asked for; 0: so fast that a pass takes the period. */
  readonly bytesPerSecond: number;
  readonly records: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  /** Which kind of thing is checked just now. */
  readonly walk: number;
  /** The last key of it that was checked. */
  readonly after: Uint8Array;
}

const pausedFlag = 1;
const underWayFlag = 2;
const at = { flags: 0, walk: 1, numbers: 2, after: 2 + 8 * 8 } as const;

export function encodeProgress(progress: ScrubProgress): Buffer {
  const row = Buffer.allocUnsafe(at.after + progress.after.length);
  row[at.flags] = (progress.isPaused ? pausedFlag : 0) | (progress.isUnderWay ? underWayFlag : 0);
  row[at.walk] = progress.walk;
  const { sinceMs, startedAtMs, endedAtMs, bytesPerSecond, records, chunks, bytes, bytesTotal } = progress;
  const numbers = [sinceMs, startedAtMs, endedAtMs, bytesPerSecond, records, chunks, bytes, bytesTotal];
  numbers.forEach((number, index) => row.writeDoubleLE(number, at.numbers + index * 8));
  row.set(progress.after, at.after);
  return row;
}

/** @returns undefined if it is none */
export function decodeProgress(row: Buffer): ScrubProgress | undefined {
  if (row.length < at.after) return undefined;
  const flags = row[at.flags] ?? 0;
  const number = (index: number) => row.readDoubleLE(at.numbers + index * 8);
  return {
    isPaused: (flags & pausedFlag) !== 0,
    isUnderWay: (flags & underWayFlag) !== 0,
    sinceMs: number(0),
    startedAtMs: number(1),
    endedAtMs: number(2),
    bytesPerSecond: number(3),
    records: number(4),
    chunks: number(5),
    bytes: number(6),
    bytesTotal: number(7),
    walk: row[at.walk] ?? 0,
    after: Buffer.from(row.subarray(at.after)),
  };
}
