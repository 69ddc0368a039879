import {
  assert,
  type BucketId,
  type Content,
  type Disk,
  type Register,
  sameBallot,
  type Table,
  type TableWrite,
} from "@quorumfs/core";
import { asBuffer } from "./as-buffer.js";
import type { FileState } from "./file-state.js";
import { GenerationCache } from "./generation-cache.js";
import { recordKey } from "./record-key.js";
import { encodeRecord, openRecord, type StoredRecord } from "./record.js";

/** A file of which this replica has lost something. */
export interface DamagedFile {
  readonly bucket: BucketId;
  readonly path: string;
}

/**
 * Files of which the record stays in memory after its last vote: enough that the ACCEPT that follows a PREPARE finds it
 * there, and small beside the rest of the process (about 15 MiB with contents of 1 KiB).
 */
const cachedFilesMax = 8192;

/** A record with more bytes is read again rather than kept. */
const cachedBytesMax = 4096;

/** The records of this node: what was read or written lately, and behind it the disk. */
export class FileTable {
  readonly records: Table;
  readonly #contents: Table;
  /** Files with batches under way; bounded by what the batches take. */
  readonly #unsynced = new Map<string, FileState>();
  readonly #cache = new GenerationCache<string, FileState>({ entriesMax: cachedFilesMax });
  readonly #onDamage: (file: DamagedFile) => void;

  constructor(options: { readonly disk: Disk; readonly onDamage: (file: DamagedFile) => void }) {
    this.records = options.disk.table("records");
    this.#contents = options.disk.table("contents");
    this.#onDamage = options.onDamage;
  }

  /** What is in memory about a file. */
  find(name: string): FileState | undefined {
    return (this.#unsynced.size > 0 ? this.#unsynced.get(name) : undefined) ?? this.#cache.get(name);
  }

  /** Reads a file that {@link find} did not have. */
  load(file: {
    readonly name: string;
    readonly bucket: BucketId;
    readonly path: string;
    readonly partition: number;
  }): FileState {
    const key = recordKey(file.bucket, file.path);
    const bytes = this.records.get(key.bytes);
    const record = bytes && openRecord(key, asBuffer(bytes));
    const damaged = bytes !== undefined && record === undefined;
    if (damaged) this.#onDamage(file);
    const state: FileState = {
      name: file.name,
      bucket: file.bucket,
      path: file.path,
      partition: file.partition,
      key,
      record,
      damaged,
      unsyncedContent: undefined,
      unsyncedFloor: undefined,
      unsynced: 0,
      lastBatch: undefined,
    };
    this.#keep(state);
    return state;
  }

  /** Content of the file's record, checked. @returns undefined if it is damaged or lost */
  contentOf(file: FileState): Content | undefined {
    const { record, key } = file;
    assert(record?.hasValue === true, "content is asked for only of a value");
    const bytes = record.contentInTable
      ? (file.unsyncedContent ?? this.#contents.get(key.bytes))
      : record.contentInRecord;
    const content = bytes && record.checkedContent(key, bytes);
    if (!content) this.#onDamage(file);
    return content;
  }

  /** Replaces the file's record. A promise leaves the content where it is. @returns what is to be written */
  store(file: FileState, register: Register): readonly TableWrite[] {
    const { key, record } = file;
    if (record && isOnlyPromised(record, register)) {
      file.record = record.withPromise(key, register.promised);
      return [this.#put(file, file.record)];
    }
    const { record: stored, tableContent } = encodeRecord(key, register);
    file.record = stored;
    file.unsyncedContent = tableContent;
    const put = this.#put(file, stored);
    if (!tableContent && record?.contentInTable !== true) return [put];
    return [put, { table: this.#contents, key: key.bytes, value: tableContent }];
  }

  /** Drops the file's record. @returns what is to be written */
  erase(file: FileState): readonly TableWrite[] {
    const { key } = file;
    file.record = undefined;
    file.unsyncedContent = undefined;
    return [
      { table: this.records, key: key.bytes, value: undefined },
      { table: this.#contents, key: key.bytes, value: undefined },
    ];
  }

  /** Keeps the file in memory until {@link onSynced}. */
  onWritten(file: FileState): void {
    this.#unsynced.set(file.name, file);
  }

  /** The disk has all of the file's writes. */
  onSynced(file: FileState): void {
    this.#unsynced.delete(file.name);
    file.lastBatch = undefined;
    file.unsyncedContent = undefined;
    this.#keep(file);
  }

  #put(file: FileState, record: StoredRecord): TableWrite {
    return { table: this.records, key: file.key.bytes, value: record.bytes };
  }

  #keep(file: FileState): void {
    if (file.record && file.record.bytes.length > cachedBytesMax) this.#cache.delete(file.name);
    else this.#cache.set(file.name, file);
  }
}

/** Whether all that is new in `register` is its promise; the value in `record` is without content, so it is not compared but recognised. */
function isOnlyPromised(record: StoredRecord, register: Register): boolean {
  const { accepted, value } = record.register;
  return register.value === value && sameBallot(register.accepted, accepted);
}
