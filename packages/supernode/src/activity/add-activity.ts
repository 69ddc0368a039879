/** Sums of what DataNodes did. */
import { addLatencies } from "@quorumfs/core";
import type { Activity, BucketActivity, OperationActivity } from "@quorumfs/proto";

/** What one DataNode did in two spans of time, the second after the first. */
export function addActivity(first: Activity | undefined, second: Activity): Activity {
  if (!first) return second;
  return {
    spanMs: first.spanMs + second.spanMs,
    operations: addOperations(first.operations, second.operations),
    buckets: addBuckets(first.buckets, second.buckets),
    // An estimate of now, not of a span.
    hotFiles: second.hotFiles,
    chunkBytesRead: first.chunkBytesRead + second.chunkBytesRead,
    chunkBytesWritten: first.chunkBytesWritten + second.chunkBytesWritten,
  };
}

function addOperations(a: readonly OperationActivity[], b: readonly OperationActivity[]): OperationActivity[] {
  const sums = new Map(a.map((one) => [one.kind, one]));
  for (const one of b) {
    const sum = sums.get(one.kind);
    const latencyCounts = [...(sum?.latencyCounts ?? [])];
    addLatencies(latencyCounts, one.latencyCounts);
    sums.set(one.kind, {
      kind: one.kind,
      answered: one.answered + (sum?.answered ?? 0),
      failed: one.failed + (sum?.failed ?? 0),
      refused: one.refused + (sum?.refused ?? 0),
      latencyCounts,
    });
  }
  return [...sums.values()].sort((x, y) => x.kind - y.kind);
}

function addBuckets(a: readonly BucketActivity[], b: readonly BucketActivity[]): BucketActivity[] {
  const sums = new Map(a.map((one) => [one.bucket, one]));
  for (const one of b) {
    const sum = sums.get(one.bucket);
    sums.set(one.bucket, {
      bucket: one.bucket,
      reads: one.reads + (sum?.reads ?? 0),
      writes: one.writes + (sum?.writes ?? 0),
      lists: one.lists + (sum?.lists ?? 0),
      failed: one.failed + (sum?.failed ?? 0),
      bytesRead: one.bytesRead + (sum?.bytesRead ?? 0),
      bytesWritten: one.bytesWritten + (sum?.bytesWritten ?? 0),
    });
  }
  return [...sums.values()];
}
