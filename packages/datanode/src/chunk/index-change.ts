import { Buffer } from "node:buffer";
import { type Ballot, type Table, type TableWrite, type UploadStanding, zeroBallot } from "@quorumfs/core";
import { ownerPartOf, uploadPartOf } from "./chunk-key.js";
import type { ChunkTables, ChunkTotals } from "./chunk-index.js";
import {
  type ChunkRow,
  encodeChunkRow,
  encodeKeptRow,
  encodeLeaseRow,
  encodeOwnerRow,
  isKeptRow,
  openChunkRow,
  openLeaseRow,
  openOwnerRow,
  placeKey,
  retiredKey,
} from "./chunk-rows.js";
import { prefixRange } from "./row-range.js";

const noBytes = Buffer.alloc(0);

interface Upload {
  readonly standing: UploadStanding;
  /** Of its chunks that are not retired; only counted while it is leased. */
  readonly bytes: number;
}

/**
 * The rows as they will be when the commit that is being put together is durable. Keeps rows that belong together together: a
 * chunk, its place, its entry among the retired ones, its upload's bytes, its file.
 */
export class IndexChange {
  readonly #tables: ChunkTables;
  readonly #written = new Map<Table, Map<string, TableWrite>>();
  readonly #totals: ChunkTotals = { chunks: 0, bytes: 0, retiredBytes: 0, leasedBytes: 0 };

  constructor(tables: ChunkTables) {
    this.#tables = tables;
  }

  get writes(): readonly TableWrite[] {
    return [...this.#written.values()].flatMap((rows) => [...rows.values()]);
  }

  addTo(totals: ChunkTotals): void {
    totals.chunks += this.#totals.chunks;
    totals.bytes += this.#totals.bytes;
    totals.retiredBytes += this.#totals.retiredBytes;
    totals.leasedBytes += this.#totals.leasedBytes;
  }

  chunk(key: Buffer): ChunkRow | "damaged" | undefined {
    const bytes = this.#get(this.#tables.chunks, key);
    return bytes && (openChunkRow(key, bytes) ?? "damaged");
  }

  /** The newest version of a file that is known to be chosen; undefined: the file has nothing here. */
  owner(ownerKey: Buffer): Ballot | "damaged" | undefined {
    const bytes = this.#get(this.#tables.owners, ownerKey);
    return bytes && (openOwnerRow(ownerKey, bytes) ?? "damaged");
  }

  setOwner(ownerKey: Buffer, version: Ballot): void {
    this.#put(this.#tables.owners, ownerKey, encodeOwnerRow(ownerKey, version));
  }

  /** Undefined: nothing is known of it. A damaged row counts as a lease that began just now: nothing goes too early. */
  upload(uploadKey: Buffer, leaseFromNow: () => number): UploadStanding | undefined {
    return this.#upload(uploadKey, leaseFromNow)?.standing;
  }

  setUpload(uploadKey: Buffer, standing: UploadStanding, leaseFromNow: () => number): void {
    const before = this.#upload(uploadKey, leaseFromNow);
    const bytes = before ? before.bytes : 0;
    const { leases, kept } = this.#tables;
    if (standing.kind === "leased") {
      this.#put(leases, uploadKey, encodeLeaseRow(uploadKey, { untilMs: standing.untilMs, bytes }));
      return;
    }
    if (before?.standing.kind === "kept") return;
    if (before) this.#delete(leases, uploadKey);
    this.#totals.leasedBytes -= bytes;
    this.#put(kept, uploadKey, encodeKeptRow(uploadKey));
    this.#touchOwner(uploadKey);
  }

  /** Enters a chunk, whose upload has its row already. */
  addChunk(key: Buffer, row: ChunkRow): void {
    this.#putChunk(key, row);
    this.#totals.chunks += 1;
    this.#totals.bytes += row.size;
    this.enterPlace(row.place, key);
    this.#addLeased(uploadPartOf(key), row.size);
    this.#touchOwner(uploadPartOf(key));
  }

  /** Another file holds the chunk from now on. */
  moveChunk(key: Buffer, before: ChunkRow | "damaged", row: ChunkRow): void {
    this.#putChunk(key, row);
    if (before === "damaged") this.#totals.bytes += row.size;
    else this.#delete(this.#tables.places, placeKey(before.place));
    this.enterPlace(row.place, key);
  }

  retire(key: Buffer, row: ChunkRow, retiredAtMs: number): void {
    this.#putChunk(key, { ...row, retiredAtMs });
    this.enterRetired(key, retiredAtMs);
    this.#totals.retiredBytes += row.size;
    this.#addLeased(uploadPartOf(key), -row.size);
  }

  enterRetired(key: Buffer, retiredAtMs: number): void {
    this.#put(this.#tables.retired, retiredKey(retiredAtMs, key), noBytes);
  }

  revive(key: Buffer, row: ChunkRow): void {
    this.#putChunk(key, { ...row, retiredAtMs: 0 });
    this.#delete(this.#tables.retired, retiredKey(row.retiredAtMs, key));
    this.#totals.retiredBytes -= row.size;
    this.#addLeased(uploadPartOf(key), row.size);
  }

  /** Forgets a chunk that is retired. */
  dropRetired(key: Buffer, row: ChunkRow): void {
    this.#delete(this.#tables.retired, retiredKey(row.retiredAtMs, key));
    this.#delete(this.#tables.chunks, key);
    this.#delete(this.#tables.places, placeKey(row.place));
    this.#totals.chunks -= 1;
    this.#totals.bytes -= row.size;
    this.#totals.retiredBytes -= row.size;
  }

  /** Forgets a chunk, needed or not, and its upload if it was the last one. @returns the place of its file, if it is known */
  drop(key: Buffer, nowMs: number): string | undefined {
    const row = this.chunk(key);
    if (row === undefined) return undefined;
    if (row === "damaged") this.dropDamaged(key);
    else {
      const retired = row.retiredAtMs > 0 ? row : { ...row, retiredAtMs: nowMs };
      if (row.retiredAtMs === 0) this.retire(key, row, nowMs);
      this.dropRetired(key, retired);
    }
    this.tidy(uploadPartOf(key));
    return row === "damaged" ? undefined : row.place;
  }

  /** Forgets a chunk of which nothing but its name is known. */
  dropDamaged(key: Buffer): void {
    this.#delete(this.#tables.chunks, key);
    this.#totals.chunks -= 1;
  }

  dropRetiredEntry(key: Buffer): void {
    this.#delete(this.#tables.retired, key);
  }

  enterPlace(place: string, key: Buffer): void {
    this.#put(this.#tables.places, placeKey(place), key);
  }

  dropPlace(place: string): void {
    this.#delete(this.#tables.places, placeKey(place));
  }

  /** Forgets uploads without chunks, and then their file if it has no others. */
  tidy(uploadKey: Buffer): void {
    const { chunks, leases, kept, owners } = this.#tables;
    if (this.#hasAny(chunks, uploadKey)) return;
    for (const table of [leases, kept]) if (this.#get(table, uploadKey)) this.#delete(table, uploadKey);
    const ownerKey = ownerPartOf(uploadKey);
    if (!this.#hasAny(leases, ownerKey) && !this.#hasAny(kept, ownerKey)) this.#delete(owners, ownerKey);
  }

  #upload(uploadKey: Buffer, leaseFromNow: () => number): Upload | undefined {
    const { leases, kept } = this.#tables;
    const lease = this.#get(leases, uploadKey);
    const row = lease && openLeaseRow(uploadKey, lease);
    if (row) return { standing: { kind: "leased", untilMs: row.untilMs }, bytes: row.bytes };
    const mark = this.#get(kept, uploadKey);
    if (mark && isKeptRow(uploadKey, mark)) return { standing: { kind: "kept" }, bytes: 0 };
    if (!lease && !mark && !this.#hasAny(this.#tables.chunks, uploadKey)) return undefined;
    return this.#restored(uploadKey, leaseFromNow());
  }

  /** Its row was damaged. */
  #restored(uploadKey: Buffer, untilMs: number): Upload {
    const bytes = this.#neededBytes(uploadKey);
    this.#delete(this.#tables.kept, uploadKey);
    this.#put(this.#tables.leases, uploadKey, encodeLeaseRow(uploadKey, { untilMs, bytes }));
    this.#totals.leasedBytes += bytes;
    return { standing: { kind: "leased", untilMs }, bytes };
  }

  #neededBytes(uploadKey: Buffer): number {
    const rows = new Map<string, Buffer | undefined>();
    for (const { key, value } of this.#tables.chunks.range(prefixRange(uploadKey))) {
      rows.set(latin1(key), Buffer.from(value));
    }
    const prefix = latin1(uploadKey);
    for (const [name, { value }] of this.#written.get(this.#tables.chunks) ?? []) {
      if (name.startsWith(prefix)) rows.set(name, value && Buffer.from(value));
    }
    let bytes = 0;
    for (const [name, value] of rows) {
      const row = value && openChunkRow(Buffer.from(name, "latin1"), value);
      if (row?.retiredAtMs === 0) bytes += row.size;
    }
    return bytes;
  }

  #addLeased(uploadKey: Buffer, bytes: number): void {
    const lease = this.#get(this.#tables.leases, uploadKey);
    const row = lease && openLeaseRow(uploadKey, lease);
    if (!row) return;
    this.#put(this.#tables.leases, uploadKey, encodeLeaseRow(uploadKey, { ...row, bytes: row.bytes + bytes }));
    this.#totals.leasedBytes += bytes;
  }

  #touchOwner(uploadKey: Buffer): void {
    const ownerKey = ownerPartOf(uploadKey);
    if (!this.#get(this.#tables.owners, ownerKey)) this.setOwner(ownerKey, zeroBallot);
  }

  #putChunk(key: Buffer, row: ChunkRow): void {
    this.#put(this.#tables.chunks, key, encodeChunkRow(key, row));
  }

  #hasAny(table: Table, prefix: Buffer): boolean {
    const written = this.#written.get(table);
    const text = latin1(prefix);
    for (const [name, { value }] of written ?? []) if (value && name.startsWith(text)) return true;
    for (const { key } of table.range(prefixRange(prefix))) if (!written?.has(latin1(key))) return true;
    return false;
  }

  #get(table: Table, key: Uint8Array): Buffer | undefined {
    const write = this.#written.get(table)?.get(latin1(key));
    const bytes = write ? write.value : table.get(key);
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #put(table: Table, key: Buffer, value: Buffer | undefined): void {
    let rows = this.#written.get(table);
    if (!rows) this.#written.set(table, (rows = new Map<string, TableWrite>()));
    rows.set(latin1(key), { table, key, value });
  }

  #delete(table: Table, key: Buffer): void {
    this.#put(table, key, undefined);
  }
}

function latin1(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
