import type { Buffer } from "node:buffer";
import {
  assert,
  type Ballot,
  type BucketId,
  compareBallots,
  type Content,
  type Disk,
  highestUnder,
  type Register,
  sameBallot,
  type Table,
  type TableWrite,
  zeroBallot,
} from "@quorumfs/core";
import { asBuffer } from "./as-buffer.js";
import type { Ceiling } from "./ceiling.js";
import type { FileState } from "./file-state.js";
import { GenerationCache } from "./generation-cache.js";
import { type MisplacedRow, misplacedRows } from "./misplaced-row.js";
import { encodePromise, openPromise } from "./promise-row.js";
import { nobodyListens, type RecordChanges } from "./record-changes.js";
import { keySeed, type RecordKey, recordKey } from "./record-key.js";
import { encodeRecord, openRecord, type ValuedRegister } from "./record.js";

/** A file of which this replica has lost something. */
export interface DamagedFile {
  readonly bucket: BucketId;
  readonly path: string;
}

/**
 * Files of which the state stays in memory: enough that the ACCEPT that follows a PREPARE finds it there, and that a busy
 * directory of files is read from memory; small beside the rest of the process (about 45 MiB with contents of 1 KiB).
 */
const cachedFilesMax = 24_576;

/** A record with more bytes is read again rather than kept. */
const cachedBytesMax = 4096;

/** The files of this replica: what was read or written lately, and behind it the disk. */
export class FileTable {
  /** What was accepted; see `record.ts`. */
  readonly records: Table;
  /** Contents that do not fit into their records. */
  readonly #contents: Table;
  /** Promises above those in the records; see `promise-row.ts`. */
  readonly promises: Table;
  /** Rows in `promises`, those under way included: as long as there are none, none is looked for. */
  #promiseCount: number;
  /** Files with batches under way are pinned: what they are on disk is not yet, or no longer, what they are. */
  readonly #cache = new GenerationCache<string, FileState>({
    entriesMax: cachedFilesMax,
    isPinned: (file) => file.unsynced > 0,
  });
  readonly #ceiling: Ceiling;
  readonly #onDamage: (file: DamagedFile) => void;
  readonly #changes: RecordChanges;

  constructor(options: {
    readonly disk: Disk;
    readonly ceiling: Ceiling;
    readonly onDamage: (file: DamagedFile) => void;
    readonly changes?: RecordChanges | undefined;
  }) {
    this.records = options.disk.table("records");
    this.#contents = options.disk.table("contents");
    this.promises = options.disk.table("promises");
    this.#promiseCount = this.promises.count();
    this.#ceiling = options.ceiling;
    this.#onDamage = options.onDamage;
    this.#changes = options.changes ?? nobodyListens;
  }

  /** What is in memory about a file. */
  find(name: string): FileState | undefined {
    return this.#cache.get(name);
  }

  /**
   * Reads a file that {@link find} did not have. It stays in memory if there is room, or when it is written, damaged, or
   * {@link keep} is called: if each file that is merely read pushed out another one, most would be gone before they are
   * asked for again, at a higher price than that of the disk's cache.
   */
  load(file: Pick<FileState, "name" | "bucket" | "path" | "partition">): FileState {
    const key = recordKey(file.bucket, file.path);
    const bytes = this.records.get(key.bytes);
    const record = bytes && openRecord(key, asBuffer(bytes));
    const state: FileState = {
      name: file.name,
      bucket: file.bucket,
      path: file.path,
      partition: file.partition,
      key,
      record,
      promise: "unread",
      forgotten: undefined,
      unsyncedContent: undefined,
      unsyncedFloor: undefined,
      unsynced: 0,
      lastBatch: undefined,
    };
    if (bytes && !record) this.#forget(state);
    else if (record && record.bytes.length <= cachedBytesMax) this.#cache.offer(state.name, state);
    return state;
  }

  /**
   * The file's newest register, its value without content. Undefined: there is none, or it is forgotten.
   *
   * @param options.withPromise false: what was promised is not asked for, and `promised` may be lower than it is
   */
  registerOf(file: FileState, options: { readonly withPromise: boolean }): Register | undefined {
    if (options.withPromise && file.promise === "unread") this.#readPromise(file);
    if (file.forgotten) return undefined;
    const promised = typeof file.promise === "string" ? undefined : file.promise;
    if (!file.record) return promised && { promised, accepted: zeroBallot, value: undefined };
    return promised ? { ...file.record.register, promised } : file.record.register;
  }

  /** Content of the file's value, checked. @returns undefined if it is damaged or lost */
  contentOf(file: FileState): Content | undefined {
    const { record, key } = file;
    assert(record !== undefined, "content is asked for only of a value");
    const bytes = record.contentInTable
      ? (file.unsyncedContent ?? this.#contents.get(key.bytes))
      : record.contentInRecord;
    const content = bytes && record.checkedContent(key, bytes);
    if (!content) this.#onDamage(file);
    return content;
  }

  /** Takes a file's new register, made from that of {@link registerOf}. @returns what is to be written */
  store(file: FileState, register: Register): readonly TableWrite[] {
    const covering = this.#ceiling.cover(register.promised.counter);
    const writes =
      isValued(register) && !isOnlyPromised(file, register)
        ? this.#storeRecord(file, register)
        : this.#storePromise(file, register.promised);
    return covering.length === 0 ? writes : [...writes, ...covering];
  }

  /** Drops what was accepted and promised. @returns what is to be written */
  erase(file: FileState): readonly TableWrite[] {
    const { key, record } = file;
    file.record = undefined;
    file.unsyncedContent = undefined;
    const writes: TableWrite[] = [{ table: this.records, key: key.bytes, value: undefined }];
    if (record?.contentInTable === true) writes.push({ table: this.#contents, key: key.bytes, value: undefined });
    this.#dropPromise(file, writes);
    if (record) this.#changes.changed(file, record.accepted, undefined);
    return writes;
  }

  /**
   * Whether all that the disk has of a file matches its checksums, whatever of it is in memory. To be asked when no write
   * of the file is under way.
   */
  check(key: RecordKey): "sound" | "damaged" | "absent" {
    const row = this.records.get(key.bytes);
    const promise = this.promises.get(key.bytes);
    if (promise && !openPromise(key, asBuffer(promise))) return "damaged";
    if (!row) return promise ? "sound" : "absent";
    const record = openRecord(key, asBuffer(row));
    if (!record) return "damaged";
    const content = record.contentInTable ? this.#contents.get(key.bytes) : record.contentInRecord;
    return content && record.checkedContent(key, content) ? "sound" : "damaged";
  }

  /** Rows under the name of `file` that belong to others; see `misplaced-row.ts`. */
  misplaced(file: DamagedFile): readonly MisplacedRow[] {
    return [this.records, this.promises].flatMap((table) =>
      misplacedRows(table, file, table === this.records ? isRecordOf : isPromiseOf),
    );
  }

  /** Puts a row back to `owner`, to whom it belongs, unless that has newer by now. @returns what is to be written */
  takeBack(owner: FileState, row: MisplacedRow): readonly TableWrite[] {
    this.registerOf(owner, { withPromise: true });
    const writes: TableWrite[] = [{ table: row.table, key: row.key, value: undefined }];
    if (row.table === this.records) this.#takeBackRecord(owner, row, writes);
    else this.#takeBackPromise(owner, row, writes);
    return writes;
  }

  /** Reads the file anew when it is needed next. Only for files without writes under way. */
  drop(file: FileState): void {
    assert(file.unsynced === 0, "what is under way to the disk is nowhere else");
    this.#cache.delete(file.name);
  }

  /**
   * Takes a record for lost although it can be read: its content is lost everywhere, and nobody could ever vote for its
   * value again.
   */
  abandon(file: FileState): void {
    file.record = undefined;
    file.forgotten = { ceiling: this.#ceiling.counter };
    this.keep(file);
  }

  /** Drops a row of `records` of which nothing is in memory that counts. @returns what is to be written */
  dropRecord({ key, value }: { readonly key: Buffer; readonly value: Buffer }): readonly TableWrite[] {
    const writes: TableWrite[] = [{ table: this.records, key, value: undefined }];
    const record = openRecord({ seed: keySeed(key) }, value);
    // Of a record that cannot be read nobody knows where its content is.
    if (record?.contentInTable !== false) writes.push({ table: this.#contents, key, value: undefined });
    return writes;
  }

  /** As {@link dropRecord}, for a row of `promises`. */
  dropPromiseOf(key: Buffer): readonly TableWrite[] {
    this.#promiseCount -= 1;
    return [{ table: this.promises, key, value: undefined }];
  }

  /** Forgets what is in memory about the files of these partitions. None of them may have writes under way. */
  forget(partitions: ReadonlySet<number>): void {
    this.#cache.deleteWhere((file) => {
      if (!partitions.has(file.partition)) return false;
      assert(file.unsynced === 0, "what is under way to the disk is nowhere else");
      return true;
    });
  }

  /** Keeps at hand a file that is about to be written. */
  keep(file: FileState): void {
    if (!isLarge(file)) this.#cache.set(file.name, file);
  }

  /** Holds a file that is being written, until {@link onSynced}. */
  hold(file: FileState): void {
    this.#cache.set(file.name, file);
  }

  /** The disk has all of the file's writes. */
  onSynced(file: FileState): void {
    file.lastBatch = undefined;
    file.unsyncedContent = undefined;
    if (isLarge(file)) this.#cache.delete(file.name);
  }

  #takeBackRecord(owner: FileState, { value, home }: MisplacedRow, writes: TableWrite[]): void {
    const record = openRecord(home, value);
    if (!record || owner.record || owner.forgotten) return;
    owner.record = record;
    this.#changes.unsettled();
    writes.push({ table: this.records, key: owner.key.bytes, value });
    if (typeof owner.promise !== "string" && compareBallots(owner.promise, record.promised) <= 0) {
      this.#dropPromise(owner, writes);
    }
  }

  #takeBackPromise(owner: FileState, { value, home }: MisplacedRow, writes: TableWrite[]): void {
    this.#promiseCount -= 1;
    const promised = openPromise(home, value);
    const register = this.registerOf(owner, { withPromise: true });
    if (!promised || owner.forgotten || (register && compareBallots(register.promised, promised) >= 0)) return;
    writes.push(...this.#storePromise(owner, promised));
  }

  #storePromise(file: FileState, promised: Ballot): readonly TableWrite[] {
    if (file.promise === "none") this.#promiseCount += 1;
    file.promise = promised;
    return [{ table: this.promises, key: file.key.bytes, value: encodePromise(file.key, promised) }];
  }

  #storeRecord(file: FileState, register: ValuedRegister): readonly TableWrite[] {
    const { key, record: before } = file;
    const { record, tableContent } = encodeRecord(key, register);
    const writes: TableWrite[] = [{ table: this.records, key: key.bytes, value: record.bytes }];
    // Of a record that is forgotten nobody knows where its content is.
    if (tableContent || before?.contentInTable === true || file.forgotten) {
      writes.push({ table: this.#contents, key: key.bytes, value: tableContent });
    }
    if (file.forgotten) this.#changes.unsettled();
    file.record = record;
    file.forgotten = undefined;
    file.unsyncedContent = tableContent;
    this.#dropPromise(file, writes);
    this.#changes.changed(file, before?.accepted, register.accepted);
    return writes;
  }

  #dropPromise(file: FileState, writes: TableWrite[]): void {
    assert(file.promise !== "unread", "a vote looks at the promise first");
    if (file.promise === "none") return;
    file.promise = "none";
    this.#promiseCount -= 1;
    writes.push({ table: this.promises, key: file.key.bytes, value: undefined });
  }

  #readPromise(file: FileState): void {
    const row = this.#promiseCount > 0 ? this.promises.get(file.key.bytes) : undefined;
    const promised = row && openPromise(file.key, asBuffer(row));
    file.promise = promised ?? "none";
    if (row && !promised) this.#forgetPromise(file);
  }

  /** A promise that cannot be read is taken for the highest that it can have been. */
  #forgetPromise(file: FileState): void {
    const ceiling = this.#ceiling.counter;
    file.promise = highestUnder(ceiling ?? Number.MAX_SAFE_INTEGER);
    if (file.forgotten) return;
    if (ceiling === undefined) this.#forget(file);
    else this.#damage(file);
  }

  #forget(file: FileState): void {
    file.record = undefined;
    this.#changes.unsettled();
    file.forgotten = { ceiling: this.#ceiling.counter };
    this.#damage(file);
  }

  #damage(file: FileState): void {
    // Kept, so that it is told once and not with every vote.
    this.keep(file);
    this.#onDamage(file);
  }
}

function isRecordOf(key: RecordKey, row: Buffer): boolean {
  return openRecord(key, row) !== undefined;
}

function isPromiseOf(key: RecordKey, row: Buffer): boolean {
  return openPromise(key, row) !== undefined;
}

function isLarge(file: FileState): boolean {
  return file.record !== undefined && file.record.bytes.length > cachedBytesMax;
}

function isValued(register: Register): register is ValuedRegister {
  return register.value !== undefined;
}

/** Whether all that is new is the promise. The stored value is without content, so it is not compared but recognised. */
function isOnlyPromised(file: FileState, register: ValuedRegister): boolean {
  const before = file.record?.register;
  return before !== undefined && register.value === before.value && sameBallot(register.accepted, before.accepted);
}
