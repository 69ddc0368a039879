import { bucketId, type CancelSignal, type ChunkRange, type Random } from "@quorumfs/core";
import { crc32c, silentLog } from "@quorumfs/runtime";
import type { ChunkKey, FileOwner } from "../../src/chunk/chunk-key.js";
import {
  type ChunkContent,
  ChunkStore,
  type ChunkStoreOptions,
  type StoredPiece,
} from "../../src/chunk/chunk-store.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { MemoryContentFiles } from "../support/memory-content-files.js";
import { StepClock } from "../support/step-clock.js";

const leaseMs = 24 * 3_600_000;
export const retireAfterMs = 600_000;

export const owner: FileOwner = { bucket: bucketId(1), path: "films/a.mkv" };
export const never: CancelSignal = new AbortController().signal;

/** The id of upload `number`. */
export function uploadId(number: number): Uint8Array {
  return new Uint8Array(16).fill(number);
}

export function keyOf(upload: number, index: number, of: FileOwner = owner): ChunkKey {
  return { owner: of, upload: uploadId(upload), index };
}

export function range(upload: number, first: number, count: number): ChunkRange {
  return { upload: uploadId(upload), first, count };
}

/** Bytes that differ from seed to seed and from place to place. */
export function bytesOf(seed: number, length: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = Math.imul(seed + 1, 0x9e3779b1);
  for (let at = 0; at < words.length; at += 1) words[at] = state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return Buffer.from(words.buffer, 0, length);
}

export function contentOf(bytes: Uint8Array): ChunkContent {
  return { size: bytes.length, checksum: crc32c(bytes) };
}

class OrderlyRandom implements Random {
  #count = 0;

  fraction(): number {
    return 0.5;
  }

  bytes(length: number): Uint8Array {
    this.#count += 1;
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(this.#count, length - 4);
    return bytes;
  }
}

/** A chunk store on disks and a clock that the test holds in its hands. */
export class TestStore {
  readonly clock: StepClock;
  readonly disk: MemoryDisk;
  readonly files: MemoryContentFiles;
  readonly store: ChunkStore;
  readonly missing: ChunkKey[] = [];
  readonly foreign: ChunkKey[] = [];
  readonly damaged: ChunkKey[] = [];
  readonly failures: Error[];

  private constructor(parts: {
    readonly clock: StepClock;
    readonly disk: MemoryDisk;
    readonly files: MemoryContentFiles;
    readonly store: ChunkStore;
    readonly failures: Error[];
  }) {
    this.clock = parts.clock;
    this.disk = parts.disk;
    this.files = parts.files;
    this.store = parts.store;
    this.failures = parts.failures;
    this.store.onMissing((chunk) => this.missing.push(chunk));
    this.store.onForeign((chunk) => this.foreign.push(chunk));
    this.store.onDamage((chunk) => this.damaged.push(chunk));
  }

  static async open(
    given: Partial<ChunkStoreOptions> & {
      readonly disk?: MemoryDisk;
      readonly files?: MemoryContentFiles;
      readonly clock?: StepClock;
    } = {},
  ): Promise<TestStore> {
    const clock = given.clock ?? new StepClock();
    const disk = given.disk ?? new MemoryDisk();
    const files = given.files ?? new MemoryContentFiles();
    const failures: Error[] = [];
    const store = await ChunkStore.open({
      random: new OrderlyRandom(),
      log: silentLog,
      belongsHere: () => true,
      leaseMs,
      retireAfterMs,
      fullBelow: 0.05,
      onDiskFailure: (error) => failures.push(error),
      ...given,
      disk,
      files,
      clock,
    });
    return new TestStore({ clock, disk, files, store, failures });
  }

  /** What a process finds that starts on these disks. @param disk after a crash: what was durable */
  async restart(disk: MemoryDisk = this.disk): Promise<TestStore> {
    await this.store.close();
    return TestStore.open({ disk, files: this.files, clock: this.clock });
  }

  /** Stores a chunk, in writes of `step` bytes. */
  async put(key: ChunkKey, bytes: Uint8Array, step = 256 * 1024): Promise<"held" | "stored"> {
    const intake = await this.store.begin(key, contentOf(bytes), never);
    if (intake === "held") return "held";
    for (let at = 0; at < bytes.length; at += step) await intake.write(bytes.subarray(at, at + step));
    await intake.commit();
    return "stored";
  }

  async pieces(key: ChunkKey, offset = 0, length = 0): Promise<StoredPiece[]> {
    const pieces: StoredPiece[] = [];
    for await (const piece of this.store.read(key, { offset, length })) pieces.push(piece);
    return pieces;
  }

  async bytes(key: ChunkKey): Promise<Buffer> {
    return Buffer.concat((await this.pieces(key)).map(({ data }) => data));
  }

  async isHere(key: ChunkKey): Promise<boolean> {
    const [found] = await this.store.stat(key.owner, [{ upload: key.upload, first: key.index, count: 1 }]);
    return found !== undefined;
  }
}
