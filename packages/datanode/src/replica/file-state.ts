import type { Ballot, BucketId, Forgotten } from "@quorumfs/core";
import type { RecordKey } from "./record-key.js";
import type { StoredRecord } from "./record.js";
import type { VoteBatch } from "./vote-batches.js";

/** What is in memory about one file: its newest state, which the disk may not have yet. */
export interface FileState {
  readonly name: string;
  readonly bucket: BucketId;
  readonly path: string;
  readonly key: RecordKey;
  readonly partition: number;
  /** Undefined: nothing was ever accepted, or it is forgotten. */
  record: StoredRecord | undefined;
  /** The row of a promise that is higher than the record's: `unread` as long as nobody needed to know. */
  promise: Ballot | "none" | "unread";
  /** What is on disk fails its checksum: nothing may be said about the file, until a vote above the ceiling replaces it. */
  forgotten: Forgotten | undefined;
  /** Content of `record` that belongs into the second table, as long as that may not have it yet. */
  unsyncedContent: Uint8Array | undefined;
  /** Floor of an erasure that is not durable yet. */
  unsyncedFloor: number | undefined;
  /** Batches under way that write to this file. */
  unsynced: number;
  /** The newest batch that writes to this file; who tells of the file's state waits for it. */
  lastBatch: VoteBatch | undefined;
}
