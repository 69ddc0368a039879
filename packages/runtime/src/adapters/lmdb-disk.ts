/**
 * The Disk port on LMDB.
 *
 * Durability. lmdb-js by default turns on `overlappingSync`: a commit becomes visible first and is flushed behind
 * the writer's lock, and an error in writing the flushed meta page is lost (its mdb.c returns success all the same). It is
 * turned off here: then `mdb_txn_commit` writes the pages, calls fdatasync, and writes the meta page through an O_DSYNC
 * descriptor before a commit's promise resolves, and every error on that way rejects it. Overlapping would gain
 * nothing, since {@link GroupCommit} has one transaction under way at a time, and that as large as it can be.
 *
 * Transactions run on a thread of libuv's pool; only their instructions are encoded on the event loop.
 */
import { closeSync, fsyncSync, openSync, statfsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Disk, QuorumError, type Table, type TableRange, type TableWrite } from "@quorumfs/core";
import { type Database, open, type RangeOptions, type RootDatabase } from "lmdb";
import { GroupCommit } from "../group-commit.js";
import { lockDirectory } from "./directory-lock.js";
import { checkLmdbHeader } from "./lmdb-header.js";

/** LMDB's limit with pages of 4 KiB. */
const keyBytesMax = 1978;

/** Tables per disk: each open one costs a slot in every transaction. */
const tablesMax = 32;

/**
 * Address space, not memory, and not file size: large enough that the map never has to grow under running readers. Where
 * it is not enough, lmdb-js grows it. Windows extends the file to the size of the map, so it starts small there.
 */
const mapBytes = process.platform === "win32" ? undefined : 256 * 2 ** 30;

// A scan takes this many entries at a time out of LMDB, and holds no cursor in between: a reader that pauses pins no old
// pages. It starts small, since most scans want a page of a listing.
const chunkEntriesFirst = 32;
const chunkEntriesMax = 512;
const chunkBytesMax = 512 * 1024;

/** How long a failed commit waits to learn why it failed. */
const reasonTimeoutMs = 100;

/**
 * Opens (and makes, if need be) a store in `directory`, which one process at a time may use.
 *
 * @throws QuorumError `unavailable`: another process has it open, or it cannot be read or written; `corrupt`
 */
export function openLmdbDisk(options: { readonly directory: string }): Disk {
  const directory = resolve(options.directory);
  const unlock = lockDirectory(directory);
  try {
    checkLmdbHeader(join(directory, "data.mdb"));
    const root = open<Uint8Array, Uint8Array>({
      path: directory,
      noSubdir: false,
      maxDbs: tablesMax,
      encoding: "binary",
      keyEncoding: "binary",
      overlappingSync: false,
      eventTurnBatching: false,
      ...(mapBytes === undefined ? {} : { mapSize: mapBytes }),
    });
    // The files' names have to survive a crash just as their content does.
    syncDirectory(directory);
    syncDirectory(dirname(directory));
    return new LmdbDisk({ directory, root, unlock });
  } catch (error) {
    unlock();
    if (error instanceof QuorumError) throw error;
    throw new QuorumError({
      code: "unavailable",
      message: `cannot open the store in ${directory}: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
    });
  }
}

class LmdbDisk implements Disk {
  readonly #directory: string;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #unlock: () => void;
  readonly #tables = new Map<string, LmdbTable>();
  readonly #group: GroupCommit;
  #closing: Promise<void> | undefined;

  constructor(options: { directory: string; root: RootDatabase<Uint8Array, Uint8Array>; unlock: () => void }) {
    this.#directory = options.directory;
    this.#root = options.root;
    this.#unlock = options.unlock;
    this.#group = new GroupCommit({
      apply: (writes) => this.#apply(writes),
      endOfTurn: (action) => void setImmediate(action),
    });
  }

  table(name: string): Table {
    const known = this.#tables.get(name);
    if (known) return known;
    const made = new LmdbTable(name, this.#root.openDB({ name, encoding: "binary", keyEncoding: "binary" }));
    this.#tables.set(name, made);
    return made;
  }

  commit(writes: readonly TableWrite[]): Promise<void> {
    // Found before anything is queued: a write that LMDB turned down in the middle would split the commit.
    for (const write of writes) checkWrite(write);
    return this.#group.commit(writes);
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
    await this.#root.close();
    this.#unlock();
  }

  async #apply(writes: readonly TableWrite[]): Promise<void> {
    try {
      await this.#root.batch(() => {
        for (const { table, key, value } of writes) {
          // LMDB's promises of single writes say nothing that the batch's does not.
          if (table instanceof LmdbTable) void (value ? table.database.put(key, value) : table.database.remove(key));
        }
      });
    } catch (error) {
      throw await reasonOf(error);
    }
  }
}

/** lmdb-js says what went wrong in a second promise, `commitError`, which it rejects a moment after the first. */
async function reasonOf(error: unknown): Promise<Error> {
  const said = error instanceof Error ? error : new Error(String(error));
  if (!("commitError" in said)) return said;
  const reason = Promise.resolve(said.commitError).then(
    () => said,
    (cause: unknown) => (cause instanceof Error ? cause : said),
  );
  const soon = new Promise<Error>((resolve) => void setTimeout(() => resolve(said), reasonTimeoutMs));
  return Promise.race([reason, soon]);
}

class LmdbTable implements Table {
  readonly name: string;
  readonly database: Database<Uint8Array, Uint8Array>;

  constructor(name: string, database: Database<Uint8Array, Uint8Array>) {
    this.name = name;
    this.database = database;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.database.getBinary(key);
  }

  *range(range: TableRange): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    let bounds = boundsOf(range);
    let entriesMax = chunkEntriesFirst;
    for (;;) {
      const { entries, complete } = this.#chunk(bounds, entriesMax);
      yield* entries;
      const last = entries.at(-1);
      if (complete || !last) return;
      bounds = { ...bounds, start: last.key, exclusiveStart: true };
      entriesMax = Math.min(entriesMax * 4, chunkEntriesMax);
    }
  }

  count(): number {
    const stats: { entryCount?: number } = this.database.getStats();
    return stats.entryCount ?? 0;
  }

  #chunk(
    bounds: RangeOptions,
    entriesMax: number,
  ): { entries: { key: Uint8Array; value: Uint8Array }[]; complete: boolean } {
    const entries: { key: Uint8Array; value: Uint8Array }[] = [];
    let bytes = 0;
    for (const { key, value } of this.database.getRange(bounds)) {
      entries.push({ key, value });
      bytes += key.length + value.length;
      if (entries.length === entriesMax || bytes >= chunkBytesMax) return { entries, complete: false };
    }
    return { entries, complete: true };
  }
}

/** LMDB's range starts where the walk starts: going down, that is the upper end. */
function boundsOf(range: TableRange): RangeOptions {
  if (!range.reverse) return { start: range.start, ...(range.end && { end: range.end }) };
  return {
    reverse: true,
    ...(range.end && { start: range.end, exclusiveStart: true }),
    end: range.start,
    inclusiveEnd: true,
  };
}

function checkWrite({ table, key }: TableWrite): void {
  if (!(table instanceof LmdbTable)) throw new RangeError(`table ${table.name} belongs to another disk`);
  if (key.length < 1 || key.length > keyBytesMax) {
    throw new RangeError(`a key is 1 to ${keyBytesMax} bytes long, got ${key.length}`);
  }
}

function syncDirectory(directory: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
