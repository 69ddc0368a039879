import { Buffer } from "node:buffer";
import { type Disk, QuorumError, type Table, type TableRange, type TableWrite } from "@quorumfs/core";
import type { SimulatedProcess } from "../world/simulated-process.js";
import type { Rows } from "./rows.js";
import { textOf } from "./rows.js";
import type { RowWrite, Volume } from "./volume.js";

const keyBytesMax = 1978;

/** Commits that become durable together. */
interface Group {
  readonly commits: (readonly RowWrite[])[];
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The Disk port of a process over a volume. A commit is durable when its virtual fsync is over; those under way meanwhile
 * share the next one. A process that dies leaves what was durable, and of the group that was being written any number of
 * its first commits. Whether reads see what is not durable yet differs from store to store: the port allows both.
 */
export class SimulatedDisk implements Disk {
  readonly #volume: Volume;
  readonly #process: SimulatedProcess;
  readonly #showsEarly: boolean;
  readonly #tables = new Map<string, SimulatedTable>();
  #gathering: Group | undefined;
  #syncing: Group | undefined;
  #failure: QuorumError | undefined;
  #closed = false;
  readonly #onIdle: (() => void)[] = [];

  constructor(options: { readonly volume: Volume; readonly process: SimulatedProcess }) {
    const { volume, process } = options;
    this.#volume = volume;
    this.#process = process;
    this.#showsEarly = volume.random.chance(0.5);
    process.onDeath(() => this.#crash());
  }

  get commits(): number {
    return this.#volume.commits;
  }

  table(name: string): SimulatedTable {
    let table = this.#tables.get(name);
    if (!table) {
      // Values are shared with the volume, so that a bit that flips there is seen here.
      table = new SimulatedTable(name, this.#volume.rows(name).clone());
      this.#tables.set(name, table);
    }
    return table;
  }

  commit(writes: readonly TableWrite[]): Promise<void> {
    for (const { key } of writes) {
      if (key.length === 0 || key.length > keyBytesMax) throw new RangeError(`a key has 1 to ${keyBytesMax} bytes`);
    }
    if (this.#closed) return Promise.reject(new QuorumError({ code: "unavailable", message: "the store is closed" }));
    if (this.#failure) return Promise.reject(this.#failure);
    const written = writes.map(({ table, key, value }) => ({
      table: table.name,
      key: textOf(key),
      value: value === undefined ? undefined : Buffer.from(value),
    }));
    if (this.#showsEarly) this.#show(written);
    this.#gathering ??= newGroup();
    const group = this.#gathering;
    group.commits.push(written);
    if (group.commits.length === 1 && !this.#syncing) this.#process.clock.endOfTurn(() => this.#syncNext());
    return group.promise;
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.#volume.space();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#gathering && !this.#syncing) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #show(writes: readonly RowWrite[]): void {
    for (const { table, key, value } of writes) this.table(table).rows.set(key, value);
  }

  #syncNext(): void {
    const group = this.#gathering;
    if (this.#syncing || this.#failure) return;
    if (!group) {
      for (const resolve of this.#onIdle.splice(0)) resolve();
      return;
    }
    this.#gathering = undefined;
    this.#syncing = group;
    const { world } = this.#process;
    const volume = this.#volume;
    if (volume.lies) {
      const commits = group.commits;
      world.after(volume.random.between(500, 5000), () => this.#makeDurable(commits), this.#process);
    }
    world.after(volume.nextSyncMs(), () => this.#synced(group), this.#process);
  }

  #synced(group: Group): void {
    const volume = this.#volume;
    if (volume.failsNext) {
      volume.failsNext = false;
      this.#fail(group);
      return;
    }
    this.#syncing = undefined;
    if (!volume.lies) this.#makeDurable(group.commits);
    if (!this.#showsEarly) for (const writes of group.commits) this.#show(writes);
    group.resolve();
    this.#syncNext();
  }

  #makeDurable(commits: readonly (readonly RowWrite[])[]): void {
    for (const writes of commits) this.#volume.apply(writes);
    this.#volume.commits += 1;
  }

  /** Nobody knows what of it is on the disk. */
  #fail(group: Group): void {
    this.#keepSomeOf(group);
    this.#failure = new QuorumError({
      code: "unavailable",
      message: "the disk refused a write (EIO); nothing more is acknowledged until the process starts anew",
    });
    this.#syncing = undefined;
    for (const failed of [group, this.#gathering]) failed?.reject(this.#failure);
    this.#gathering = undefined;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #crash(): void {
    if (this.#syncing && !this.#volume.lies) this.#keepSomeOf(this.#syncing);
  }

  #keepSomeOf({ commits }: Group): void {
    const kept = this.#volume.random.below(commits.length + 1);
    if (kept > 0) this.#makeDurable(commits.slice(0, kept));
  }
}

class SimulatedTable implements Table {
  readonly name: string;
  readonly rows: Rows;

  constructor(name: string, rows: Rows) {
    this.name = name;
    this.rows = rows;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.rows.get(key);
    return value && Buffer.from(value);
  }

  range(range: TableRange): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    return this.rows.range(range);
  }

  count(): number {
    return this.rows.size;
  }
}

function newGroup(): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { commits: [], promise, resolve, reject };
}
