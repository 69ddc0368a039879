import type { Ballot, CancelSignal, ChunkRange } from "@quorumfs/core";
import type { ChunkKey, FileOwner } from "./chunk-key.js";

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

/** The chunks of this node: files of bytes, and rows that say what they are and how long they are needed. */
export interface ChunkStore {
  /**
   * Takes a chunk in, once there is room for its bytes.
   *
   * @returns "held" if it is durable here already
   * @throws QuorumError `resource_exhausted`: too many wait, or the disk is nearly full; `invalid_argument`: another chunk
   *   is held under this name; `cancelled` by `signal`, which ends the wait
   */
  begin(key: ChunkKey, content: ChunkContent, signal: CancelSignal): Promise<"held" | ChunkIntake>;
  /**
   * Puts a good copy in the place of a damaged one: `commit` reads it back before it counts, and takes the damaged file
   * into quarantine. If nobody needs the chunk any more when it comes to that, it does nothing.
   *
   * @throws QuorumError as {@link begin}
   */
  replace(key: ChunkKey, content: ChunkContent, signal: CancelSignal): Promise<ChunkIntake>;
  /**
   * Whole blocks that overlap with a range, in order. The next ones are read when they are asked for.
   *
   * @param range.length 0: to the chunk's end
   * @throws QuorumError `not_found`; `corrupt`; `invalid_argument`: the range begins behind the chunk's end
   */
  read(
    key: ChunkKey,
    range: { readonly offset: number; readonly length: number },
  ): AsyncGenerator<StoredPiece, void, undefined>;
  /** Reads all of a chunk. "damaged" was told to {@link onDamage}; "gone": there is no such chunk, perhaps no longer. */
  verify(key: ChunkKey): Promise<"intact" | "damaged" | "gone">;
  /** One for each chunk asked for, in order; undefined for those that are not here, or damaged. At most 65,536. */
  stat(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<readonly (ChunkContent | undefined)[]>;
  /** Starts the lease of uploads anew, and the time for which retired chunks of theirs stay. Resolves when durable. */
  renew(owner: FileOwner, ranges: readonly ChunkRange[]): Promise<void>;
  /** The chosen version of a file, and what it is made of: PROTOCOL.md, KEEP. Resolves when applied and durable. */
  keep(owner: FileOwner, version: Ballot, ranges: readonly ChunkRange[], options?: KeepOptions): Promise<void>;
  /**
   * Uploads that no version has named when their lease ended, and files of which it is not known what they need. Each
   * wants an identity round and a `keep` of what that finds, with `afterIdentityRound`.
   */
  lapsedUploads(): AsyncIterable<{ readonly owner: FileOwner }>;
  /** Files with chunks here, in order of bucket and path, behind `after`. */
  owners(after?: FileOwner): AsyncIterable<FileOwner>;
  /** Chunks that are here or should be, in order, behind `after`. */
  entries(after?: Uint8Array): AsyncIterable<ChunkEntry>;
  usage(): ChunkUsage;
  /** Whether new content goes elsewhere. Cheap enough for every operation. */
  readonly isFull: boolean;
  /** A chunk that a chosen version names belongs here and is not. May be told again. At most one listener. */
  onMissing(listener: (chunk: ChunkKey) => void): void;
  /** A chunk here is damaged. May be told again. At most one listener. */
  onDamage(listener: (chunk: ChunkKey) => void): void;
}
