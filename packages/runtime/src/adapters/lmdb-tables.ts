/**
 * Tables in LMDB.
 *
 * lmdb-js by default turns on `overlappingSync`: a commit becomes visible first and is flushed behind the writer's
 * lock, and an error in writing the flushed meta page is lost (its mdb.c returns success all the same). It is turned off
 * here: then `mdb_txn_commit` writes the pages, calls fdatasync, and writes the meta page through an O_DSYNC descriptor
 * before a batch's promise resolves, and every error on that way rejects it.
 */
import { join } from "node:path";
import type { Log, Table, TableRange } from "@quorumfs/core";
import { type Database, open, type RangeOptions, type RootDatabase } from "lmdb";
import { checkLmdbHeader } from "./lmdb-header.js";
import { checkLmdbTrees } from "./lmdb-page-file.js";

/** Tables per store: each open one costs a slot in every transaction. */
const tablesMax = 32;

/**
 * Address space, not memory, and not file size: large enough that the map never has to grow under running readers. Where
 * it is not enough, lmdb-js grows it. Windows extends the file to the size of the map, so it starts small there.
 */
const mapBytes = process.platform === "win32" ? undefined : 256 * 2 ** 30;

// A scan that goes on for long starts anew after so much: a cursor keeps the pages that it could still visit from being
// written again, and a file that cannot use its free pages grows.
const stretchEntriesMax = 1024;
const stretchBytesMax = 1024 * 1024;

/** How long a failed batch waits to learn why it failed. */
const reasonTimeoutMs = 100;

export interface LmdbWrite {
  readonly table: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

interface LmdbEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class LmdbTables {
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #tables = new Map<string, LmdbTable>();

  /** Opens the store in a directory, or makes it. */
  constructor(directory: string, log?: Log) {
    checkLmdbHeader(join(directory, "data.mdb"));
    checkLmdbTrees(join(directory, "data.mdb"), log);
    this.#root = open<Uint8Array, Uint8Array>({
      path: directory,
      noSubdir: false,
      maxDbs: tablesMax,
      encoding: "binary",
      keyEncoding: "binary",
      overlappingSync: false,
      eventTurnBatching: false,
      ...(mapBytes === undefined ? {} : { mapSize: mapBytes }),
    });
  }

  table(name: string): Table {
    return this.#table(name);
  }

  /** Resolves when all writes are durable, in one piece. */
  async apply(writes: readonly LmdbWrite[]): Promise<void> {
    try {
      await this.#root.batch(() => this.#putAll(writes));
    } catch (error) {
      throw await reasonOf(error);
    }
  }

  /** The same, before it returns. */
  applySync(writes: readonly LmdbWrite[]): void {
    for (const { table } of writes) this.#table(table);
    this.#root.transactionSync(() => this.#putAll(writes));
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #putAll(writes: readonly LmdbWrite[]): void {
    for (const { table, key, value } of writes) {
      const { database } = this.#table(table);
      // LMDB's promises of single writes say nothing that the batch's does not.
      void (value ? database.put(key, value) : database.remove(key));
    }
  }

  #table(name: string): LmdbTable {
    let table = this.#tables.get(name);
    if (!table) {
      table = new LmdbTable(name, this.#root.openDB({ name, encoding: "binary", keyEncoding: "binary" }));
      this.#tables.set(name, table);
    }
    return table;
  }
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

  *range(range: TableRange): Generator<LmdbEntry> {
    for (let bounds: RangeOptions | undefined = boundsOf(range); bounds;) {
      const last: LmdbEntry | undefined = yield* this.#stretch(bounds);
      bounds = last && { ...bounds, start: last.key, exclusiveStart: true };
    }
  }

  count(): number {
    const stats: { entryCount?: number } = this.database.getStats();
    return stats.entryCount ?? 0;
  }

  /** @returns where the next stretch begins; undefined at the end of the range */
  *#stretch(bounds: RangeOptions): Generator<LmdbEntry, LmdbEntry | undefined> {
    let entries = 0;
    let bytes = 0;
    for (const entry of this.database.getRange(bounds)) {
      yield entry;
      entries += 1;
      bytes += entry.key.length + entry.value.length;
      if (entries === stretchEntriesMax || bytes >= stretchBytesMax) return entry;
    }
    return undefined;
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
