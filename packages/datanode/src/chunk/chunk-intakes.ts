import { Buffer } from "node:buffer";
import {
  blockBytes,
  type CancelSignal,
  chunkBytesMax,
  type ContentFiles,
  type Log,
  QuorumError,
  type Random,
} from "@quorumfs/core";
import { type ChunkDamage, fieldsOf } from "./chunk-damage.js";
import { ChunkDraft } from "./chunk-draft.js";
import { footerBytes } from "./chunk-file.js";
import type { ChunkIndex } from "./chunk-index.js";
import { StoreIntake } from "./chunk-intake.js";
import { type ChunkKey, chunkKeyBytes, chunkKeyHash, uploadPartOf } from "./chunk-key.js";
import type { ChunkReader } from "./chunk-reader.js";
import type { ChunkRow } from "./chunk-rows.js";
import type { ChunkContent, ChunkIntake } from "./chunk-store.js";
import type { DiskRoom } from "./disk-room.js";
import { Gate } from "./gate.js";
import type { UploadLeases } from "./upload-leases.js";

/** Bytes that may be on their way in at a time: eight chunks, which keep a disk busy, and half of what a node may take. */
const incomingBytesMax = 32 * 1024 * 1024;

/** Callers that may wait for room: far more than clients of ours send at a time. */
const waitingMax = 4096;

/** Chunks that are being made durable at a time: an open file each. */
const publishingMax = 64;

const retryAfterMs = 250;

export interface ChunkIntakesOptions {
  readonly index: ChunkIndex;
  readonly files: ContentFiles;
  readonly reader: ChunkReader;
  readonly damage: ChunkDamage;
  readonly leases: UploadLeases;
  readonly room: DiskRoom;
  readonly random: Random;
  readonly log: Log;
  readonly onDiskError: (error: QuorumError) => void;
}

/** A chunk's content as it is announced. */
interface Announced {
  readonly key: ChunkKey;
  readonly keyBytes: Buffer;
  readonly content: ChunkContent;
}

/** Takes chunks in: new ones, and good copies of damaged ones. */
export class ChunkIntakes {
  readonly #options: ChunkIntakesOptions;
  readonly #incoming = new Gate({ unitsMax: incomingBytesMax, waitingMax, what: "uploads", retryAfterMs });
  readonly #publishing = new Gate({ unitsMax: publishingMax, waitingMax, what: "uploads", retryAfterMs });
  readonly #underWay = new Set<StoreIntake>();

  constructor(options: ChunkIntakesOptions) {
    this.#options = options;
  }

  /** Bytes that senders were told to send and that have not all come. */
  get incomingBytes(): number {
    return this.#incoming.inside;
  }

  /** Senders that wait for room. */
  get waiting(): number {
    return this.#incoming.waiting;
  }

  /** See `ChunkStore.begin`. */
  async begin(key: ChunkKey, content: ChunkContent, signal: CancelSignal): Promise<"held" | ChunkIntake> {
    const chunk = announced(key, content);
    if (await this.#isHeld(chunk)) return "held";
    const bytes = content.size + footerBytes({ size: content.size, keyBytes: chunk.keyBytes.length });
    const { room } = this.#options;
    room.check(bytes);
    const leave = await this.#incoming.enter(unitsOf(content), signal);
    try {
      // The same chunk may have come by another way while this one waited.
      if (!(await this.#isHeld(chunk))) {
        return this.#intake(chunk, {
          leave,
          giveBack: room.promise(bytes),
          enter: (place) => this.#enter(chunk, place),
        });
      }
    } catch (error) {
      leave();
      throw error;
    }
    leave();
    return "held";
  }

  /** See `ChunkStore.replace`. */
  async replace(key: ChunkKey, content: ChunkContent, signal: CancelSignal): Promise<ChunkIntake> {
    const chunk = announced(key, content);
    const row = this.#options.index.chunk(chunk.keyBytes);
    if (row !== undefined && row !== "damaged") checkSame(row, content);
    const leave = await this.#incoming.enter(unitsOf(content), signal);
    const enter = (place: string) => this.#enterReplacement(chunk, place);
    return this.#intake(chunk, { leave, giveBack: () => undefined, enter });
  }

  /** Refuses all who wait, and all who come. */
  refuse(reason: QuorumError): void {
    this.#incoming.close(reason);
  }

  /** Resolves when every file that has been published by now has its row, or never will. */
  async settled(): Promise<void> {
    await Promise.all([...this.#underWay].map((intake) => intake.committed()));
  }

  /** Drops what is not complete, and waits for what is being made durable. */
  async close(reason: QuorumError): Promise<void> {
    this.refuse(reason);
    await Promise.all([...this.#underWay].map((intake) => intake.discard()));
    await this.settled();
  }

  /** Whether the chunk is durable here; it is then protected anew, just as if it had been stored again. */
  async #isHeld({ key, keyBytes, content }: Announced): Promise<boolean> {
    const { index, reader, damage, leases } = this.#options;
    const row = index.chunk(keyBytes);
    if (row === undefined || row === "damaged") return false;
    checkSame(row, content);
    if (damage.has(keyBytes)) return false;
    if (!(await reader.footerOf({ keyBytes, row }))) {
      // Unless it has just been removed or replaced.
      const now = index.chunk(keyBytes);
      if (now !== undefined && now !== "damaged" && now.place === row.place) damage.tell(key, keyBytes);
      return false;
    }
    return index.change((change) => {
      const found = change.chunk(keyBytes);
      if (found === undefined || found === "damaged") return false;
      leases.renew(change, uploadPartOf(keyBytes), [keyBytes]);
      return true;
    });
  }

  #intake(
    { keyBytes, content }: Announced,
    steps: {
      readonly leave: () => void;
      readonly giveBack: () => void;
      readonly enter: (place: string) => Promise<void>;
    },
  ): ChunkIntake {
    const { files, random, onDiskError } = this.#options;
    // No two files are of one name, even of one chunk: nothing is ever replaced.
    const name = `${chunkKeyHash(keyBytes).toString("hex", 0, 24)}${Buffer.from(random.bytes(8)).toString("hex")}`;
    const intake = new StoreIntake({
      draft: new ChunkDraft({ draft: files.create(name), chunkKey: keyBytes }),
      expected: content,
      // What is durable already is not made less so by a caller who has gone.
      turnToPublish: () => this.#publishing.enter(1),
      enter: steps.enter,
      onDiskError,
      onReceived: steps.leave,
      onEnd: () => {
        steps.giveBack();
        this.#underWay.delete(intake);
      },
    });
    this.#underWay.add(intake);
    return intake;
  }

  /** Enters a chunk whose file is durable. */
  async #enter(chunk: Announced, place: string): Promise<void> {
    const { index, damage, leases } = this.#options;
    const { keyBytes, content } = chunk;
    const wasDamaged = damage.has(keyBytes);
    const before = await index.change((change): ChunkRow | "damaged" | undefined => {
      const row = change.chunk(keyBytes);
      leases.extend(change, uploadPartOf(keyBytes));
      if (row === undefined) change.addChunk(keyBytes, { ...content, retiredAtMs: 0, place });
      else if (row === "damaged") change.moveChunk(keyBytes, row, { ...content, retiredAtMs: 0, place });
      else if (wasDamaged && isSame(row, content)) change.moveChunk(keyBytes, row, { ...row, place });
      if (row !== undefined) leases.renew(change, uploadPartOf(keyBytes), [keyBytes]);
      return row;
    });
    if (before === undefined) return;
    if (before !== "damaged" && !(wasDamaged && isSame(before, content))) {
      // Two callers sent the same chunk at the same time, and this one was slower.
      await this.#remove(place);
      checkSame(before, content);
      return;
    }
    await this.#onReplaced(chunk, before);
  }

  async #enterReplacement(chunk: Announced, place: string): Promise<void> {
    const { index, reader } = this.#options;
    const { keyBytes, content } = chunk;
    if (!(await reader.isIntact({ keyBytes, row: { ...content, retiredAtMs: 0, place } }))) {
      await this.#remove(place);
      throw new QuorumError({
        code: "corrupt",
        message: "the new copy of a chunk was not read back as it was written",
      });
    }
    const before = await index.change((change): ChunkRow | "damaged" | undefined => {
      const row = change.chunk(keyBytes);
      if (row !== undefined) {
        change.moveChunk(keyBytes, row, { ...content, retiredAtMs: row === "damaged" ? 0 : row.retiredAtMs, place });
      }
      return row;
    });
    if (before === undefined) await this.#remove(place);
    else await this.#onReplaced(chunk, before);
  }

  async #onReplaced({ key, keyBytes }: Announced, before: ChunkRow | "damaged"): Promise<void> {
    const { files, reader, damage, log } = this.#options;
    damage.forget(keyBytes);
    log.info("chunk.replaced", { ...fieldsOf(key) });
    // The file of a damaged row is not known; it is found as a leftover.
    if (before === "damaged") return;
    reader.forget(before.place);
    try {
      await files.quarantine(before.place);
    } catch (error) {
      log.warn("chunk.quarantine-failed", { ...fieldsOf(key), error });
    }
  }

  async #remove(place: string): Promise<void> {
    const { files, reader, log } = this.#options;
    reader.forget(place);
    try {
      await files.remove([place]);
    } catch (error) {
      // It is found as a leftover.
      log.warn("chunk.removing-failed", { error });
    }
  }
}

/** @throws QuorumError `invalid_argument` */
function announced(key: ChunkKey, content: ChunkContent): Announced {
  const { size } = content;
  if (size < 1 || size > chunkBytesMax) throw invalid(`a chunk has 1 to ${chunkBytesMax} bytes, not ${size}`);
  return { key, keyBytes: chunkKeyBytes(key), content };
}

/** Short chunks cost a stream and an open file, too. */
function unitsOf({ size }: ChunkContent): number {
  return Math.max(size, blockBytes);
}

function isSame(row: ChunkRow, content: ChunkContent): boolean {
  return row.size === content.size && row.checksum === content.checksum;
}

/** @throws QuorumError `invalid_argument` */
function checkSame(row: ChunkRow, content: ChunkContent): void {
  if (!isSame(row, content)) throw invalid("another chunk is stored under this upload and index");
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
