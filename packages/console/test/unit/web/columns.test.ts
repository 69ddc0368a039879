import { describe, expect, test } from "@jest/globals";
import type { LiveSample } from "../../../src/api.js";
import { toColumns } from "../../../web/src/charts/columns.js";

const traffic = {
  answeredPerSecond: 0,
  errorsPerSecond: 0,
  refusedPerSecond: 0,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
};

const sampleAt = (atMs: number): LiveSample => ({
  atMs,
  total: { ...traffic, answeredPerSecond: atMs / 1000 },
  kinds: {},
  bytesReadPerSecond: 0,
  bytesWrittenPerSecond: 0,
  nodes: [],
});

describe("columns of a chart", () => {
  test("a time and a value for each second", () => {
    expect(toColumns([sampleAt(1000), sampleAt(2000)], [({ total }) => total.answeredPerSecond])).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test("no line across seconds of which nothing is known", () => {
    const [times, values] = toColumns([sampleAt(1000), sampleAt(9000)], [({ total }) => total.answeredPerSecond]);
    expect(times).toEqual([1, 1.001, 9]);
    expect(values).toEqual([1, null, 9]);
  });

  test("nothing known: empty columns", () => {
    expect(toColumns([], [() => 1, () => 2])).toEqual([[], [], []]);
  });
});
