/**
 * The rows of the chunk store, and the one way to change them: changes are decided one after the other, each on what those
 * before it have made, and those that come together share a commit. So a rule that looks at a chunk, its upload and its
 * file never meets half of another one, and a thousand chunks that become durable at once cost one wait for the disk.
 */
import { Buffer } from "node:buffer";
import { type Clock, type Disk, QuorumError, type Table } from "@quorumfs/core";
import { type ChunkRow, openChunkRow, openLeaseRow, retiredKey } from "./chunk-rows.js";
import { IndexChange } from "./index-change.js";
import { behind, type KeyRange, pageOf, type RowEntry, wholeTable } from "./row-range.js";

/** More changes than intakes, notices and questions can have under way together: only a stuck disk gets there. */
const waitingMax = 65_536;

/** Changes that share a commit: their rows are some hundred bytes each, and deciding them takes a few milliseconds. */
const changesPerCommitMax = 512;

/** Rows that are looked at in one turn of the event loop: a millisecond or two. */
const rowsPerTurn = 1024;

export interface ChunkTables {
  readonly chunks: Table;
  readonly places: Table;
  readonly retired: Table;
  readonly leases: Table;
  readonly kept: Table;
  readonly owners: Table;
}

/** Sums over all rows. */
export interface ChunkTotals {
  chunks: number;
  bytes: number;
  retiredBytes: number;
  /** Of uploads that no version has named. */
  leasedBytes: number;
}

interface WaitingChange {
  readonly run: (change: IndexChange) => () => void;
  readonly reject: (error: QuorumError) => void;
}

export interface ChunkIndexOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** The disk refused a commit. Called once; nothing is changed any more. */
  readonly onFailure: (error: QuorumError) => void;
}

export class ChunkIndex {
  readonly tables: ChunkTables;
  /** Of what is durable. */
  readonly totals: ChunkTotals = { chunks: 0, bytes: 0, retiredBytes: 0, leasedBytes: 0 };
  readonly #options: ChunkIndexOptions;
  readonly #waiting: WaitingChange[] = [];
  #running = false;
  #failure: QuorumError | undefined;
  readonly #idle: (() => void)[] = [];

  constructor(options: ChunkIndexOptions) {
    const { disk } = options;
    this.#options = options;
    this.tables = {
      chunks: disk.table("chunks"),
      places: disk.table("chunk-places"),
      retired: disk.table("chunk-retired"),
      leases: disk.table("chunk-leases"),
      kept: disk.table("chunk-kept"),
      owners: disk.table("chunk-owners"),
    };
  }

  /**
   * Adds up what is there. To be called once, before the first change. A chunk that is missing among the retired ones, for a row
   * of that table was damaged, is entered again.
   */
  async count(): Promise<void> {
    const { totals, tables } = this;
    for await (const { key, value } of this.scan(tables.chunks, wholeTable)) {
      const row = openChunkRow(key, value);
      totals.chunks += 1;
      totals.bytes += row?.size ?? 0;
      if (!row || row.retiredAtMs === 0) continue;
      totals.retiredBytes += row.size;
      if (tables.retired.get(retiredKey(row.retiredAtMs, key))) continue;
      await this.change((change) => change.enterRetired(key, row.retiredAtMs));
    }
    for await (const { key, value } of this.scan(tables.leases, wholeTable)) {
      totals.leasedBytes += openLeaseRow(key, value)?.bytes ?? 0;
    }
  }

  /** What is known of a chunk just now, durable or about to be so. */
  chunk(key: Uint8Array): ChunkRow | "damaged" | undefined {
    const bytes = this.tables.chunks.get(key);
    return bytes && (openChunkRow(key, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) ?? "damaged");
  }

  /**
   * Makes a change: `decide` looks and writes, at once and without waiting for anything, and must not throw once it has
   * written.
   *
   * @returns what `decide` did, once that is durable
   * @throws what `decide` did; QuorumError `unavailable`: the disk failed; `resource_exhausted`: too much waits for it
   */
  change<Result>(decide: (change: IndexChange) => Result): Promise<Result> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#waiting.length >= waitingMax) return Promise.reject(overloaded());
    return new Promise<Result>((resolve, reject) => {
      const run = (change: IndexChange): (() => void) => {
        try {
          const result = decide(change);
          return () => resolve(result);
        } catch (error) {
          const told = error instanceof Error ? error : QuorumError.from(error);
          return () => reject(told);
        }
      };
      this.#waiting.push({ run, reject });
      if (this.#running) return;
      this.#running = true;
      // Whoever changes something once often does so several times in a turn.
      this.#options.clock.endOfTurn(() => void this.#run());
    });
  }

  /**
   * Resolves when all that can be read now is durable: rows may be seen while their commit is under way.
   *
   * @throws QuorumError `unavailable`: the disk failed
   */
  async durable(): Promise<void> {
    if (this.#failure) throw this.#failure;
    // It is decided behind those, in the same commit or after it.
    if (this.#running) await this.change(() => undefined);
  }

  /** Resolves when nothing is under way. */
  settled(): Promise<void> {
    return this.#running ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  /** Entries between `start` and `end`; copies, so that changes may be made between them. Lets others have their turn. */
  async *scan(table: Table, range: KeyRange): AsyncGenerator<RowEntry, void, undefined> {
    let next: KeyRange | undefined = range;
    while (next) {
      const page = pageOf(table, next, rowsPerTurn);
      const last = page.at(-1);
      yield* page;
      next = page.length === rowsPerTurn && last ? { ...range, start: behind(last.key) } : undefined;
      if (next) await new Promise<void>((resolve) => this.#options.clock.endOfTurn(resolve));
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#failure) {
      const taken = this.#waiting.splice(0, changesPerCommitMax);
      const change = new IndexChange(this.tables);
      const ends = taken.map(({ run }) => run(change));
      try {
        const { writes } = change;
        if (writes.length > 0) await this.#options.disk.commit(writes);
      } catch (cause) {
        const failure = this.#fail(cause);
        for (const { reject } of taken) reject(failure);
        break;
      }
      change.addTo(this.totals);
      for (const end of ends) end();
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(cause: unknown): QuorumError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const failure = new QuorumError({
      code: "unavailable",
      message: `this node's disk refused a write (${reason}); it acknowledges nothing until it is started anew`,
      cause,
    });
    this.#failure = failure;
    for (const { reject } of this.#waiting.splice(0)) reject(failure);
    this.#options.onFailure(failure);
    return failure;
  }
}

function overloaded(): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: "too many changes wait for this node's disk; try again shortly",
    details: { retryAfterMs: 100, mayHaveRun: false },
  });
}
