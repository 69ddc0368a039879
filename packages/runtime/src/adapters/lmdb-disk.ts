/**
 * The Disk port: a journal that makes commits durable, over LMDB, which holds the tables.
 *
 * LMDB alone makes a commit durable by writing every page that it touched, a page of metadata, and waiting for the disk
 * twice: measured, 25 µs of processor time per commit of 1 KiB in groups of 64, and 80 µs in groups of 8. A journal
 * takes one sequential write and one wait (3 and 12 µs), and what it has taken goes into LMDB later, much of it at
 * once and each key's newest value only. Until then reads see it from memory.
 *
 * A commit is durable when its frame is. A segment of the journal is written again only when all its frames are durable in
 * LMDB. Whatever the moment of a crash, at the next start the frames that LMDB lacks are put into it, in order.
 */
import { randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Disk, type Log, QuorumError, type Table, type TableWrite } from "@quorumfs/core";
import { GroupCommit } from "../group-commit.js";
import { encodeFrame, framedWrites, saltBytes } from "../journal/frame.js";
import { Layer } from "../journal/layer.js";
import { LayeredTable } from "../journal/layered-table.js";
import { framesToReplay } from "../journal/recovery.js";
import { SealedTable } from "../sealed-table.js";
import { lockDirectory } from "./directory-lock.js";
import { JournalFile, readSegments } from "./journal-file.js";
import { LmdbTables, type LmdbWrite } from "./lmdb-tables.js";
import { syncDirectory } from "./sync-directory.js";

/** LMDB's limit with pages of 4 KiB. */
const keyBytesMax = 1978;

/** A store at rest has emptied its journal, and its memory, after this time. */
const settleMsDefault = 1000;

/** So many writes go into LMDB in one go: handing them over takes about a millisecond of the event loop. */
const writesPerBatch = 512;

const journalTable = "quorumfs.journal";
const saltKey = Buffer.from("salt");
const appliedKey = Buffer.from("applied");

export interface LmdbDiskOptions {
  /** Made if need be; one process at a time may use it. */
  readonly directory: string;
  /** How long a write may be in the journal alone, unless that is full before; 1 s if left out. */
  readonly settleMs?: number;
  /** Hears of a damaged store that was put right. */
  readonly log?: Log;
  /** Told of each group of commits when it is durable. */
  readonly onCommit?: (group: CommittedGroup) => void;
}

/** Commits that shared one wait for the disk. */
export interface CommittedGroup {
  /** Writes of all its commits together. */
  readonly writes: number;
  /** Bytes that went to the journal. */
  readonly bytes: number;
  /** From handing them to the system until they were durable: the thread pool's queue and the disk. */
  readonly elapsedMs: number;
}

/**
 * Opens a store, or makes it.
 *
 * @throws QuorumError `unavailable`: another process has it open, or it cannot be read or written; `corrupt`
 */
export function openLmdbDisk(options: LmdbDiskOptions): Disk {
  const directory = resolve(options.directory);
  const unlock = lockDirectory(directory);
  let tables: LmdbTables | undefined;
  try {
    tables = new LmdbTables(directory, options.log);
    const start = replay(tables, directory);
    const journal = new JournalFile(directory);
    // The files' names have to survive a crash just as their content does.
    syncDirectory(directory);
    syncDirectory(dirname(directory));
    const { settleMs = settleMsDefault, onCommit } = options;
    return new JournaledDisk({ directory, tables, journal, start, settleMs, unlock, onCommit });
  } catch (error) {
    // Nothing is under way in it, so it closes at once.
    void tables?.close();
    unlock();
    if (error instanceof QuorumError) throw error;
    throw new QuorumError({
      code: "unavailable",
      message: `cannot open the store in ${directory}: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
    });
  }
}

interface Start {
  /** Of the frames to come. */
  readonly salt: Uint8Array;
  /** Number of the last frame that is in the tables. */
  readonly applied: number;
}

/**
 * Puts into the tables what the journal has beyond them. From then on the journal has a new salt: no frame of an earlier
 * run counts any more, not even one that the killed process's last write brings to the disk only now.
 */
function replay(tables: LmdbTables, directory: string): Start {
  const meta = new SealedTable(tables.table(journalTable));
  const stored = meta.get(appliedKey);
  const applied = stored ? Buffer.from(stored).readUIntLE(0, 6) : 0;
  const lastSalt = meta.get(saltKey);
  const frames = lastSalt ? framesToReplay({ segments: readSegments(directory), salt: lastSalt, applied }) : [];
  const layer = new Layer();
  for (const { writes } of frames) layer.add(writes);
  const start = { salt: randomBytes(saltBytes), applied: frames.at(-1)?.number ?? applied };
  const saltWrite = { ...meta.write(saltKey, start.salt), table: journalTable };
  tables.applySync([...writesOf(layer), appliedWrite(meta, start.applied), saltWrite]);
  return start;
}

function appliedWrite(meta: SealedTable, number: number): LmdbWrite {
  const value = Buffer.alloc(6);
  value.writeUIntLE(number, 0, 6);
  return { ...meta.write(appliedKey, value), table: journalTable };
}

/** In order of key: neighbours are on one page. */
function* writesOf(layer: Layer): Generator<LmdbWrite> {
  for (const table of layer.tables) {
    for (const { key, value } of layer.entries(table)) {
      const bytes = value && value.frame.subarray(value.start, value.end);
      yield { table, key: Buffer.from(key, "latin1"), value: bytes };
    }
  }
}

class JournaledDisk implements Disk {
  readonly #directory: string;
  readonly #tables: LmdbTables;
  /** How far the journal is in the tables. */
  readonly #meta: SealedTable;
  readonly #journal: JournalFile;
  readonly #salt: Uint8Array;
  readonly #settleMs: number;
  readonly #unlock: () => void;
  readonly #onCommit: ((group: CommittedGroup) => void) | undefined;
  readonly #layered = new Map<string, LayeredTable>();
  readonly #group: GroupCommit;
  /** Frames of the segment that is written now. */
  #upper = new Layer();
  /** Frames of the other segment, while they go into the tables. */
  #lower: Layer | undefined;
  #layers: readonly Layer[] = [];
  #number: number;
  #isAppending = false;
  #isSettleDue = false;
  #settleTimer: NodeJS.Timeout | undefined;
  #settling: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: {
    directory: string;
    tables: LmdbTables;
    journal: JournalFile;
    start: Start;
    settleMs: number;
    unlock: () => void;
    onCommit: ((group: CommittedGroup) => void) | undefined;
  }) {
    this.#directory = options.directory;
    this.#tables = options.tables;
    this.#meta = new SealedTable(options.tables.table(journalTable));
    this.#journal = options.journal;
    this.#salt = options.start.salt;
    this.#settleMs = options.settleMs;
    this.#number = options.start.applied;
    this.#unlock = options.unlock;
    this.#onCommit = options.onCommit;
    this.#group = new GroupCommit({
      apply: (writes) => this.#apply(writes),
      endOfTurn: (action) => void setImmediate(action),
    });
  }

  table(name: string): Table {
    let table = this.#layered.get(name);
    if (!table) {
      table = new LayeredTable(this.#tables.table(name), () => this.#layers);
      this.#layered.set(name, table);
    }
    return table;
  }

  commit(writes: readonly TableWrite[]): Promise<void> {
    // Found before anything is queued: a write that is turned down in the middle would split the commit.
    for (const { table, key } of writes) {
      if (this.#layered.get(table.name) !== table) throw new RangeError(`table ${table.name} belongs to another disk`);
      if (key.length >= 1 && key.length <= keyBytesMax) continue;
      throw new RangeError(`a key is 1 to ${keyBytesMax} bytes long, got ${key.length}`);
    }
    return this.#group.commit(writes);
  }

  get commits(): number {
    return this.#number;
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    const { bavail, blocks, bsize } = statfsSync(this.#directory);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#group.refuse(new QuorumError({ code: "unavailable", message: "the store is closed" }));
    await this.#group.idle();
    clearTimeout(this.#settleTimer);
    try {
      await this.#settling;
      this.#settle();
      await this.#settling;
    } catch {
      // What could not be put into the tables is in the journal, and will be at the next start.
    }
    this.#journal.close();
    await this.#tables.close();
    this.#unlock();
  }

  async #apply(writes: readonly TableWrite[]): Promise<void> {
    const frame = encodeFrame({ salt: this.#salt, number: this.#number + 1, writes });
    if (this.#journal.wouldFill(frame.length)) {
      // Back-pressure: the other segment is still being emptied.
      await this.#settling;
      this.#settle();
    }
    this.#isAppending = true;
    const sinceMs = performance.now();
    await this.#journal.append(frame);
    this.#isAppending = false;
    this.#onCommit?.({ writes: writes.length, bytes: frame.length, elapsedMs: performance.now() - sinceMs });
    this.#number += 1;
    this.#upper.add(framedWrites(frame));
    this.#updateLayers();
    if (this.#isSettleDue) this.#settle();
    else this.#settleTimer ??= setTimeout(() => this.#settleWhenDue(), this.#settleMs).unref();
  }

  /** A frame that is on its way belongs to this segment, and to the layer that goes into the tables with it. */
  #settleWhenDue(): void {
    this.#settleTimer = undefined;
    if (this.#isAppending) this.#isSettleDue = true;
    else this.#settle();
  }

  /** Turns the segments, and puts what was written so far into the tables. */
  #settle(): void {
    this.#isSettleDue = false;
    clearTimeout(this.#settleTimer);
    this.#settleTimer = undefined;
    if (this.#upper.isEmpty) return;
    if (this.#settling) {
      // The other segment is not free yet; the next frame, or this timer, comes back to it.
      this.#settleTimer = setTimeout(() => this.#settleWhenDue(), this.#settleMs).unref();
      return;
    }
    const layer = this.#upper;
    layer.isSettling = true;
    this.#lower = layer;
    this.#upper = new Layer();
    this.#updateLayers();
    this.#journal.turn();
    this.#settling = this.#putIntoTables(layer, this.#number);
    this.#settling.then(
      () => (this.#settling = undefined),
      // Stays as it is: whoever needs the segment learns of it.
      (error: unknown) => this.#group.refuse(refusalOf(error)),
    );
  }

  async #putIntoTables(layer: Layer, number: number): Promise<void> {
    let batch: LmdbWrite[] = [];
    for (const write of writesOf(layer)) {
      batch.push(write);
      if (batch.length < writesPerBatch) continue;
      await this.#tables.apply(batch);
      batch = [];
    }
    await this.#tables.apply([...batch, appliedWrite(this.#meta, number)]);
    this.#lower = undefined;
    this.#updateLayers();
  }

  #updateLayers(): void {
    const layers = this.#lower ? [this.#upper, this.#lower] : [this.#upper];
    this.#layers = layers.filter((layer) => !layer.isEmpty);
  }
}

function refusalOf(error: unknown): QuorumError {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `the disk refused a write (${reason}); nothing more is acknowledged until the process starts anew`;
  return new QuorumError({ code: "unavailable", message, cause: error });
}
