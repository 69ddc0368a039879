import {
  type Ballot,
  type BucketId,
  type CancelSignal,
  type Channel,
  type Clock,
  QuorumError,
  type SubRangeSet,
} from "@quorumfs/core";
import { type PulledRecord as RecordMessage, type PullRecordsResponse, SyncServiceService } from "@quorumfs/proto";
import { checkBallot, checkBucketId, checkTarget, optionalBallot } from "../replica/wire-check.js";
import { watchedStream } from "./watched-stream.js";

/** The longest that one walk through a store may take: 100 million records on a busy node. */
const walkTimeoutMs = 3_600_000;

/** Which records are wanted of a partition. */
export interface PullSelection {
  readonly partition: number;
  /** Number of the partition's layout, as the asker follows it. */
  readonly layout: number;
  /** Default: all. */
  readonly subRanges?: SubRangeSet;
}

/** What another replica holds of a file. */
export type PulledRecord =
  | {
      readonly kind: "record";
      readonly bucket: BucketId;
      readonly path: string;
      readonly accepted: Ballot;
      /** Known to be chosen; zero if nothing is. */
      readonly committed: Ballot;
      readonly isTombstone: boolean;
      /** Bytes of the file. */
      readonly size: number;
    }
  /** It abstains. */
  | { readonly kind: "corrupt"; readonly bucket: BucketId; readonly path: string };

export type PulledPage =
  | { readonly kind: "records"; readonly records: readonly PulledRecord[] }
  /** The end: the floors of all partitions that were asked for, as they were behind the last record. */
  | { readonly kind: "floors"; readonly floors: ReadonlyMap<number, number> };

/**
 * The records that another DataNode holds of some partitions, in order of bucket and byte order of path; the page of floors
 * comes last, and comes for certain if nothing is thrown. What is told is durable there, and no older than the call. The
 * next page is fetched when it is asked for; leaving the loop ends the call.
 *
 * @param options.channel for bulk data
 * @param options.after resumes behind this file
 * @throws QuorumError `unavailable`: the node cannot be reached, does not hold a partition, or does not know the layout yet;
 *   `precondition_failed`: it follows a newer layout; `corrupt`: a floor of it is damaged; `resource_exhausted`: too many
 *   ask it; `cancelled` by `signal`
 */
export async function* pullRecords(options: {
  readonly channel: Channel;
  readonly partitions: readonly PullSelection[];
  readonly after?: { readonly bucket: BucketId; readonly path: string };
  readonly clock: Clock;
  readonly signal: CancelSignal;
}): AsyncGenerator<PulledPage> {
  const { channel, partitions, after, clock, signal } = options;
  const request = {
    partitions: partitions.map(({ partition, layout, subRanges }) => ({
      partition: { partition, layout },
      subRanges: subRanges?.toBitmap() ?? new Uint8Array(0),
    })),
    afterBucket: after?.bucket ?? 0,
    afterPath: after?.path ?? "",
  };
  const messages = watchedStream({
    open: (ended) =>
      channel.serverStream(SyncServiceService.pullRecords, request, { timeoutMs: walkTimeoutMs, signal: ended }),
    clock,
    signal,
  });
  for await (const message of messages) {
    if (message.records.length > 0) yield { kind: "records", records: message.records.map(recordFromWire) };
    if (message.last) {
      yield { kind: "floors", floors: floorsFrom(message, partitions) };
      return;
    }
  }
  throw new QuorumError({ code: "unavailable", message: "the other DataNode ended before it had told all" });
}

function recordFromWire(message: RecordMessage): PulledRecord {
  // A damaged record may lie under a name that is none.
  if (message.corrupt) return { kind: "corrupt", bucket: checkBucketId(message.bucket), path: message.path };
  const { bucket, path } = checkTarget(message.bucket, message.path);
  return {
    kind: "record",
    bucket,
    path,
    accepted: checkBallot(message.accepted, "a record's accepted ballot"),
    committed: optionalBallot(message.committed, "a record's committed ballot"),
    isTombstone: message.tombstone,
    size: message.size,
  };
}

function floorsFrom(
  { floors }: PullRecordsResponse,
  partitions: readonly PullSelection[],
): ReadonlyMap<number, number> {
  const found = new Map(floors.map(({ partition, floor }) => [partition, floor]));
  if (partitions.every(({ partition }) => found.has(partition))) return found;
  throw new QuorumError({ code: "internal", message: "the other DataNode did not tell the floors of all partitions" });
}
