/** A part of a bucket, as state queries look at it: what is asked of it, and what is told. */
import type { Buffer } from "node:buffer";
import type { BucketId, RangeEntry } from "@quorumfs/core";
import type { FileColumns } from "@quorumfs/proto";

export interface WindowRequest {
  readonly bucket: BucketId;
  readonly prefix: string;
  /** Only paths behind this one; empty: from the first. */
  readonly after: string;
  /** Up to and including this path; empty: to the last. */
  readonly until: string;
  /** Records to look at, at most. */
  readonly limit: number;
  /** What is to be told of each partition: a `ScanPart` for each. */
  readonly parts: Uint8Array;
  readonly sizeMin: number;
  readonly sizeMax: number;
}

export interface Window {
  /** Everything up to and including this path has been told, and there may be more; undefined: all has been told. */
  readonly lastPath: string | undefined;
  /** As `ScanWindowResponse.tallies`. */
  readonly tallies: Buffer;
  readonly rows: FileColumns;
  readonly copies: readonly RangeEntry[];
}
