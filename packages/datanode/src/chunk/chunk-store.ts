/**
 * The chunks of this node: files of bytes (`chunk-file.ts`), and rows that say what they are and how long they are needed
 * (`chunk-rows.ts`). A file becomes durable first, then its row, and only then is a chunk called stored; rows go first, and files
 * after them. So whatever has a row is there, unless the disk has lost it, and what a crash leaves is a file without a row.
 */
import { Buffer } from "node:buffer";
import {
  type Ballot,
  blockBytes,
  type CancelSignal,
  chunkBytesMax,
  type ChunkRange,
  type Clock,
  type ContentFiles,
  type Disk,
  isLeaseOver,
  isRevivable,
  type Log,
  QuorumError,
  type Random,
  renewed,
} from "@quorumfs/core";
import { ChunkDraft } from "./chunk-draft.js";
import { footerBytes } from "./chunk-file.js";
import { ChunkIndex } from "./chunk-index.js";
import { StoreIntake } from "./chunk-intake.js";
import { ChunkKeeper } from "./chunk-keeper.js";
import {
  type ChunkKey,
  chunkKeyBytes,
  chunkKeyHash,
  chunkKeyOf,
  type FileOwner,
  indexedKeyBytes,
  ownerKeyBytes,
  ownerKeyOf,
  uploadKeyBytes,
  uploadKeyOf,
  uploadPartOf,
} from "./chunk-key.js";
import { ChunkReader } from "./chunk-reader.js";
import { type ChunkRow, openChunkRow, openLeaseRow } from "./chunk-rows.js";
import { DiskRoom } from "./disk-room.js";
import { Gate } from "./gate.js";
import type { IndexChange } from "./index-change.js";
import { Leftovers } from "./leftovers.js";
import { checkRanges } from "./named-chunks.js";
import { Reaper } from "./reaper.js";
import { behind, type KeyRange, pageOf, wholeTable } from "./row-range.js";

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
  /** CRC-32C of each block of `data`. */
  readonly checksums: readonly number[];
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
   * @throws QuorumError `invalid_argument`: fewer bytes than were announced, or others; `unavailable`: the disk failed.
   *   Nothing is left of the chunk then
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

/** Bytes that may be on their way in at a time: eight chunks, which keep a disk busy, and half of what a node may take. */
const incomingBytesMax = 32 * 1024 * 1024;

/** Callers that may wait for room: far more than clients of ours send at a time. */
const intakesWaitingMax = 4096;

/** Chunks that are being made durable at a time: an open file each. */
const publishingMax = 64;

const retryAfterMs = 250;

/** Chunks that one question may be about. */
export const statChunksMax = 65_536;

/** Rows that are looked at in one turn of the event loop. */
const rowsPerTurn = 1024;

/** Entries that are read ahead of whoever goes through all of them: a scrub takes seconds for as many. */
const entriesPerPage = 64;

/** Chunks that are remembered as damaged; of the others it is found out again. */
const damagedMax = 65_536;

/** A renewal that gains less than this share of a lease is not worth a write. */
const leaseSlack = 1 / 64;

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
  readonly #keeper: ChunkKeeper;
  readonly #reaper: Reaper;
  readonly #leftovers: Leftovers;
  readonly #room: DiskRoom;
  readonly #incoming = new Gate({
    unitsMax: incomingBytesMax,
    waitingMax: intakesWaitingMax,
    what: "uploads",
    retryAfterMs,
  });
  readonly #publishing = new Gate({
    unitsMax: publishingMax,
    waitingMax: intakesWaitingMax,
    what: "uploads",
    retryAfterMs,
  });
  /** Chunks whose damage was found: they do not count as stored until they are repaired. */
  readonly #damaged = new Set<string>();
  readonly #intakes = new Set<StoreIntake>();
  #onMissing: (chunk: ChunkKey) => void = () => undefined;
  #onDamage: (chunk: ChunkKey) => void = () => undefined;
  #failure: QuorumError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: ChunkStoreOptions) {
    const { disk, files, clock, log, fullBelow, retireAfterMs, belongsHere } = options;
    this.#options = options;
    this.#index = new ChunkIndex({ disk, clock, onFailure: (error) => this.#fail(error) });
    this.#reader = new ChunkReader(files);
    this.#room = new DiskRoom({ files, disk, clock, fullBelow });
    this.#reaper = new Reaper({ index: this.#index, files, reader: this.#reader, clock, log, retireAfterMs });
    this.#leftovers = new Leftovers({
      index: this.#index,
      files,
      clock,
      log,
      underWay: () => this.#committed(),
    });
    this.#keeper = new ChunkKeeper({
      index: this.#index,
      clock,
      leaseFromNow: () => this.#leaseFromNow(),
      belongsHere,
      onMissing: (chunk) => this.#onMissing(chunk),
    });
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
    checkContent(content);
    const keyBytes = chunkKeyBytes(key);
    if (await this.#isHeld(key, keyBytes, content)) return "held";
    const giveBack = this.#room.promise(content.size + footerBytes(content.size));
    try {
      const leave = await this.#incoming.enter(unitsOf(content), signal);
      try {
        // The same chunk may have come by another way while this one waited.
        if (!(await this.#isHeld(key, keyBytes, content))) {
          return this.#intake({
            keyBytes,
            content,
            leave,
            giveBack,
            enter: (place) => this.#enter(key, keyBytes, content, place),
          });
        }
      } catch (error) {
        leave();
        throw error;
      }
      leave();
    } catch (error) {
      giveBack();
      throw error;
    }
    giveBack();
    return "held";
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
    checkContent(content);
    const keyBytes = chunkKeyBytes(key);
    const row = this.#index.chunk(keyBytes);
    if (row !== undefined && row !== "damaged") checkSame(row, content);
    const leave = await this.#incoming.enter(unitsOf(content), signal);
    const enter = (place: string) => this.#enterReplacement(key, keyBytes, content, place);
    return this.#intake({ keyBytes, content, leave, giveBack: () => undefined, enter });
  }

  /**
   * Whole blocks that overlap with a range, in order. One piece is read ahead.
   *
   * @param range.length 0: to the chunk's end
   * @throws QuorumError `not_found`; `corrupt`; `invalid_argument`: the range begins behind the chunk's end
   */
  async *read(
    key: ChunkKey,
    range: { readonly offset: number; readonly length: number },
  ): AsyncGenerator<StoredPiece, void, undefined> {
    const keyBytes = chunkKeyBytes(key);
    const { size } = this.#rowOf(key, keyBytes);
    if (range.offset >= size) throw invalid(`the chunk has ${size} bytes; nothing is at ${range.offset}`);
    const end = range.length === 0 ? size : Math.min(size, range.offset + range.length);
    let start = range.offset - (range.offset % blockBytes);
    let next: Promise<StoredPiece> | undefined = this.#piece(key, keyBytes, start, end);
    while (next) {
      const piece: StoredPiece = await next;
      start += piece.data.length;
      next = start < end ? this.#piece(key, keyBytes, start, end) : undefined;
      // Whoever has enough leaves it behind.
      next?.catch(() => undefined);
      yield piece;
    }
  }

  /** Reads all of a chunk. "damaged" was told to {@link onDamage}; "gone": there is no such chunk, perhaps no longer. */
  async verify(key: ChunkKey): Promise<"intact" | "damaged" | "gone"> {
    const keyBytes = chunkKeyBytes(key);
    const row = this.#index.chunk(keyBytes);
    if (row === undefined) return "gone";
    if (row !== "damaged" && (await this.#reader.isIntact({ keyBytes, row }))) {
      this.#damaged.delete(keyBytes.toString("latin1"));
      return "intact";
    }
    const now = this.#index.chunk(keyBytes);
    if (now === undefined) return "gone";
    // A repair was faster.
    if (now !== "damaged" && row !== "damaged" && now.place !== row.place) return this.verify(key);
    this.#tellDamage(key, keyBytes);
    return "damaged";
  }

  /**
   * What there is of each chunk asked for, in order; undefined: it is not here, or damaged.
   *
   * @param ranges at most {@link statChunksMax} chunks
   * @throws QuorumError `invalid_argument`
   */
  async stat(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<readonly (ChunkContent | undefined)[]> {
    checkRanges(ranges, statChunksMax);
    const found: (ChunkContent | undefined)[] = [];
    for (const { upload, first, count } of ranges) {
      const uploadKey = uploadKeyBytes(owner, upload);
      for (let at = first; at < first + count; at += 1) {
        found.push(this.#statOne(indexedKeyBytes(uploadKey, at)));
        if (found.length % rowsPerTurn === 0) await this.#turn();
      }
    }
    return found;
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
    for (const { upload, first, count } of ranges) {
      const uploadKey = uploadKeyBytes(owner, upload);
      const retired = await this.#retiredAmong(uploadKey, { first, count });
      if (retired.length > 0) this.#reaper.used(uploadKey);
      if (retired.length === 0 && !this.#isRenewalDue(uploadKey)) continue;
      await this.#index.change((change) => this.#renew(change, uploadKey, retired));
    }
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
        if (chunk) yield { key: chunk, position: key, content: openChunkRow(key, value) };
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
    return this.#incoming.inside;
  }

  /** Senders that wait for room. */
  get waitingIntakes(): number {
    return this.#incoming.waiting;
  }

  /** A chunk that a chosen version names belongs here and is not. May be told again. At most one listener. */
  onMissing(listener: (chunk: ChunkKey) => void): void {
    this.#onMissing = listener;
  }

  /** A chunk here is damaged. May be told again. At most one listener. */
  onDamage(listener: (chunk: ChunkKey) => void): void {
    this.#onDamage = listener;
  }

  /** Refuses new chunks, drops those that are not complete, and waits for the others. Closes neither disk nor files. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new QuorumError({ code: "unavailable", message: "the node is stopping" });
    this.#incoming.close(closed);
    await Promise.all([this.#reaper.close(), this.#leftovers.close()]);
    await Promise.all([...this.#intakes].map((intake) => intake.discard()));
    await this.#committed();
    this.#publishing.close(closed);
    await this.#keeper.settled();
    await this.#index.settled();
  }

  async #committed(): Promise<void> {
    await Promise.all([...this.#intakes].map((intake) => intake.committed()));
  }

  #checkOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new QuorumError({ code: "unavailable", message: "the node is stopping" });
  }

  #fail(error: QuorumError): void {
    if (this.#failure) return;
    this.#failure = new QuorumError({ code: "unavailable", message: error.message, cause: error });
    this.#incoming.close(this.#failure);
    this.#options.log.error("chunk.disk-failed", { error });
    this.#options.onDiskFailure(error);
  }

  /** Whether the chunk is durable here; it is then protected anew, just as if it had been stored again. */
  async #isHeld(key: ChunkKey, keyBytes: Buffer, content: ChunkContent): Promise<boolean> {
    const row = this.#index.chunk(keyBytes);
    if (row === undefined || row === "damaged") return false;
    checkSame(row, content);
    if (this.#damaged.has(keyBytes.toString("latin1"))) return false;
    if (!(await this.#reader.footerOf({ keyBytes, row }))) {
      // Unless it has just been removed or replaced.
      const now = this.#index.chunk(keyBytes);
      if (now !== undefined && now !== "damaged" && now.place === row.place) this.#tellDamage(key, keyBytes);
      return false;
    }
    return this.#index.change((change) => {
      const found = change.chunk(keyBytes);
      if (found === undefined || found === "damaged") return false;
      this.#renew(change, uploadPartOf(keyBytes), [keyBytes]);
      return true;
    });
  }

  #intake(options: {
    readonly keyBytes: Buffer;
    readonly content: ChunkContent;
    readonly leave: () => void;
    readonly giveBack: () => void;
    readonly enter: (place: string) => Promise<void>;
  }): ChunkIntake {
    const { files, random } = this.#options;
    const { keyBytes, content, leave, giveBack, enter } = options;
    // No two files are of one name, even of one chunk: nothing is ever replaced.
    const name = `${chunkKeyHash(keyBytes).toString("hex", 0, 24)}${Buffer.from(random.bytes(8)).toString("hex")}`;
    const intake = new StoreIntake({
      draft: new ChunkDraft({ draft: files.create(name), chunkKey: keyBytes }),
      expected: content,
      // What is durable already is not made less so by a caller who has gone.
      turnToPublish: () => this.#publishing.enter(1),
      enter,
      onDiskError: (error) => this.#fail(error),
      onReceived: leave,
      onEnd: () => {
        giveBack();
        this.#intakes.delete(intake);
      },
    });
    this.#intakes.add(intake);
    return intake;
  }

  /** Enters a chunk whose file is durable. */
  async #enter(key: ChunkKey, keyBytes: Buffer, content: ChunkContent, place: string): Promise<void> {
    const wasDamaged = this.#damaged.has(keyBytes.toString("latin1"));
    const before = await this.#index.change((change): ChunkRow | "damaged" | undefined => {
      const row = change.chunk(keyBytes);
      this.#makeUpload(change, uploadPartOf(keyBytes));
      if (row === undefined) change.addChunk(keyBytes, { ...content, retiredAtMs: 0, place });
      else if (row === "damaged") change.moveChunk(keyBytes, row, { ...content, retiredAtMs: 0, place });
      else if (wasDamaged && isSame(row, content)) change.moveChunk(keyBytes, row, { ...row, place });
      if (row !== undefined) this.#renew(change, uploadPartOf(keyBytes), [keyBytes]);
      return row;
    });
    if (before === undefined) return;
    if (before !== "damaged" && !(wasDamaged && isSame(before, content))) {
      // Two callers sent the same chunk at the same time, and this one was slower.
      await this.#remove(place);
      checkSame(before, content);
      return;
    }
    await this.#onRepaired(key, keyBytes, before);
  }

  async #enterReplacement(key: ChunkKey, keyBytes: Buffer, content: ChunkContent, place: string): Promise<void> {
    if (!(await this.#reader.isIntact({ keyBytes, row: { ...content, retiredAtMs: 0, place } }))) {
      await this.#remove(place);
      throw new QuorumError({
        code: "corrupt",
        message: "the new copy of a chunk was not read back as it was written",
      });
    }
    const before = await this.#index.change((change): ChunkRow | "damaged" | undefined => {
      const row = change.chunk(keyBytes);
      if (row !== undefined) {
        change.moveChunk(keyBytes, row, { ...content, retiredAtMs: row === "damaged" ? 0 : row.retiredAtMs, place });
      }
      return row;
    });
    if (before === undefined) await this.#remove(place);
    else await this.#onRepaired(key, keyBytes, before);
  }

  async #onRepaired(key: ChunkKey, keyBytes: Buffer, before: ChunkRow | "damaged"): Promise<void> {
    const { files, log } = this.#options;
    this.#damaged.delete(keyBytes.toString("latin1"));
    log.info("chunk.replaced", { ...fieldsOf(key) });
    // The file of a damaged row is not known; it is found as a leftover.
    if (before === "damaged") return;
    this.#reader.forget(before.place);
    try {
      await files.quarantine(before.place);
    } catch (error) {
      log.warn("chunk.quarantine-failed", { ...fieldsOf(key), error });
    }
  }

  async #remove(place: string): Promise<void> {
    this.#reader.forget(place);
    // If it cannot be removed now, it is found as a leftover.
    await this.#options.files.remove([place]).catch((error: unknown) => {
      this.#options.log.warn("chunk.removing-failed", { error });
    });
  }

  /** A chunk of this upload has come. */
  #makeUpload(change: IndexChange, uploadKey: Buffer): void {
    const leaseFromNow = () => this.#leaseFromNow();
    const { leaseMs } = this.#options;
    const upload = renewed(change.upload(uploadKey, leaseFromNow), { nowMs: this.#options.clock.wallMs(), leaseMs });
    change.setUpload(uploadKey, upload, leaseFromNow);
  }

  /** @param chunks of the upload, those among them that were retired are needed again unless the upload was named once */
  #renew(change: IndexChange, uploadKey: Buffer, chunks: readonly Buffer[]): void {
    const upload = change.upload(uploadKey, () => this.#leaseFromNow());
    if (!upload || !isRevivable(upload)) return;
    this.#makeUpload(change, uploadKey);
    for (const key of chunks) {
      const row = change.chunk(key);
      if (row !== undefined && row !== "damaged" && row.retiredAtMs > 0) change.revive(key, row);
    }
  }

  /** Keys of retired chunks in a range of an upload. */
  async #retiredAmong(uploadKey: Buffer, range: { readonly first: number; readonly count: number }): Promise<Buffer[]> {
    if (this.#index.totals.retiredBytes === 0) return [];
    const start = indexedKeyBytes(uploadKey, range.first);
    const end = behind(indexedKeyBytes(uploadKey, range.first + range.count - 1));
    const retired: Buffer[] = [];
    for await (const { key, value } of this.#index.scan(this.#index.tables.chunks, { start, end })) {
      if ((openChunkRow(key, value)?.retiredAtMs ?? 0) > 0) retired.push(key);
    }
    return retired;
  }

  #isRenewalDue(uploadKey: Buffer): boolean {
    const bytes = this.#index.tables.leases.get(uploadKey);
    if (!bytes) return false;
    const lease = openLeaseRow(uploadKey, Buffer.from(bytes));
    return (lease?.untilMs ?? 0) < this.#leaseFromNow() - this.#options.leaseMs * leaseSlack;
  }

  #leaseFromNow(): number {
    return this.#options.clock.wallMs() + this.#options.leaseMs;
  }

  #statOne(keyBytes: Buffer): ChunkContent | undefined {
    const row = this.#index.chunk(keyBytes);
    if (row === undefined || row === "damaged") return undefined;
    if (this.#damaged.size > 0 && this.#damaged.has(keyBytes.toString("latin1"))) return undefined;
    // One that was retired unnamed goes soon, unless it is renewed.
    if (row.retiredAtMs > 0 && !this.#index.tables.kept.get(uploadPartOf(keyBytes))) return undefined;
    return { size: row.size, checksum: row.checksum };
  }

  /** @throws QuorumError `not_found`, `corrupt` */
  #rowOf(key: ChunkKey, keyBytes: Buffer): ChunkRow {
    const row = this.#index.chunk(keyBytes);
    if (row === undefined) throw notFound();
    if (row === "damaged") throw this.#tellDamage(key, keyBytes);
    if (row.retiredAtMs > 0) this.#reaper.used(uploadPartOf(keyBytes));
    return row;
  }

  async #piece(key: ChunkKey, keyBytes: Buffer, start: number, end: number): Promise<StoredPiece> {
    for (;;) {
      const row = this.#rowOf(key, keyBytes);
      const piece = await this.#reader.piece({ keyBytes, row }, start, end);
      if (piece) return piece;
      // While it was read, it may have been replaced by a better copy; this ends, for copies are read back.
      if (this.#rowOf(key, keyBytes).place === row.place) throw this.#tellDamage(key, keyBytes);
    }
  }

  #tellDamage(key: ChunkKey, keyBytes: Buffer): QuorumError {
    const name = keyBytes.toString("latin1");
    if (!this.#damaged.has(name)) {
      if (this.#damaged.size < damagedMax) this.#damaged.add(name);
      this.#options.log.error("chunk.damaged", { ...fieldsOf(key) });
    }
    this.#onDamage(key);
    return new QuorumError({ code: "corrupt", message: "the chunk is damaged here; read it from another replica" });
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.endOfTurn(resolve));
  }
}

function checkContent({ size }: ChunkContent): void {
  if (size < 1 || size > chunkBytesMax) throw invalid(`a chunk has 1 to ${chunkBytesMax} bytes, not ${size}`);
}

function isSame(row: ChunkRow, content: ChunkContent): boolean {
  return row.size === content.size && row.checksum === content.checksum;
}

/** @throws QuorumError `invalid_argument` */
function checkSame(row: ChunkRow, content: ChunkContent): void {
  if (!isSame(row, content)) throw invalid("another chunk is stored under this upload and index");
}

function fieldsOf({ owner, upload, index }: ChunkKey) {
  return { bucket: owner.bucket, path: owner.path, upload: Buffer.from(upload).toString("hex"), index };
}

/** Short chunks cost a stream and an open file, too. */
function unitsOf({ size }: ChunkContent): number {
  return Math.max(size, blockBytes);
}

function notFound(): QuorumError {
  return new QuorumError({ code: "not_found", message: "the chunk is not here" });
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
