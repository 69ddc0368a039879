/**
 * From counts to figures. Counts, rates and latency counts of several nodes add up; percentiles do not, so they are read from the
 * counts of all whenever something was added. Over time, counts add up and rates are averaged.
 */
import { addLatencies, assert, latencyPercentile } from "@quorumfs/core";
import {
  type Activity,
  type ActivitySample as WireSample,
  type NodeSample,
  OperationKind as WireKind,
} from "@quorumfs/proto";
import {
  type ActivityFigures,
  type ActivitySample,
  type BucketActivity,
  type HotFile,
  type LatencyFigures,
  type NodeActivity,
  type OperationFigures,
  type OperationKind,
} from "./activity-info.js";
import { wallDate } from "./adapters/wall-date.js";
import { toLoadInfo, toNodeState } from "./wire.js";

const wireKinds: Readonly<Record<OperationKind, WireKind>> = {
  get: WireKind.OPERATION_KIND_GET,
  stat: WireKind.OPERATION_KIND_STAT,
  put: WireKind.OPERATION_KIND_PUT,
  delete: WireKind.OPERATION_KIND_DELETE,
  list: WireKind.OPERATION_KIND_LIST,
};

export function toActivitySample(sample: WireSample, isHistory: boolean): ActivitySample {
  const nodes = sample.nodes.map(toNodeActivity).sort((a, b) => a.node - b.node);
  return {
    at: wallDate(sample.atMs),
    seconds: 1,
    isHistory,
    total: addFigures(nodes.map((figures) => ({ figures, weight: 1 }))),
    nodes,
    buckets: addBuckets(sample.nodes.map(({ activity }) => ({ buckets: bucketsOf(activity), weight: 1 }))),
    hotFiles: addHotFiles(sample.nodes.flatMap(({ activity }) => activity?.hotFiles ?? [])),
  };
}

/**
 * Several samples in a row as one: counts summed, rates averaged over the whole time, percentiles of all operations in it. States,
 * loads and hot files are the last ones.
 *
 * @param samples at least one, oldest first
 */
export function summarizeActivity(samples: readonly ActivitySample[]): ActivitySample {
  const last = samples.at(-1);
  assert(last !== undefined, "there is no activity in no time");
  const seconds = samples.reduce((sum, sample) => sum + sample.seconds, 0);
  const weighted = samples.map((sample) => ({ sample, weight: sample.seconds / seconds }));
  return {
    at: last.at,
    seconds,
    isHistory: last.isHistory,
    total: addFigures(weighted.map(({ sample, weight }) => ({ figures: sample.total, weight }))),
    nodes: last.nodes.map((node) => {
      const parts = weighted.flatMap(({ sample, weight }) =>
        sample.nodes.filter((other) => other.node === node.node).map((figures) => ({ figures, weight })),
      );
      return { ...node, ...addFigures(parts) };
    }),
    buckets: addBuckets(weighted.map(({ sample, weight }) => ({ buckets: sample.buckets, weight }))),
    hotFiles: last.hotFiles,
  };
}

function toNodeActivity({ node, state, load, activity }: NodeSample): NodeActivity {
  return {
    node,
    state: toNodeState(state),
    isHeard: activity !== undefined,
    load: load && toLoadInfo(load),
    ...figuresOf(activity),
  };
}

function figuresOf(activity: Activity | undefined): ActivityFigures {
  const seconds = secondsOf(activity);
  const kinds = kindsFrom((kind) => operationsOf(activity, wireKinds[kind]));
  const { chunkBytesRead = 0, chunkBytesWritten = 0, buckets = [] } = activity ?? {};
  return {
    ...addOperations(Object.values(kinds).map((figures) => ({ figures, weight: 1 }))),
    kinds,
    bytesReadPerSecond: buckets.reduce((sum, { bytesRead }) => sum + bytesRead, chunkBytesRead) / seconds,
    bytesWrittenPerSecond: buckets.reduce((sum, { bytesWritten }) => sum + bytesWritten, chunkBytesWritten) / seconds,
  };
}

function operationsOf(activity: Activity | undefined, kind: WireKind): OperationFigures {
  const seconds = secondsOf(activity);
  const {
    answered = 0,
    failed = 0,
    refused = 0,
    latencyCounts = [],
  } = activity?.operations.find((each) => each.kind === kind) ?? {};
  return {
    answered,
    failed,
    refused,
    operationsPerSecond: (answered + failed + refused) / seconds,
    errorsPerSecond: failed / seconds,
    refusalsPerSecond: refused / seconds,
    latency: latencyOf(latencyCounts),
    latencyCounts,
  };
}

/** A node that does not say how long it counted has counted for a second. */
function secondsOf(activity: Activity | undefined): number {
  return (activity?.spanMs || 1000) / 1000;
}

interface Weighted<Figures> {
  readonly figures: Figures;
  /** What part of the whole time the rates are from. */
  readonly weight: number;
}

function addFigures(parts: readonly Weighted<ActivityFigures>[]): ActivityFigures {
  return {
    ...addOperations(parts),
    kinds: kindsFrom((kind) =>
      addOperations(parts.map(({ figures, weight }) => ({ figures: figures.kinds[kind], weight }))),
    ),
    bytesReadPerSecond: rate(parts, ({ bytesReadPerSecond }) => bytesReadPerSecond),
    bytesWrittenPerSecond: rate(parts, ({ bytesWrittenPerSecond }) => bytesWrittenPerSecond),
  };
}

function addOperations(parts: readonly Weighted<OperationFigures>[]): OperationFigures {
  const latencyCounts: number[] = [];
  for (const { figures } of parts) addLatencies(latencyCounts, figures.latencyCounts);
  return {
    answered: total(parts, ({ answered }) => answered),
    failed: total(parts, ({ failed }) => failed),
    refused: total(parts, ({ refused }) => refused),
    operationsPerSecond: rate(parts, ({ operationsPerSecond }) => operationsPerSecond),
    errorsPerSecond: rate(parts, ({ errorsPerSecond }) => errorsPerSecond),
    refusalsPerSecond: rate(parts, ({ refusalsPerSecond }) => refusalsPerSecond),
    latency: latencyOf(latencyCounts),
    latencyCounts,
  };
}

function latencyOf(counts: readonly number[]): LatencyFigures | undefined {
  const p50Ms = latencyPercentile(counts, 0.5);
  const p90Ms = latencyPercentile(counts, 0.9);
  const p99Ms = latencyPercentile(counts, 0.99);
  const p999Ms = latencyPercentile(counts, 0.999);
  if (p50Ms === undefined || p90Ms === undefined || p99Ms === undefined || p999Ms === undefined) return undefined;
  return { p50Ms, p90Ms, p99Ms, p999Ms };
}

function bucketsOf(activity: Activity | undefined): readonly BucketActivity[] {
  const seconds = secondsOf(activity);
  return (activity?.buckets ?? []).map(({ bucket, reads, writes, lists, failed, bytesRead, bytesWritten }) => ({
    bucket,
    reads,
    writes,
    lists,
    failed,
    readsPerSecond: reads / seconds,
    writesPerSecond: writes / seconds,
    listsPerSecond: lists / seconds,
    errorsPerSecond: failed / seconds,
    bytesReadPerSecond: bytesRead / seconds,
    bytesWrittenPerSecond: bytesWritten / seconds,
  }));
}

function addBuckets(
  sources: readonly { readonly buckets: readonly BucketActivity[]; readonly weight: number }[],
): readonly BucketActivity[] {
  const byName = new Map<string, Weighted<BucketActivity>[]>();
  for (const { buckets, weight } of sources) {
    for (const figures of buckets) {
      const parts = byName.get(figures.bucket) ?? [];
      byName.set(figures.bucket, parts);
      parts.push({ figures, weight });
    }
  }
  return [...byName]
    .map(([bucket, parts]) => ({
      bucket,
      reads: total(parts, ({ reads }) => reads),
      writes: total(parts, ({ writes }) => writes),
      lists: total(parts, ({ lists }) => lists),
      failed: total(parts, ({ failed }) => failed),
      readsPerSecond: rate(parts, ({ readsPerSecond }) => readsPerSecond),
      writesPerSecond: rate(parts, ({ writesPerSecond }) => writesPerSecond),
      listsPerSecond: rate(parts, ({ listsPerSecond }) => listsPerSecond),
      errorsPerSecond: rate(parts, ({ errorsPerSecond }) => errorsPerSecond),
      bytesReadPerSecond: rate(parts, ({ bytesReadPerSecond }) => bytesReadPerSecond),
      bytesWrittenPerSecond: rate(parts, ({ bytesWrittenPerSecond }) => bytesWrittenPerSecond),
    }))
    .sort((a, b) => bucketRate(b) - bucketRate(a) || (a.bucket < b.bucket ? -1 : 1));
}

function bucketRate({ readsPerSecond, writesPerSecond, listsPerSecond }: BucketActivity): number {
  return readsPerSecond + writesPerSecond + listsPerSecond;
}

/** Several nodes may coordinate one file. */
function addHotFiles(
  files: readonly { bucket: string; path: string; readsPerSecond: number; writesPerSecond: number }[],
): readonly HotFile[] {
  const byName = new Map<string, HotFile>();
  for (const { bucket, path, readsPerSecond, writesPerSecond } of files) {
    const name = `${bucket}/${path}`;
    const { readsPerSecond: reads = 0, writesPerSecond: writes = 0 } = byName.get(name) ?? {};
    byName.set(name, {
      name,
      bucket,
      path,
      readsPerSecond: reads + readsPerSecond,
      writesPerSecond: writes + writesPerSecond,
    });
  }
  return [...byName.values()].sort((a, b) => fileRate(b) - fileRate(a) || (a.name < b.name ? -1 : 1));
}

function fileRate({ readsPerSecond, writesPerSecond }: HotFile): number {
  return readsPerSecond + writesPerSecond;
}

function kindsFrom(figures: (kind: OperationKind) => OperationFigures): ActivityFigures["kinds"] {
  return {
    get: figures("get"),
    stat: figures("stat"),
    put: figures("put"),
    delete: figures("delete"),
    list: figures("list"),
  };
}

function total<Figures>(parts: readonly Weighted<Figures>[], read: (figures: Figures) => number): number {
  return parts.reduce((sum, { figures }) => sum + read(figures), 0);
}

function rate<Figures>(parts: readonly Weighted<Figures>[], read: (figures: Figures) => number): number {
  return parts.reduce((sum, { figures, weight }) => sum + weight * read(figures), 0);
}
