import { describe, expect, test } from "@jest/globals";
import { errorCodes, latencyPercentile } from "@quorumfs/core";
import { bucketsMeteredMax, OperationMeter, outcomeOf } from "../../src/observe/operation-meter.js";

const get = { kind: "get", bucket: "files", outcome: "answered", ms: 3, bytesRead: 100, bytesWritten: 0 } as const;

describe("operation meter", () => {
  test("counts by kind and outcome; latencies are of those answered", () => {
    const meter = new OperationMeter();
    meter.ended(get);
    meter.ended({ ...get, ms: 5 });
    meter.ended({ ...get, outcome: "failed", ms: 10_000 });
    meter.ended({ ...get, outcome: "refused", ms: 0 });
    const { answered, failed, refused, seconds, latencies } = meter.kind("get");
    expect({ answered, failed, refused, seconds }).toEqual({ answered: 2, failed: 1, refused: 1, seconds: 0.008 });
    expect(latencies.reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(meter.kind("put").answered).toBe(0);
  });

  test("percentiles that are read from its counts are off by less than a tenth", () => {
    const meter = new OperationMeter();
    for (let index = 1; index <= 10_000; index += 1) meter.ended({ ...get, ms: index / 100 });
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const ms = latencyPercentile(meter.kind("get").latencies, share) ?? 0;
      expect(Math.abs(ms / (share * 100) - 1)).toBeLessThan(0.1);
    }
  });

  test("counts by bucket, with bytes", () => {
    const meter = new OperationMeter();
    meter.ended(get);
    meter.ended({ ...get, kind: "put", bucket: "photos", bytesRead: 0, bytesWritten: 7 });
    const [files, photos] = meter.buckets();
    expect([files?.bucket, files?.count("get", "answered"), files?.bytesRead]).toEqual(["files", 1, 100]);
    expect([photos?.bucket, photos?.count("put", "answered"), photos?.bytesWritten]).toEqual(["photos", 1, 7]);
  });

  test("many buckets: the first have a count of their own, the others one for all; room is made for those that are new", () => {
    const meter = new OperationMeter();
    for (let index = 0; index < bucketsMeteredMax + 20; index += 1) meter.ended({ ...get, bucket: `bucket-${index}` });
    const names = (): readonly string[] => Array.from(meter.buckets(), ({ bucket }) => bucket);
    expect(names()).toHaveLength(bucketsMeteredMax + 1);
    expect(names().at(-1)).toBe("_other");
    meter.retain((name) => name === "bucket-7");
    meter.ended({ ...get, bucket: "new" });
    expect(names()).toEqual(["bucket-7", "new", "_other"]);
  });

  test("what no bucket has is counted with the others", () => {
    const meter = new OperationMeter();
    meter.ended({ ...get, bucket: "" });
    expect(Array.from(meter.buckets(), ({ bucket }) => bucket)).toEqual(["_other"]);
  });

  test("each error is an answer, a failure, a refusal, or nobody's business", () => {
    expect(Object.fromEntries(errorCodes.map((code) => [code, outcomeOf(code)]))).toEqual({
      invalid_argument: "answered",
      not_found: "answered",
      precondition_failed: "answered",
      unavailable: "failed",
      resource_exhausted: "refused",
      quorum_unavailable: "failed",
      corrupt: "failed",
      permission_denied: "answered",
      unknown_outcome: "failed",
      cancelled: undefined,
      internal: "failed",
    });
  });
});
