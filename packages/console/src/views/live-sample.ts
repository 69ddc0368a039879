import type { ActivitySample, NodeActivity } from "@quorumfs/client";
import { latencyPercentile } from "@quorumfs/core";
import type { LiveSample, NodeSample, OperationKind, SampledLoad, Traffic } from "../api.js";
import { operationKinds } from "../api-values.js";

type Figures = ActivitySample["total"]["kinds"]["get"];

/** Of the busiest, who did anything. */
const bucketsShown = 20;
const hotFilesShown = 10;

export function liveSample({ at, total, nodes, buckets, hotFiles }: ActivitySample): LiveSample {
  const kinds: { [kind in OperationKind]?: Traffic } = {};
  for (const kind of operationKinds) {
    if (total.kinds[kind].operationsPerSecond > 0) kinds[kind] = traffic(total.kinds[kind]);
  }
  return {
    atMs: at.getTime(),
    total: traffic(total),
    kinds,
    bytesReadPerSecond: Math.round(total.bytesReadPerSecond),
    bytesWrittenPerSecond: Math.round(total.bytesWrittenPerSecond),
    nodes: nodes.map(nodeSample),
    buckets: buckets.slice(0, bucketsShown).map((bucket) => ({
      bucket: bucket.bucket,
      readsPerSecond: short(bucket.readsPerSecond),
      writesPerSecond: short(bucket.writesPerSecond),
      listsPerSecond: short(bucket.listsPerSecond),
      errorsPerSecond: short(bucket.errorsPerSecond),
    })),
    hotFiles: hotFiles.slice(0, hotFilesShown).map(({ bucket, path, readsPerSecond, writesPerSecond }) => ({
      bucket,
      path,
      readsPerSecond: short(readsPerSecond),
      writesPerSecond: short(writesPerSecond),
    })),
  };
}

function nodeSample(activity: NodeActivity): NodeSample {
  const { node, state, isHeard, load } = activity;
  return { node, state, traffic: isHeard ? traffic(activity) : null, load: load ? sampledLoad(load) : null };
}

function traffic(figures: Figures): Traffic {
  const { operationsPerSecond, errorsPerSecond, refusalsPerSecond, latencyCounts } = figures;
  const at = (share: number): number | null => {
    const ms = latencyPercentile(latencyCounts, share);
    return ms === undefined ? null : short(ms);
  };
  return {
    answeredPerSecond: short(Math.max(0, operationsPerSecond - errorsPerSecond - refusalsPerSecond)),
    errorsPerSecond: short(errorsPerSecond),
    refusedPerSecond: short(refusalsPerSecond),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}

export function sampledLoad(load: NonNullable<NodeActivity["load"]>): SampledLoad {
  return {
    eventLoopDelayMs: short(load.eventLoopDelayMs),
    inFlight: load.inFlight,
    cpuFraction: short(load.cpuFraction),
    residentBytes: load.residentBytes,
    diskUsedBytes: load.diskUsedBytes,
    diskFreeBytes: load.diskFreeBytes,
  };
}

/** Four digits are more than a chart shows, and a third of what is written otherwise. */
function short(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}
