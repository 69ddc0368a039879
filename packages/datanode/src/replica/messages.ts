import type { Ballot, BucketId, RangeEntry, ReplicaState } from "@quorumfs/core";

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

export interface ScannedEntry {
  readonly bucket: BucketId;
  readonly entry: RangeEntry;
}

/** Which records a survey is about. */
export interface SurveyRequest {
  /** Resumes behind this bucket and path. */
  readonly after?: { readonly bucket: BucketId; readonly path: string };
  /** @param row `key`: bucket and path as in the record table */
  readonly wants: (row: { readonly bucket: BucketId; readonly path: string; readonly key: Uint8Array }) => boolean;
}

/** A record in outline. */
export type SurveyedRecord =
  | {
      readonly kind: "record";
      readonly bucket: BucketId;
      readonly path: string;
      readonly accepted: Ballot;
      /** Known to be chosen; zero if nothing is. */
      readonly committed: Ballot;
      readonly isTombstone: boolean;
      readonly size: number;
      readonly modifiedAtMs: number;
    }
  /** The record is damaged: the replica abstains for this path. */
  | { readonly kind: "corrupt"; readonly bucket: BucketId; readonly path: string };

/** All that a replica has of one file, for people. */
export type InspectedCopy =
  | {
      readonly kind: "readable";
      /** As it answers a read. */
      readonly state: ReplicaState;
      /** Zero if there is none. */
      readonly promised: Ballot;
      readonly isContentDamaged: boolean;
    }
  /** It abstains. `forgotten`: until a vote comes that is above all that it may have promised; else until it is repaired. */
  | { readonly kind: "forgotten" | "damaged" };
