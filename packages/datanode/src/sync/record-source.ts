/**
 * What this node tells others of its records: those of some partitions and sub-ranges, found by one walk through the
 * table of records, which lies in order of paths, and not of partitions.
 */
import {
  type CancelSignal,
  type Clock,
  fileHashOf,
  isZeroBallot,
  partitionOf,
  QuorumError,
  subRangeOf,
  SubRangeSet,
} from "@quorumfs/core";
import type {
  PartitionFloor,
  PartitionSelection,
  PulledRecord,
  PullRecordsRequest,
  PullRecordsResponse,
} from "@quorumfs/proto";
import { Slots } from "../content/slots.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { SurveyedRecord, SurveyRequest } from "../replica/messages.js";
import type { ReplicaContext } from "../replica/replica-context.js";
import { checkAfter, checkBucketId, malformed } from "../replica/wire-check.js";
import { ClientCourtesy } from "./client-courtesy.js";
import type { PartitionGate } from "./partition-gate.js";

/** Walks at a time: each is a few per cent of a core while it goes on, and most who ask want what the same walk finds. */
const walksMax = 2;

/** As many as a large cluster has nodes. */
const callersMax = 64;

/** A message is sent at about this many records: some 100 KiB with paths of usual length. */
const messageRecordsMax = 1024;

/** A path of up to 1 KiB each: a message is full at half a mebibyte, too. */
const messageBytesMax = 512 * 1024;

/** About what a record takes in a message besides its path. */
const recordBytes = 64;

/** Whoever waits for a message knows by then that the walk goes on. */
const silentMsMax = 2000;

export interface RecordSourceOptions {
  readonly replica: Pick<LocalReplica, "survey" | "floorsOf">;
  readonly context: Pick<ReplicaContext, "layout">;
  readonly gate: PartitionGate;
  readonly clock: Clock;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
}

export class RecordSource {
  readonly #options: RecordSourceOptions;
  readonly #slots = new Slots(walksMax);
  #callers = 0;

  constructor(options: RecordSourceOptions) {
    this.#options = options;
  }

  /**
   * The records of some partitions, each message on demand; the floors are on the last one.
   *
   * @throws QuorumError `invalid_argument`; what {@link PartitionGate.check} throws, also at the end, if a layout has
   *   changed on the way; `resource_exhausted`: too many ask; `corrupt`: a floor is damaged
   */
  async *pull(message: PullRecordsRequest, signal: CancelSignal): AsyncGenerator<PullRecordsResponse> {
    const { gate } = this.#options;
    const selection = selectionOf(message.partitions);
    const after = positionOf(message);
    const versions = message.partitions.map(versionOf);
    await gate.enter(versions);
    const turn = this.#enter(signal);
    try {
      while (!(await this.#comesSoon(turn))) yield { records: [], floors: [], last: false };
      yield* this.#records({ wants: this.#wantsOf(selection), ...(after && { after }) }, signal);
      // Behind the records: what was erased while they were read is missing there, and is below a floor here.
      const floors = await this.#floors(selection.keys());
      // A partition that has moved away meanwhile may have been dropped while it was read.
      gate.check(versions);
      yield { records: [], floors, last: true };
    } finally {
      turn.then(
        (leave) => leave(),
        () => undefined,
      );
    }
  }

  async *#records(request: SurveyRequest, signal: CancelSignal): AsyncGenerator<PullRecordsResponse> {
    const { replica, clock, isBusy } = this.#options;
    const courtesy = new ClientCourtesy({ clock, isBusy });
    let records: PulledRecord[] = [];
    let bytes = 0;
    let sentAtMs = clock.nowMs();
    for await (const found of replica.survey(request)) {
      if (signal.aborted) return;
      for (const record of found) {
        records.push(recordToWire(record));
        bytes += record.path.length + recordBytes;
      }
      const isDue = records.length >= messageRecordsMax || bytes >= messageBytesMax;
      if (isDue || clock.nowMs() - sentAtMs >= silentMsMax) {
        yield { records, floors: [], last: false };
        records = [];
        bytes = 0;
        sentAtMs = clock.nowMs();
      }
      await courtesy.letPass(signal);
    }
    if (records.length > 0) yield { records, floors: [], last: false };
  }

  #wantsOf(selection: Selection): SurveyRequest["wants"] {
    const partitions = this.#options.context.layout()?.partitions.length;
    return ({ bucket, path, key }) => {
      const subRanges = selection.get(partitionOf(bucket, path, partitions));
      return subRanges !== undefined && (subRanges === "all" || subRanges.has(subRangeOf(fileHashOf(key))));
    };
  }

  async #floors(partitions: Iterable<number>): Promise<PartitionFloor[]> {
    const floors: PartitionFloor[] = [];
    for (const [partition, floor] of await this.#options.replica.floorsOf(partitions)) {
      if (floor === undefined) {
        throw new QuorumError({ code: "corrupt", message: `the floor of partition ${partition} is damaged` });
      }
      floors.push({ partition, floor });
    }
    return floors;
  }

  /** @returns, when the caller's turn has come, how to make room for the next */
  async #enter(signal: CancelSignal): Promise<() => void> {
    if (this.#callers >= callersMax) {
      throw new QuorumError({
        code: "resource_exhausted",
        message: "too many DataNodes pull records from this one already",
        details: { retryAfterMs: silentMsMax },
      });
    }
    this.#callers += 1;
    return await new Promise<() => void>((resolve, reject) => {
      const walk = () => new Promise<void>((leave) => resolve(leave));
      this.#slots
        .run(walk, signal)
        .catch(reject)
        .finally(() => (this.#callers -= 1));
    });
  }

  /** @returns false if the turn has not come by the time at which the caller must hear something */
  #comesSoon(turn: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(silentMsMax, () => resolve(false));
      turn.then(() => resolve(true), reject).finally(cancel);
    });
  }
}

type Selection = ReadonlyMap<number, SubRangeSet | "all">;

function selectionOf(partitions: readonly PartitionSelection[]): Selection {
  const selection = new Map<number, SubRangeSet | "all">();
  for (const { partition: version, subRanges } of partitions) {
    if (!version) throw malformed("a selection without a partition");
    if (selection.has(version.partition)) throw malformed(`partition ${version.partition} twice`);
    selection.set(version.partition, subRanges.length === 0 ? "all" : SubRangeSet.fromBitmap(subRanges));
  }
  return selection;
}

function versionOf({ partition }: PartitionSelection): { partition: number; layout: number } {
  if (!partition) throw malformed("a selection without a partition");
  return partition;
}

function positionOf({ afterBucket, afterPath }: PullRecordsRequest): SurveyRequest["after"] {
  return afterBucket === 0 ? undefined : { bucket: checkBucketId(afterBucket), path: checkAfter(afterPath) };
}

function recordToWire(record: SurveyedRecord): PulledRecord {
  const { bucket, path } = record;
  if (record.kind === "corrupt") {
    return { bucket, path, accepted: undefined, committed: undefined, tombstone: false, size: 0, corrupt: true };
  }
  const { accepted, isTombstone: tombstone, size } = record;
  const committed = isZeroBallot(record.committed) ? undefined : record.committed;
  return { bucket, path, accepted, committed, tombstone, size, corrupt: false };
}
