/**
 * Reading many records in order of their keys, without content. It goes in steps, so that neither the event loop nor a
 * cursor is held for long and votes go on meanwhile. What is shown is durable by the time it is shown.
 */
import { Buffer } from "node:buffer";
import {
  type Ballot,
  type BucketId,
  type Clock,
  QuorumError,
  type RangeEntry,
  type RangePage,
  type Table,
  zeroBallot,
} from "@quorumfs/core";
import { asBuffer } from "./as-buffer.js";
import type { DamagedFile } from "./file-table.js";
import {
  type RangeRequest,
  rangeLimitMax,
  type ScannedEntry,
  type SurveyedRecord,
  type SurveyRequest,
} from "./messages.js";
import {
  behindKey,
  behindPath,
  bucketOfKey,
  keySeed,
  type KeyRange,
  pathOfKey,
  prefixRange,
  wholeRange,
} from "./record-key.js";
import { openRecord } from "./record.js";

/** Records between two pauses for the event loop: about two milliseconds. */
const stepRecordsMax = 512;

/** A page is closed at about this size, half of what a message may have. */
const pageBytesMax = 2 * 1024 * 1024;

/** About what an entry takes in a message besides its path and attributes. */
const entryBytes = 112;

export interface RangeReaderOptions {
  readonly records: Table;
  readonly clock: Clock;
  /** Highest ballot known to be chosen for a file. */
  readonly committedOf: (bucket: BucketId, path: string) => Ballot | undefined;
  readonly onDamage: (file: DamagedFile) => void;
  /** Resolves when everything that was written before is durable. */
  readonly settled: () => Promise<void>;
  /** The highest floor on the disk; undefined: one of them is damaged. */
  readonly highestFloor: () => number | undefined;
}

/** What one step has read. */
interface Step {
  readonly entries: readonly ScannedEntry[];
  readonly bytes: number;
  /** The last key that was looked at; undefined at the end of the range. */
  readonly lastKey: Buffer | undefined;
}

export class RangeReader {
  readonly #options: RangeReaderOptions;

  constructor(options: RangeReaderOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `invalid_argument`: a limit out of bounds */
  async page(request: RangeRequest): Promise<RangePage> {
    const { bucket, prefix, after, limit } = request;
    if (!Number.isInteger(limit) || limit < 1 || limit > rangeLimitMax) {
      throw new QuorumError({
        code: "invalid_argument",
        message: `a page has 1 to ${rangeLimitMax} entries, not ${limit}`,
      });
    }
    const entries: RangeEntry[] = [];
    let range = prefixRange(bucket, prefix);
    if (after !== "") range = behindPath(range, bucket, after);
    let bytes = 0;
    for (;;) {
      const entriesMax = Math.min(stepRecordsMax, limit - entries.length);
      const step = this.#step(range, { entriesMax, bytesMax: pageBytesMax - bytes });
      for (const { entry } of step.entries) entries.push(entry);
      bytes += step.bytes;
      if (step.lastKey === undefined) return await this.#page({ entries, truncated: false, lastPath: "" });
      if (entries.length === limit || bytes >= pageBytesMax) {
        return await this.#page({ entries, truncated: true, lastPath: pathOfKey(step.lastKey) });
      }
      range = behindKey(range, step.lastKey);
      await this.#endOfTurn();
    }
  }

  /** The floor is read last: of everything that was erased before its place in the page came, it tells. */
  async #page(page: Omit<RangePage, "floor">): Promise<RangePage> {
    await this.#options.settled();
    return { ...page, floor: this.#options.highestFloor() ?? Number.MAX_SAFE_INTEGER };
  }

  async *scan(): AsyncGenerator<readonly ScannedEntry[]> {
    let range = wholeRange;
    for (;;) {
      const step = this.#step(range, { entriesMax: stepRecordsMax, bytesMax: pageBytesMax });
      if (step.entries.length > 0) yield await this.#durable(step.entries);
      if (step.lastKey === undefined) return;
      range = behindKey(range, step.lastKey);
      await this.#endOfTurn();
    }
  }

  /** Step by step; a step in which nothing was wanted is empty. */
  async *survey({ after, wants }: SurveyRequest): AsyncGenerator<readonly SurveyedRecord[]> {
    let range = after ? behindPath(wholeRange, after.bucket, after.path) : wholeRange;
    for (;;) {
      const found: SurveyedRecord[] = [];
      let looked = 0;
      let lastKey: Buffer | undefined;
      for (const { key, value } of this.#options.records.range(range)) {
        const keyBuffer = asBuffer(key);
        const file = { bucket: bucketOfKey(keyBuffer), path: pathOfKey(keyBuffer), key: keyBuffer };
        if (wants(file)) found.push(this.#outline({ ...file, value: asBuffer(value) }));
        looked += 1;
        if (looked === stepRecordsMax) {
          lastKey = Buffer.from(key);
          break;
        }
      }
      yield found.length > 0 ? await this.#durable(found) : found;
      if (!lastKey) return;
      range = behindKey(range, lastKey);
      await this.#endOfTurn();
    }
  }

  #step(range: KeyRange, limits: { readonly entriesMax: number; readonly bytesMax: number }): Step {
    const entries: ScannedEntry[] = [];
    let bytes = 0;
    for (const { key, value } of this.#options.records.range(range)) {
      const keyBuffer = asBuffer(key);
      const bucket = bucketOfKey(keyBuffer);
      const path = pathOfKey(keyBuffer);
      const entry = this.#entry({ bucket, path, key: keyBuffer, value: asBuffer(value) });
      entries.push({ bucket, entry });
      bytes += key.length + entryBytes + (entry.kind === "record" ? attributesLength(entry.value.attributes) : 0);
      if (entries.length === limits.entriesMax || bytes >= limits.bytesMax) {
        return { entries, bytes, lastKey: Buffer.from(key) };
      }
    }
    return { entries, bytes, lastKey: undefined };
  }

  #entry(row: { bucket: BucketId; path: string; key: Buffer; value: Buffer }): RangeEntry {
    const { bucket, path, key, value } = row;
    const record = openRecord({ seed: keySeed(key) }, value);
    if (!record) {
      this.#options.onDamage({ bucket, path });
      return { kind: "corrupt", path };
    }
    const committed = this.#options.committedOf(bucket, path) ?? zeroBallot;
    return { kind: "record", path, accepted: record.accepted, value: record.listedValue(), committed };
  }

  #outline(row: { bucket: BucketId; path: string; key: Buffer; value: Buffer }): SurveyedRecord {
    const { bucket, path, key, value } = row;
    const record = openRecord({ seed: keySeed(key) }, value);
    if (!record) {
      this.#options.onDamage({ bucket, path });
      return { kind: "corrupt", bucket, path };
    }
    const { accepted, isTombstone, size, modifiedAtMs } = record;
    const committed = this.#options.committedOf(bucket, path) ?? zeroBallot;
    return { kind: "record", bucket, path, accepted, committed, isTombstone, size, modifiedAtMs };
  }

  async #durable<T>(shown: T): Promise<T> {
    await this.#options.settled();
    return shown;
  }

  async #endOfTurn(): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
  }
}

function attributesLength(attributes: ReadonlyMap<string, string>): number {
  let length = 0;
  for (const [name, value] of attributes) length += name.length + value.length + 8;
  return length;
}
