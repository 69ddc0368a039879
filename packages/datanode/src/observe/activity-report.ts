/** What this node did for clients since it said so last, as its heartbeats carry it. */
import type { Clock } from "@quorumfs/core";
import { type Activity, type BucketActivity, type OperationActivity, OperationKind as WireKind } from "@quorumfs/proto";
import type { ChunkTraffic } from "./chunk-traffic.js";
import type { HotFiles } from "./hot-files.js";
import {
  type BucketCounts,
  bucketsMeteredMax,
  type KindCounts,
  type MeteredKind,
  operationKinds,
  type OperationMeter,
} from "./operation-meter.js";

/** Ten lines of a screen, and a few hundred bytes of a beat. */
const hotFilesMax = 10;

/** Below one operation in so many seconds a file is not hot, whatever the others do. */
const hotSecondsMax = 5;

export interface ActivityReportOptions {
  readonly meter: OperationMeter;
  readonly hotFiles: HotFiles;
  readonly chunkTraffic: ChunkTraffic;
  readonly clock: Clock;
  /** Whether the cluster has a bucket of this name. */
  readonly isBucket: (name: string) => boolean;
}

/** What had been told by the report before. */
interface Told {
  answered: number;
  failed: number;
  refused: number;
  latencies: readonly number[];
}

export class ActivityReport {
  readonly #options: ActivityReportOptions;
  readonly #kinds = new Map<MeteredKind, Told>();
  #buckets = new Map<string, BucketActivity>();
  #chunkBytesRead = 0;
  #chunkBytesWritten = 0;
  #sinceMs: number;

  constructor(options: ActivityReportOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
  }

  /** Leaves out what happened until now: nobody was there to be told, and all at once it would look like a flood. */
  skip(): void {
    this.take();
  }

  /** Since the time before. */
  take(): Activity {
    const { meter, hotFiles, chunkTraffic, clock, isBucket } = this.#options;
    const nowMs = clock.nowMs();
    const spanMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    const operations = operationKinds.flatMap((kind) => this.#operationsOf(kind, meter.kind(kind)));
    const buckets = this.#bucketsOf(meter);
    hotFiles.fade(spanMs);
    const { bytesRead, bytesWritten } = chunkTraffic.clients;
    const activity: Activity = {
      spanMs: Math.round(spanMs),
      operations,
      buckets,
      hotFiles: hotFiles
        .hottest(hotFilesMax)
        .filter(({ readsPerSecond, writesPerSecond }) => readsPerSecond + writesPerSecond >= 1 / hotSecondsMax)
        .map((file) => ({ ...file })),
      chunkBytesRead: bytesRead - this.#chunkBytesRead,
      chunkBytesWritten: bytesWritten - this.#chunkBytesWritten,
    };
    this.#chunkBytesRead = bytesRead;
    this.#chunkBytesWritten = bytesWritten;
    meter.retain(isBucket);
    return activity;
  }

  #operationsOf(kind: MeteredKind, counts: KindCounts): readonly OperationActivity[] {
    const { answered, failed, refused } = counts;
    const told = this.#kinds.get(kind) ?? { answered: 0, failed: 0, refused: 0, latencies: [] };
    if (answered === told.answered && failed === told.failed && refused === told.refused) return [];
    const latencies = [...counts.latencies];
    this.#kinds.set(kind, { answered, failed, refused, latencies });
    const latencyCounts = latencies.map((count, bucket) => count - (told.latencies[bucket] ?? 0));
    return [
      {
        kind: kindToWire[kind],
        answered: answered - told.answered,
        failed: failed - told.failed,
        refused: refused - told.refused,
        latencyCounts: latencyCounts.slice(0, latencyCounts.findLastIndex((count) => count > 0) + 1),
      },
    ];
  }

  /** The busiest first. */
  #bucketsOf(meter: OperationMeter): BucketActivity[] {
    const before = this.#buckets;
    this.#buckets = new Map();
    const active: BucketActivity[] = [];
    for (const counts of meter.buckets()) {
      const now = totalsOf(counts);
      this.#buckets.set(counts.bucket, now);
      const since = difference(now, before.get(counts.bucket));
      if (since.reads + since.writes + since.lists + since.failed > 0) active.push(since);
    }
    return active.sort((a, b) => callsOf(b) - callsOf(a)).slice(0, bucketsMeteredMax);
  }
}

function totalsOf(counts: BucketCounts): BucketActivity {
  const { bucket, bytesRead, bytesWritten } = counts;
  const answered = (...kinds: readonly MeteredKind[]): number =>
    kinds.reduce((sum, kind) => sum + counts.count(kind, "answered"), 0);
  return {
    bucket,
    reads: answered("get", "stat"),
    writes: answered("put", "delete"),
    lists: answered("list"),
    failed: operationKinds.reduce((sum, kind) => sum + counts.count(kind, "failed"), 0),
    bytesRead,
    bytesWritten,
  };
}

/** What was counted before is no more, or more by now: a bucket may have been deleted and made again. */
function difference(now: BucketActivity, before: BucketActivity | undefined): BucketActivity {
  if (!before) return { ...now };
  const since = (count: number, earlier: number): number => (count >= earlier ? count - earlier : count);
  return {
    bucket: now.bucket,
    reads: since(now.reads, before.reads),
    writes: since(now.writes, before.writes),
    lists: since(now.lists, before.lists),
    failed: since(now.failed, before.failed),
    bytesRead: since(now.bytesRead, before.bytesRead),
    bytesWritten: since(now.bytesWritten, before.bytesWritten),
  };
}

function callsOf({ reads, writes, lists, failed }: BucketActivity): number {
  return reads + writes + lists + failed;
}

const kindToWire: Readonly<Record<MeteredKind, WireKind>> = {
  get: WireKind.OPERATION_KIND_GET,
  stat: WireKind.OPERATION_KIND_STAT,
  put: WireKind.OPERATION_KIND_PUT,
  delete: WireKind.OPERATION_KIND_DELETE,
  list: WireKind.OPERATION_KIND_LIST,
};
