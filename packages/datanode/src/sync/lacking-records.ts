import {
  type Ballot,
  type BucketId,
  type CancelSignal,
  type Channel,
  type Clock,
  compareBallots,
  isZeroBallot,
  type PartitionId,
  partitionOf,
} from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { DigestDifference } from "./compare-digests.js";
import { pullRecords, type PulledRecord } from "./pull-records.js";

/** A record that another replica has at a higher ballot than this one. */
export interface LackingRecord {
  readonly bucket: BucketId;
  readonly path: string;
  readonly partition: PartitionId;
  /** Number of the partition's layout under which it was found. */
  readonly layout: number;
  readonly accepted: Ballot;
  readonly size: number;
  readonly isTombstone: boolean;
}

export interface Lack {
  readonly records: readonly LackingRecord[];
  /** Of these, and of those that were not taken in for want of room. */
  readonly count: number;
  readonly bytes: number;
  /** Records that are damaged here; they come back by another way. */
  readonly damaged: number;
}

/** Some 30 MiB. What does not fit is found again at the next comparison, which follows at once. */
const recordsMax = 100_000;

/**
 * What this node lacks of what another one holds, in the sub-ranges in which the two differ.
 *
 * @throws as {@link pullRecords}
 */
export async function findLacking(options: {
  readonly differences: readonly DigestDifference[];
  readonly channel: Channel;
  readonly replica: Pick<LocalReplica, "acceptedOf" | "floorsOf">;
  readonly store: Pick<ClusterStore, "view">;
  readonly clock: Clock;
  readonly signal: CancelSignal;
}): Promise<Lack> {
  const { differences, channel, replica, store, clock, signal } = options;
  const layouts = new Map(differences.map(({ partition, layout }) => [partition, layout]));
  const records: LackingRecord[] = [];
  let count = 0;
  let bytes = 0;
  let damaged = 0;
  const floors = await replica.floorsOf(layouts.keys());

  const look = (record: PulledRecord) => {
    const { bucket, path } = record;
    const partition = partitionOf(bucket, path, store.view.layout?.partitions.length);
    const layout = layouts.get(partition);
    // Of a bucket that is being deleted, or was, nobody needs anything.
    if (record.kind === "corrupt" || layout === undefined || store.view.buckets.get(bucket)?.deleting !== false) return;
    const own = replica.acceptedOf(bucket, path);
    if (!own) damaged += 1;
    if (!own || compareBallots(record.accepted, own) <= 0) return;
    const { accepted, size, isTombstone } = record;
    // What an ERASE has left over there; whoever has it collects it.
    if (isTombstone && isZeroBallot(own) && accepted.counter <= (floors.get(partition) ?? 0)) return;
    count += 1;
    bytes += size;
    if (records.length < recordsMax) records.push({ bucket, path, partition, layout, accepted, size, isTombstone });
  };

  for await (const page of pullRecords({ channel, partitions: differences, clock, signal })) {
    if (page.kind === "records") for (const record of page.records) look(record);
  }
  return { records, count, bytes, damaged };
}
