import type { BucketId, RangeEntry } from "@quorumfs/core";

/** Which file a vote is about. */
export interface ReplicaTarget {
  readonly bucket: BucketId;
  readonly path: string;
  /** The sender's layout number for the file's partition: the `layout` of its PartitionAssignment. */
  readonly layout: number;
}

/** Part of one bucket, in byte order of path. */
export interface RangeRequest {
  readonly bucket: BucketId;
  readonly prefix: string;
  /** Only paths behind this one; empty for all. */
  readonly after: string;
  /** Records at most, 1 to {@link rangeLimitMax}. */
  readonly limit: number;
}

/** More would not fit into one message with the longest paths. */
export const rangeLimitMax = 10_000;

export interface ScanRequest {
  /** Undefined: all buckets. */
  readonly bucket?: BucketId;
  readonly prefix: string;
  /** Resumes behind this bucket and path. */
  readonly after?: { readonly bucket: BucketId; readonly path: string };
}

export interface ScannedEntry {
  readonly bucket: BucketId;
  readonly entry: RangeEntry;
}
