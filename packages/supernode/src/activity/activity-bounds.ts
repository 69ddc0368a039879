/** What a DataNode says of its activity is cut to what it should be at most: it is kept, and shown to all who watch. */
import { latencyBuckets, pathBytesMax } from "@quorumfs/core";
import type { Activity } from "@quorumfs/proto";

const kindsMax = 5;
const bucketsMax = 101;
const hotFilesMax = 10;
const nameLengthMax = 64;

export function boundedActivity(activity: Activity): Activity {
  const { operations, buckets, hotFiles } = activity;
  const isBounded =
    operations.length <= kindsMax &&
    buckets.length <= bucketsMax &&
    hotFiles.length <= hotFilesMax &&
    operations.every(({ latencyCounts }) => latencyCounts.length <= latencyBuckets) &&
    buckets.every(({ bucket }) => bucket.length <= nameLengthMax) &&
    hotFiles.every(({ bucket, path }) => bucket.length <= nameLengthMax && path.length <= pathBytesMax);
  return isBounded ? activity : { ...activity, operations: [], buckets: [], hotFiles: [] };
}
