import type { WallDate } from "./adapters/wall-date.js";

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

export interface PutResult extends VoteInfo {
  readonly file: FileInfo;
}

export interface StatResult extends VoteInfo {
  readonly file: FileInfo;
}

export interface GetResult extends VoteInfo {
  readonly file: FileInfo;
  /** The caller's own; its SHA-256 has been compared with `file.etag`. */
  readonly content: Uint8Array;
}

export interface DeleteResult extends VoteInfo {
  /** Version of the delete itself: higher than that of anything deleted. */
  readonly version: number;
}

/** One line of a listing. */
export type ListEntry =
  | ({ readonly kind: "file" } & FileInfo)
  /** Stands for all paths that begin with `path`, which ends with the delimiter. */
  | { readonly kind: "prefix"; readonly name: string; readonly bucket: string; readonly path: string };
