import { describe, expect, test } from "@jest/globals";
import { progressView, readProgress, readResult } from "../../src/workload/workload-output.js";
import { workloadArguments, workloadRequest } from "../../src/workload/workload-request.js";

describe("workload: what may be asked for", () => {
  test("becomes the generator's command line", () => {
    const request = workloadRequest({
      mode: "balanced",
      operations: 100,
      durationSeconds: 5,
      ratePerSecond: 12.5,
      concurrency: 4,
      files: 10,
      size: "4KiB..64KiB",
      distribution: "zipfian",
      bucket: "files",
      verify: true,
    });
    expect(workloadArguments(request, ["127.0.0.1:7000"]).join(" ")).toBe(
      "--mode balanced --ops 100 --duration 5s --rate 12.5 --concurrency 4 --files 10 --size 4KiB..64KiB " +
        "--distribution zipfian --bucket files --verify --endpoint 127.0.0.1:7000 --output json --progress json",
    );
    expect(workloadArguments(workloadRequest({ mode: "read-heavy" }), ["a:1"]).join(" ")).toBe(
      "--mode read-heavy --endpoint a:1 --output json --progress json",
    );
  });

  test.each([
    [{}],
    [{ mode: "wild" }],
    [{ mode: "balanced", operations: 0 }],
    [{ mode: "balanced", operations: 1e12 }],
    [{ mode: "balanced", operations: 1.5 }],
    [{ mode: "balanced", ratePerSecond: -1 }],
    [{ mode: "balanced", concurrency: 1e6 }],
    [{ mode: "balanced", size: "--report=/etc/passwd" }],
    [{ mode: "balanced", size: "1KiB --keep" }],
    [{ mode: "balanced", bucket: "--endpoint" }],
    [{ mode: "balanced", bucket: "../x" }],
    [{ mode: "balanced", endpoint: "elsewhere:1" }],
    [{ mode: "balanced", verify: "yes" }],
    ["balanced"],
    [null],
  ])("refused: %j", (body) => {
    expect(() => workloadRequest(body)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("workload: what the generator says", () => {
  test("progress by operations, by time, and of preparing", () => {
    const line = (phase: string, done: number, elapsedMs: number) =>
      readProgress(JSON.stringify({ phase, done, failed: 0, perSecond: 10.4, elapsedMs }));
    const at = (phase: string, done: number, elapsedMs: number) => {
      const progress = line(phase, done, elapsedMs);
      if (!progress) throw new Error("that was no progress");
      return progress;
    };
    expect(progressView({ mode: "balanced", operations: 100 }, at("running", 25, 0))).toEqual({
      done: 25,
      total: 100,
      failed: 0,
      perSecond: 10,
      fraction: 0.25,
    });
    const timed = progressView({ mode: "balanced", durationSeconds: 10 }, at("running", 25, 5000));
    expect(timed).toMatchObject({ total: null, fraction: 0.5 });
    expect(progressView({ mode: "balanced" }, at("preparing", 500, 0))).toMatchObject({ total: 1000, fraction: 0.5 });
  });

  test.each(["", "{", "[]", "null", '{"phase":"dancing"}', "progress: 5"])("no progress: %s", (line) => {
    expect(readProgress(line)).toBeUndefined();
  });

  test.each(["", "{", "[]", "null", "{}", '{"groups":1}'])("no result: %s", (output) => {
    expect(readResult(output)).toBeUndefined();
  });

  test("figures that are none count as 0", () => {
    expect(readResult('{"groups":[{"name":1,"latency":null}],"errors":{"unavailable":{"count":"x"}}}')).toEqual({
      elapsedMs: 0,
      complete: false,
      bytesPerSecond: 0,
      groups: [{ name: "", operationsPerSecond: 0, count: 0, failed: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 }],
      errors: { unavailable: 0 },
      linearizable: null,
    });
  });
});
