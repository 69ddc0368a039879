import type { ReadableStream } from "node:stream/web";
import type { OperationTrace } from "@quorumfs/core";
import type { WallDate } from "./adapters/wall-date.js";

/**
 * What can be stored: bytes in memory (not to be changed until the put has ended), text as UTF-8, a Blob, a web stream, or
 * anything that yields bytes when iterated, such as a Node stream (`fs.createReadStream`, `process.stdin`).
 */
export type FileContent =
  Uint8Array | string | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** How many replicas must have a write, and where, before it is acknowledged. */
export type DurabilityClass = "fsync" | "memory";

/** A file as one version of it stood at some instant within the call. */
export interface FileInfo {
  /** `bucket/path`. */
  readonly name: string;
  readonly bucket: string;
  readonly path: string;
  /** Strictly increasing from write to write of one file, with gaps; deleting and writing anew goes on counting. */
  readonly version: number;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the content, 64 lower-case hexadecimal digits. */
  readonly etag: string;
  /** The coordinator's wall clock at the write: for people to read, never for ordering. */
  readonly modifiedAt: WallDate;
  /** What the writer attached. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Who stands behind an answer. */
export interface VoteInfo {
  /** Ids of the DataNodes that held this very version when the answer was given; the others may get it later. */
  readonly acknowledged: readonly number[];
  /** Ids of the DataNodes that hold the file when all is well. */
  readonly replicas: readonly number[];
  /** `fsync`: on the disks of W replicas before the acknowledgement; `memory`: in their memory only. */
  readonly durability: DurabilityClass;
}

/** Of an operation with `trace: true`. */
export interface Traced {
  readonly trace?: OperationTrace;
}

export interface PutResult extends VoteInfo, Traced {
  readonly file: FileInfo;
}

export interface StatResult extends VoteInfo, Traced {
  readonly file: FileInfo;
}

export interface GetResult extends VoteInfo, Traced {
  readonly file: FileInfo;
  /** The file, or the range that was asked for; verified, and the caller's own. */
  readonly content: Uint8Array;
  /** Where in the file `content` begins. */
  readonly offset: number;
}

/** Its `trace` goes on until `body` has ended: look at it again then. */
export interface ReadResult extends VoteInfo, Traced {
  /** The version that `body` is of, whatever is written meanwhile. */
  readonly file: FileInfo;
  /** Where in the file `body` begins. */
  readonly offset: number;
  /** Bytes that `body` will deliver. */
  readonly length: number;
  /**
   * The bytes, in order, each verified before it is handed out. Nothing is fetched far ahead of the reader. Read it to its
   * end or cancel it. A web stream: iterate it with `for await`, or turn it into a Node stream with `Readable.fromWeb`.
   * Fails with a `QuorumError`: `unavailable`, `corrupt`, `cancelled`.
   */
  readonly body: ReadableStream<Uint8Array>;
}

export interface DeleteResult extends VoteInfo, Traced {
  /** Version of the delete itself: higher than that of anything deleted. */
  readonly version: number;
}

/** One line of a listing. */
export type ListEntry =
  | ({ readonly kind: "file" } & FileInfo)
  /** Stands for all paths that begin with `path`, which ends with the delimiter. */
  | { readonly kind: "prefix"; readonly name: string; readonly bucket: string; readonly path: string };
