/**
 * Reads a window of a bucket for a state query. Nearly all replicas of nearly all partitions are equal nearly always, so
 * what a node tells of most of its files is a digest: 64 bits for what a partition has in the window. One replica of each
 * partition gives the rows, with what is not wanted left out before it is encoded; only where digests differ does
 * everybody tell everything.
 *
 * It reads what is on the disk and checks it, so that a damaged record differs from the others. It goes in steps, so that
 * votes go on meanwhile.
 */
import { Buffer } from "node:buffer";
import { type Clock, fileHashOf, partitionOfUtf8, type RangeEntry, type Table, zeroBallot } from "@quorumfs/core";
import { ScanPart } from "@quorumfs/proto";
import { asBuffer } from "./as-buffer.js";
import type { DamagedFile } from "./file-table.js";
import { behindKey, behindPath, keySeed, type KeyRange, pathOfKey, prefixRange, upToPath } from "./record-key.js";
import { openRecord, type StoredRecord } from "./record.js";
import { WindowRows } from "./window-rows.js";
import { WindowTallies } from "./window-tallies.js";
import type { Window, WindowRequest } from "./window.js";

/** Records between two pauses for the event loop: about a millisecond. */
const stepRecordsMax = 512;

/** A window is cut at about this size: a quarter of what a message may have, since many nodes' rows become one page. */
const windowBytesMax = 1024 * 1024;

/** About what a copy takes in a message besides its path. */
const copyBytes = 112;

const pathStart = 4;

const noAttributes: ReadonlyMap<string, string> = new Map();

export interface WindowReaderOptions {
  readonly records: Table;
  readonly clock: Clock;
  readonly onDamage: (file: DamagedFile) => void;
  /** Resolves when everything that was written before is durable. */
  readonly settled: () => Promise<void>;
}

/** A window as far as it has been read. */
interface Draft {
  readonly request: WindowRequest;
  readonly tallies: WindowTallies;
  readonly rows: WindowRows;
  readonly copies: RangeEntry[];
  copiesBytes: number;
  looked: number;
}

export class WindowReader {
  readonly #options: WindowReaderOptions;

  constructor(options: WindowReaderOptions) {
    this.#options = options;
  }

  async read(request: WindowRequest): Promise<Window> {
    const { bucket, prefix, after, until, parts } = request;
    let range: KeyRange | undefined = prefixRange(bucket, prefix);
    if (after !== "") range = behindPath(range, bucket, after);
    if (until !== "") range = upToPath(range, bucket, until);
    const draft: Draft = {
      request,
      tallies: new WindowTallies(parts.length),
      rows: new WindowRows(),
      copies: [],
      copiesBytes: 0,
      looked: 0,
    };
    let lastKey: Buffer | undefined;
    for (;;) {
      lastKey = this.#step(range, draft);
      if (lastKey === undefined || isFull(draft)) break;
      range = behindKey(range, lastKey);
      await this.#endOfTurn();
    }
    // What is told is durable by the time it is told.
    await this.#options.settled();
    return {
      lastPath: lastKey && pathOfKey(lastKey),
      tallies: draft.tallies.encoded(),
      rows: draft.rows.columns(),
      copies: draft.copies,
    };
  }

  /** @returns the last key that was looked at; undefined at the end of the range */
  #step(range: KeyRange, draft: Draft): Buffer | undefined {
    const stop = draft.looked + stepRecordsMax;
    for (const { key, value } of this.#options.records.range(range)) {
      this.#look(draft, asBuffer(key), value);
      draft.looked += 1;
      if (draft.looked === stop || isFull(draft)) return Buffer.from(key);
    }
    return undefined;
  }

  #look(draft: Draft, key: Buffer, bytes: Uint8Array): void {
    const { bucket, parts, sizeMin, sizeMax } = draft.request;
    const partition = partitionOfUtf8(bucket, key, { start: pathStart, partitions: parts.length });
    const part = parts[partition];
    if (part === undefined || part === ScanPart.SCAN_PART_UNSPECIFIED) return;
    const record = openRecord({ seed: keySeed(key) }, asBuffer(bytes));
    if (part === ScanPart.SCAN_PART_COPIES) {
      draft.copies.push(copyOf(pathOfKey(key), record));
      draft.copiesBytes += key.length + copyBytes;
    }
    if (!record) {
      draft.tallies.addDamaged(partition);
      this.#options.onDamage({ bucket, path: pathOfKey(key) });
      return;
    }
    if (record.isTombstone) return;
    draft.tallies.add(partition, fileHashOf(key), record.version);
    if (part !== ScanPart.SCAN_PART_COUNT && part !== ScanPart.SCAN_PART_ROWS) return;
    const { size } = record;
    if (size < sizeMin || size > sizeMax) return;
    draft.tallies.count(partition, size);
    if (part === ScanPart.SCAN_PART_ROWS) draft.rows.add({ key, pathStart, record, partition });
  }

  async #endOfTurn(): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
  }
}

function isFull({ request, looked, rows, copiesBytes }: Draft): boolean {
  return looked >= request.limit || rows.bytes + copiesBytes >= windowBytesMax;
}

function copyOf(path: string, record: StoredRecord | undefined): RangeEntry {
  if (!record) return { kind: "corrupt", path };
  // Nobody who compares asks for attributes, and they may be long.
  const value = { ...record.listedValue(), attributes: noAttributes };
  return { kind: "record", path, accepted: record.accepted, value, committed: zeroBallot };
}
