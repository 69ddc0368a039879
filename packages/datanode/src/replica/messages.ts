import type { Ballot, BucketId, Value } from "@quorumfs/core";

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

/** What this replica holds of one path. */
export type RangeEntry =
  | {
      readonly kind: "record";
      readonly path: string;
      readonly accepted: Ballot;
      /** Without content and without ring: enough to list the file, not to propose it again. */
      readonly value: Value;
      readonly committed: Ballot;
    }
  /** The record is damaged: the replica abstains for this path. */
  | { readonly kind: "corrupt"; readonly path: string };

export interface RangePage {
  /** In byte order of path. Files that were only promised are left out: for a list they do not exist. */
  readonly entries: readonly RangeEntry[];
  /** Whether there may be more behind `lastPath`. */
  readonly truncated: boolean;
  /** When truncated: everything up to and including this path has been said. */
  readonly lastPath: string;
}

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
