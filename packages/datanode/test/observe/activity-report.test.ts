import { beforeEach, describe, expect, test } from "@jest/globals";
import { Activity, OperationKind } from "@quorumfs/proto";
import { ActivityReport } from "../../src/observe/activity-report.js";
import { ChunkTraffic } from "../../src/observe/chunk-traffic.js";
import { HotFiles } from "../../src/observe/hot-files.js";
import { OperationMeter } from "../../src/observe/operation-meter.js";
import { StepClock } from "../support/step-clock.js";

const get = { kind: "get", bucket: "files", outcome: "answered", ms: 3, bytesRead: 100, bytesWritten: 0 } as const;

let clock: StepClock;
let meter: OperationMeter;
let hotFiles: HotFiles;
let chunkTraffic: ChunkTraffic;
let buckets: Set<string>;
let report: ActivityReport;

beforeEach(() => {
  clock = new StepClock();
  meter = new OperationMeter();
  hotFiles = new HotFiles();
  chunkTraffic = new ChunkTraffic();
  buckets = new Set(["files", "photos"]);
  report = new ActivityReport({ meter, hotFiles, chunkTraffic, clock, isBucket: (name) => buckets.has(name) });
});

describe("activity of a beat", () => {
  test("nothing happened: only how long the span was", async () => {
    await clock.pass(500);
    const activity = report.take();
    expect(activity).toEqual(Activity.fromPartial({ spanMs: 500 }));
    expect(Activity.encode(activity).finish().length).toBeLessThanOrEqual(4);
  });

  test("what came since the one before, and no more", async () => {
    meter.ended(get);
    meter.ended({ ...get, kind: "put", bucket: "photos", bytesRead: 0, bytesWritten: 7 });
    chunkTraffic.clients.bytesRead += 4096;
    chunkTraffic.nodes.bytesRead += 9999;
    report.take();
    meter.ended({ ...get, ms: 0.01 });
    meter.ended({ ...get, outcome: "failed" });
    chunkTraffic.clients.bytesRead += 10;
    await clock.pass(500);
    const { operations, buckets: busy, chunkBytesRead } = report.take();
    expect(operations).toEqual([
      { kind: OperationKind.OPERATION_KIND_GET, answered: 1, failed: 1, refused: 0, latencyCounts: [1] },
    ]);
    expect(busy).toEqual([
      { bucket: "files", reads: 1, writes: 0, lists: 0, failed: 1, bytesRead: 200, bytesWritten: 0 },
    ]);
    expect(chunkBytesRead).toBe(10);
    expect(report.take()).toMatchObject({ operations: [], buckets: [], chunkBytesRead: 0 });
  });

  test("what happened while nobody was there to be told is left out", async () => {
    for (let count = 0; count < 1000; count += 1) meter.ended(get);
    await clock.pass(600_000);
    report.skip();
    meter.ended(get);
    await clock.pass(500);
    expect(report.take()).toMatchObject({ spanMs: 500, operations: [{ answered: 1 }] });
  });

  test("hot files: the busiest first, and none that are hardly asked for", async () => {
    for (let count = 0; count < 30; count += 1) hotFiles.touched("files", "busy", "read");
    for (let count = 0; count < 10; count += 1) hotFiles.touched("files", "busier than most", "write");
    hotFiles.touched("files", "once", "read");
    await clock.pass(500);
    expect(report.take().hotFiles.map(({ path }) => path)).toEqual(["busy", "busier than most"]);
  });

  test("a bucket that was deleted and made again begins anew", () => {
    for (let count = 0; count < 5; count += 1) meter.ended(get);
    buckets.delete("files");
    report.take();
    buckets.add("files");
    meter.ended(get);
    expect(report.take().buckets).toMatchObject([{ bucket: "files", reads: 1 }]);
  });

  test("a very busy node: a beat stays below 10 KiB", async () => {
    for (let index = 0; index < 100_000; index += 1) {
      const kind = (["get", "stat", "put", "delete", "list"] as const)[index % 5] ?? "get";
      meter.ended({ ...get, kind, bucket: `bucket-${index % 120}`, ms: 2 ** ((index % 40) / 3) });
      hotFiles.touched("files", `a rather long path of a file/that is asked for/${index % 20}`, "read");
    }
    await clock.pass(500);
    expect(Activity.encode(report.take()).finish().length).toBeLessThan(10_240);
  });
});
