/**
 * The chunks of this node: files of bytes (`chunk-file.ts`), and rows that say what they are and how long they are needed
 * (`chunk-rows.ts`). A file becomes durable first, then its row, and only then is a chunk called stored; rows go first, and files
 * after them. So whatever has a row is there, unless the disk has lost it, and what a crash leaves is a file without a row.
 */
import { Buffer } from "node:buffer";
import {
  type Ballot,
  type CancelSignal,
  type ChunkRange,
  type Clock,
  type ContentFiles,
  type Disk,
  isLeaseOver,
  isZeroBallot,
  type Log,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { ChunkDamage } from "./chunk-damage.js";
import { ChunkIndex } from "./chunk-index.js";
import { ChunkIntakes } from "./chunk-intakes.js";
import { ChunkKeeper } from "./chunk-keeper.js";
import {
  type ChunkKey,
  chunkKeyBytes,
  chunkKeyOf,
  type FileOwner,
  ownerKeyBytes,
  ownerKeyOf,
  uploadKeyOf,
} from "./chunk-key.js";
import { ChunkReader } from "./chunk-reader.js";
import { openChunkRow, openLeaseRow, openOwnerRow } from "./chunk-rows.js";
import { DiskRoom } from "./disk-room.js";
import { Leftovers } from "./leftovers.js";
import { checkRanges } from "./named-chunks.js";
import { Reaper } from "./reaper.js";
import { behind, type KeyRange, pageOf, wholeTable } from "./row-range.js";
import { StoredChunks } from "./stored-chunks.js";
import { UploadLeases } from "./upload-leases.js";

/** What a chunk is to have: whoever announces it computed both from the same bytes. */
export interface ChunkContent {
  /** 1 to 4 MiB. */
  readonly size: number;
  /** CRC-32C of the whole chunk. */
  readonly checksum: number;
}

/** Part of a chunk, of whole blocks that have been checked. */
export interface StoredPiece {
  /** Where in the chunk `data` begins. */
  readonly offset: number;
  /** At most 256 KiB. Belongs to whoever got it. */
  readonly data: Uint8Array;
  /** Gives `data` back to be used for other pieces; whoever does not leaves it to the garbage collector. */
  readonly release?: () => void;
  /** CRC-32C of each block of `data`. */
  readonly checksums: readonly number[];
  /** CRC-32C of every block of the chunk, where it is at hand. */
  readonly chunkChecksums?: Uint32Array;
}

/** A chunk on its way in. Whoever begins one ends it, by `commit` or by `discard`. */
export interface ChunkIntake {
  /**
   * Appends; resolves when the bytes may be reused. One write at a time.
   *
   * @throws QuorumError `invalid_argument`: more bytes than were announced; `resource_exhausted`: the disk is full;
   *   nothing is left of the chunk then
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the chunk durable: its bytes first, then the row that says where they are.
   *
   * @throws QuorumError `corrupt`: fewer bytes than were announced, or others; `unavailable`: the disk failed. Nothing is left
   *   of the chunk then
   */
  commit(): Promise<void>;
  /** Drops what was written. Does nothing after `commit`. Never throws. */
  discard(): Promise<void>;
}

/** A chunk that this node has, or should have. */
export interface ChunkEntry {
  readonly key: ChunkKey;
  /** From where to go on: {@link ChunkStore.entries} with it begins behind this entry. */
  readonly position: Uint8Array;
  /** Undefined: the row is damaged, so that nothing but its name is known. */
  readonly content: ChunkContent | undefined;
  /** No version needs it any more, and it goes soon. */
  readonly isRetired: boolean;
}

/** What this node holds. */
export interface ChunkUsage {
  /** Chunks held. */
  readonly chunks: number;
  readonly bytes: number;
  /** Bytes that no version needs any more: retired, or of uploads whose lease is over. */
  readonly reclaimableBytes: number;
  /** Bytes of uploads that no version names yet. */
  readonly uploadingBytes: number;
}

export interface KeepOptions {
  /**
   * An identity round on the file has just found this version, so nothing older than it can become chosen any more:
   * uploads whose lease is over and which it does not name are retired.
   */
  readonly afterIdentityRound?: boolean;
}

/** Chunks that one question may be about. */
export const statChunksMax = 65_536;

/** Entries that are read ahead of whoever goes through all of them: a scrub takes seconds for as many. */
const entriesPerPage = 64;

export interface ChunkStoreOptions {
  readonly disk: Disk;
  readonly files: ContentFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Whether this node is among the replicas of a chunk. */
  readonly belongsHere: (upload: Uint8Array, index: number) => boolean;
  /** How long an upload is kept that no version names. */
  readonly leaseMs: number;
  /** How long a chunk stays readable that no version needs any more. */
  readonly retireAfterMs: number;
  /** Share of the volume: with less free, new content is refused. */
  readonly fullBelow: number;
  /** The disk cannot be trusted any more: nothing is acknowledged, and the process must go. */
  readonly onDiskFailure: (error: QuorumError) => void;
}

export class ChunkStore {
  readonly #options: ChunkStoreOptions;
  readonly #index: ChunkIndex;
  readonly #reader: ChunkReader;
  readonly #damage: ChunkDamage;
  readonly #leases: UploadLeases;
  readonly #intakes: ChunkIntakes;
  readonly #stored: StoredChunks;
  readonly #keeper: ChunkKeeper;
  readonly #reaper: Reaper;
  readonly #leftovers: Leftovers;
  readonly #room: DiskRoom;
  #onMissing: (chunk: ChunkKey) => void = () => undefined;
  #onForeign: (chunk: ChunkKey) => void = () => undefined;
  #failure: QuorumError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: ChunkStoreOptions) {
    const { disk, files, clock, random, log, fullBelow, leaseMs, retireAfterMs, belongsHere } = options;
    const index = new ChunkIndex({ disk, clock, onFailure: (error) => this.#fail(error) });
    const reader = new ChunkReader(files);
    const damage = new ChunkDamage(log);
    const room = new DiskRoom({ files, disk, clock, fullBelow });
    const reaper = new Reaper({ index, files, reader, clock, log, retireAfterMs });
    const onUse = (uploadKey: Buffer) => reaper.used(uploadKey);
    const leases = new UploadLeases({ index, clock, leaseMs, onUse });
    const onDiskError = (error: QuorumError) => this.#fail(error);
    const intakes = new ChunkIntakes({ index, files, reader, damage, leases, room, random, log, onDiskError });
    const onMissing = (chunk: ChunkKey) => this.#onMissing(chunk);
    const onForeign = (chunk: ChunkKey) => this.#onForeign(chunk);
    this.#options = options;
    this.#index = index;
    this.#reader = reader;
    this.#damage = damage;
    this.#leases = leases;
    this.#intakes = intakes;
    this.#stored = new StoredChunks({ index, reader, damage, clock, onUse });
    this.#keeper = new ChunkKeeper({ index, clock, leaseFromNow: leases.fromNow, belongsHere, onMissing, onForeign });
    this.#reaper = reaper;
    this.#leftovers = new Leftovers({ index, files, reader, clock, log, underWay: () => intakes.settled() });
    this.#room = room;
  }

  /** Counts what is there, and begins to clear away what nobody needs. */
  static async open(options: ChunkStoreOptions): Promise<ChunkStore> {
    const store = new ChunkStore(options);
    await store.#index.count();
    store.#reaper.start();
    store.#leftovers.start();
    return store;
  }

  /**
   * Takes a chunk in, once there is room for its bytes.
   *
   * @returns "held" if it is durable here already
   * @throws QuorumError `resource_exhausted`: too many wait, or the disk is nearly full; `invalid_argument`: another chunk
   *   is held under this name; `cancelled` by `signal`, which ends the wait
   */
  async begin(key: ChunkKey, content: ChunkContent, signal: CancelSignal): Promise<"held" | ChunkIntake> {
    this.#checkOpen();
    return this.#intakes.begin(key, content, signal);
  }

  /**
   * Puts a good copy in the place of a damaged one: `commit` reads it back before it counts, and takes the damaged file
   * into quarantine. If nobody needs the chunk any more when it comes to that, it does nothing. The room that is kept free
   * on the disk is there for this, too.
   *
   * @throws QuorumError as {@link begin}, but for the disk that is nearly full
   */
  async replace(key: ChunkKey, content: ChunkContent, signal: CancelSignal): Promise<ChunkIntake> {
    this.#checkOpen();
    return this.#intakes.replace(key, content, signal);
  }

  /**
   * Whole blocks that overlap with a range, in order. One piece is read ahead.
   *
   * @param range.length 0: to the chunk's end
   * @throws QuorumError `not_found`; `corrupt`; `invalid_argument`: the range begins behind the chunk's end
   */
  read(
    key: ChunkKey,
    range: { readonly offset: number; readonly length: number },
  ): AsyncGenerator<StoredPiece, void, undefined> {
    return this.#stored.read(key, range);
  }

  /** Reads all of a chunk. "damaged" was told to {@link onDamage}; "gone": there is no such chunk, perhaps no longer. */
  verify(key: ChunkKey): Promise<"intact" | "damaged" | "gone"> {
    return this.#stored.verify(key);
  }

  /**
   * What there is of each chunk asked for, in order; undefined: it is not here, or damaged.
   *
   * @param ranges at most 65,536 chunks
   * @throws QuorumError `invalid_argument`
   */
  async stat(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<readonly (ChunkContent | undefined)[]> {
    checkRanges(ranges, statChunksMax);
    return this.#stored.stat(owner, ranges);
  }

  /**
   * Starts the lease of uploads anew, and the time for which retired chunks of theirs stay; chunks of theirs that were retired
   * although no version ever named them are needed again. Resolves when durable.
   *
   * @throws QuorumError `invalid_argument`; `unavailable`: the disk failed
   */
  async renew(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<void> {
    this.#checkOpen();
    checkRanges(ranges, statChunksMax);
    await this.#leases.renewAll(owner, ranges);
  }

  /**
   * The chosen version of a file, and the chunks that it is made of: PROTOCOL.md, KEEP. Resolves when applied and durable.
   *
   * @throws QuorumError `invalid_argument`; `resource_exhausted`: too many notices are under way; `unavailable`: the disk failed
   */
  async keep(
    owner: FileOwner,
    version: Ballot,
    ranges: readonly ChunkRange[],
    options: KeepOptions = {},
  ): Promise<void> {
    this.#checkOpen();
    await this.#keeper.keep(owner, version, ranges, { afterIdentityRound: options.afterIdentityRound ?? false });
  }

  /** Whether the chunk is here, whole as far as is known, and needed. */
  has(key: ChunkKey): boolean {
    const keyBytes = chunkKeyBytes(key);
    const row = this.#index.chunk(keyBytes);
    return row !== undefined && row !== "damaged" && row.retiredAtMs === 0 && !this.#damage.has(keyBytes);
  }

  /**
   * Removes chunks that others hold now, and that do not belong here any more; those that do are left. At most some hundred at a
   * time. Resolves when their rows are gone, durably.
   *
   * @throws QuorumError `unavailable`: the disk failed
   */
  async dropForeign(keys: readonly ChunkKey[]): Promise<void> {
    this.#checkOpen();
    const { belongsHere, clock, files } = this.#options;
    const nowMs = Math.floor(clock.wallMs());
    const places = await this.#index.change((change) => {
      const foreign = keys.filter(({ upload, index }) => !belongsHere(upload, index));
      return foreign.flatMap((key) => {
        const place = change.drop(chunkKeyBytes(key), nowMs);
        return place === undefined ? [] : [place];
      });
    });
    for (const place of places) this.#reader.forget(place);
    // What a crash leaves behind here is found at the next start.
    await files.remove(places);
  }

  /**
   * The file's bucket is gone for good, so that no version of it can follow: what a version has named is retired, and so are
   * uploads whose lease is over. Resolves when durable.
   *
   * @throws QuorumError as {@link keep}
   */
  async release(owner: FileOwner): Promise<void> {
    this.#checkOpen();
    await this.#keeper.release(owner);
  }

  /** Whether this node has heard of a chosen version of the file, as far as it remembers; it does as long as it has chunks of the file. */
  wasNamed(owner: FileOwner): boolean {
    const ownerKey = ownerKeyBytes(owner);
    const row = this.#index.tables.owners.get(ownerKey);
    const version = row && openOwnerRow(ownerKey, Buffer.from(row));
    return version !== undefined && !isZeroBallot(version);
  }

  /**
   * Files with uploads that no version has named when their lease ended, and files of which it is not known what they need; a
   * file once for each of its uploads. Each wants an identity round and a `keep` of what that finds, with
   * `afterIdentityRound`.
   */
  async *lapsedUploads(): AsyncGenerator<{ readonly owner: FileOwner }, void, undefined> {
    for (const owner of this.#keeper.doubtful) yield { owner };
    for await (const { key, value } of this.#index.scan(this.#index.tables.leases, wholeTable)) {
      const lease = openLeaseRow(key, value);
      const nowMs = this.#options.clock.wallMs();
      // What is not needed any more was retired after the round before.
      const lapsed = lease ? lease.bytes > 0 && isLeaseOver({ kind: "leased", untilMs: lease.untilMs }, nowMs) : true;
      const upload = lapsed ? uploadKeyOf(key) : undefined;
      if (upload) yield { owner: upload.owner };
    }
  }

  /** Files with chunks here, in order of bucket and path, behind `after`. */
  async *owners(after?: FileOwner): AsyncGenerator<FileOwner, void, undefined> {
    const range = after ? { start: behind(ownerKeyBytes(after)) } : wholeTable;
    for await (const { key } of this.#index.scan(this.#index.tables.owners, range)) {
      const owner = ownerKeyOf(key);
      if (owner) yield owner;
    }
  }

  /** Chunks that are here or should be, in order, behind `after`. */
  async *entries(after?: Uint8Array): AsyncGenerator<ChunkEntry, void, undefined> {
    let range: KeyRange | undefined = after ? { start: behind(after) } : wholeTable;
    while (range) {
      const page = pageOf(this.#index.tables.chunks, range, entriesPerPage);
      for (const { key, value } of page) {
        const chunk = chunkKeyOf(key);
        const row = openChunkRow(key, value);
        if (chunk)
          yield { key: chunk, position: key, content: row, isRetired: row !== undefined && row.retiredAtMs > 0 };
      }
      const last = page.at(-1);
      range = last ? { start: behind(last.key) } : undefined;
    }
  }

  usage(): ChunkUsage {
    const { chunks, bytes, retiredBytes, leasedBytes } = this.#index.totals;
    const lapsedBytes = Math.min(leasedBytes, this.#reaper.lapsedBytes);
    return {
      chunks,
      bytes,
      reclaimableBytes: retiredBytes + lapsedBytes,
      uploadingBytes: leasedBytes - lapsedBytes,
    };
  }

  /** Whether new content goes elsewhere. Cheap enough for every operation. */
  get isFull(): boolean {
    return this.#room.isFull;
  }

  /** Bytes that senders were told to send and that have not all come. */
  get incomingBytes(): number {
    return this.#intakes.incomingBytes;
  }

  /** Senders that wait for room. */
  get waitingIntakes(): number {
    return this.#intakes.waiting;
  }

  /** A chunk that a chosen version names belongs here and is not. May be told again. At most one listener. */
  onMissing(listener: (chunk: ChunkKey) => void): void {
    this.#onMissing = listener;
  }

  /**
   * A chunk that a chosen version names is here, and this node is none of its replicas: it was on its way when its partition
   * moved. May be told again. At most one listener.
   */
  onForeign(listener: (chunk: ChunkKey) => void): void {
    this.#onForeign = listener;
  }

  /** A chunk here is damaged. May be told again. At most one listener. */
  onDamage(listener: (chunk: ChunkKey) => void): void {
    this.#damage.onDamage(listener);
  }

  /** Refuses new chunks, drops those that are not complete, and waits for the others. Closes neither disk nor files. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = stopping();
    this.#intakes.refuse(closed);
    await Promise.all([this.#reaper.close(), this.#leftovers.close()]);
    await this.#intakes.close(closed);
    await this.#keeper.settled();
    await this.#index.settled();
  }

  #checkOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw stopping();
  }

  #fail(error: QuorumError): void {
    if (this.#failure) return;
    this.#failure = new QuorumError({ code: "unavailable", message: error.message, cause: error });
    this.#intakes.refuse(this.#failure);
    this.#options.log.error("chunk.disk-failed", { error });
    this.#options.onDiskFailure(error);
  }
}

function stopping(): QuorumError {
  return new QuorumError({ code: "unavailable", message: "the node is stopping" });
}
