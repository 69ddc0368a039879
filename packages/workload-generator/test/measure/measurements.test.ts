import { describe, expect, test } from "@jest/globals";
import { Measurements, type Sample } from "../../src/measure/measurements.js";
import { commonPauses, longestPause } from "../../src/measure/pauses.js";
import { summarize } from "../../src/measure/latency.js";

function sample(endedAt: number, latencyMs: number, changed: Partial<Sample> = {}): Sample {
  return { kind: "get", startedAt: endedAt - latencyMs, endedAt, ending: "ok", bytes: 10, ...changed };
}

describe("measurements", () => {
  test("percentiles are those of what was recorded", () => {
    const measured = new Measurements(1000);
    for (let index = 1; index <= 1000; index += 1) measured.record(sample(1000 + index, index));
    const latency = measured.kinds.get("get")?.latency;
    if (!latency) throw new Error("nothing recorded");
    const { count, p50Ms, p99Ms, maxMs, minMs, meanMs } = summarize(latency);
    expect(count).toBe(1000);
    expect([p50Ms, p99Ms, maxMs].map(Math.round)).toEqual([500, 990, 1000]);
    expect(minMs).toBe(1);
    expect(meanMs).toBeCloseTo(500.5, 0);
    expect(measured.endedMs).toBe(1000);
  });

  test("failures count by code, and their latencies not at all", () => {
    const measured = new Measurements(0);
    measured.record(sample(5, 5));
    measured.record(sample(9000, 8000, { ending: { code: "unavailable", message: "first" } }));
    measured.record(sample(9001, 8000, { ending: { code: "unavailable", message: "second" } }));
    measured.record(sample(9002, 1, { ending: "missed" }));
    expect(measured.errors).toEqual(new Map([["unavailable", { count: 2, example: "first" }]]));
    expect(measured.kinds.get("get")).toMatchObject({ missed: 1, failed: 2 });
    expect(measured.kinds.get("get")?.latency.totalCount).toBe(2);
  });

  test("parts of several processes are one whole", () => {
    const parts = [new Measurements(500), new Measurements(500)];
    parts.forEach((part, index) => {
      for (let at = 1; at <= 400; at += 1) part.record(sample(500 + at * 2 + index, 2, { intendedAt: 490 }));
      part.record(sample(1400, 1, { kind: "put", ending: { code: "corrupt", message: "bits" } }));
    });
    const whole = Measurements.merge(parts.map((part) => part.encode()));
    expect(whole.kinds.get("get")?.latency.totalCount).toBe(800);
    expect(whole.kinds.get("get")?.corrected.totalCount).toBe(800);
    expect(whole.answered).toBe(800);
    expect(whole.failed).toBe(2);
    expect(whole.bytes).toBe(8000);
    expect(whole.errors.get("corrupt")).toEqual({ count: 2, example: "bits" });
    const points = whole.series.points(whole.endedMs);
    expect(points.reduce((sum, { reads }) => sum + (reads?.totalCount ?? 0), 0)).toBe(800);
    // Both are silent between the last answer and the failures at the end.
    expect(longestPause(whole.pauses)).toEqual({ fromMs: 801, toMs: 900 });
  });

  test("an hour keeps to 300 points, and loses no operation", () => {
    const measured = new Measurements(0);
    for (let at = 0; at < 3_600_000; at += 1000) measured.record(sample(at + 1, 1));
    const points = measured.series.points(Infinity);
    expect(points.length).toBeLessThanOrEqual(300);
    expect(points.reduce((sum, { reads }) => sum + (reads?.totalCount ?? 0), 0)).toBe(3600);
  });
});

describe("pauses", () => {
  test("of several processes: when all of them paused", () => {
    const first = [
      { fromMs: 0, toMs: 10 },
      { fromMs: 20, toMs: 60 },
    ];
    const second = [
      { fromMs: 5, toMs: 30 },
      { fromMs: 50, toMs: 55 },
    ];
    expect(commonPauses([first, second])).toEqual([
      { fromMs: 5, toMs: 10 },
      { fromMs: 20, toMs: 30 },
      { fromMs: 50, toMs: 55 },
    ]);
    expect(commonPauses([first, []])).toEqual([]);
    expect(commonPauses([first])).toEqual(first);
  });
});
