import { describe, expect, test } from "@jest/globals";
import { byteSteps, decades, isDecade, roundUp, roundUpBytes } from "../../../web/src/charts/scale.js";
import {
  enumerate,
  formatBytes,
  formatDuration,
  formatMs,
  formatPercent,
  formatShort,
  noFigure,
  plural,
} from "../../../web/src/ui/format.js";

describe("figures", () => {
  test.each([
    [0, "0"],
    [0.05, "0.05"],
    [1.25, "1.25"],
    [9.999, "10"],
    [12.34, "12.3"],
    [120, "120"],
    [999.6, "1000"],
    [1234, "1,234"],
    [12_345, "12.3 k"],
    [4_000_000, "4 M"],
  ])("short: %p is %p", (value, text) => expect(formatShort(value)).toBe(text));

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1_572_864, "1.5 MiB"],
    [3 * 2 ** 50, "3 PiB"],
    [5000 * 2 ** 50, "5000 PiB"],
  ])("bytes: %p is %p", (value, text) => expect(formatBytes(value)).toBe(text));

  test.each([
    [undefined, noFigure],
    [0.25, "250 µs"],
    [1.5, "1.5 ms"],
    [2500, "2.5 s"],
  ])("milliseconds: %p is %p", (value, text) => expect(formatMs(value)).toBe(text));

  test.each([
    [850, "850 ms"],
    [4200, "4.2 s"],
    [60_000, "1 min"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [360_000_000, "4 d 4 h"],
  ])("duration: %p is %p", (value, text) => expect(formatDuration(value)).toBe(text));

  test("parts of a whole, counts and lists", () => {
    expect([0, 0.004, 0.5, 1].map(formatPercent)).toEqual(["0 %", "0.4 %", "50 %", "100 %"]);
    expect([plural(1, "node"), plural(2000, "node"), plural(2, "copy", "copies")]).toEqual([
      "1 node",
      "2,000 nodes",
      "2 copies",
    ]);
    expect([enumerate([]), enumerate([1]), enumerate([1, 2]), enumerate([1, 2, 3])]).toEqual([
      "",
      "1",
      "1 and 2",
      "1, 2 and 3",
    ]);
  });
});

describe("ends of axes", () => {
  test.each([
    [0, 1],
    [0.3, 0.3],
    [7, 8],
    [99, 100],
    [101, 150],
    [12_000, 15_000],
  ])("%p fits below %p", (value, end) => expect(roundUp(value)).toBeCloseTo(end, 9));

  test.each([
    [0, 1],
    [1000, 1024],
    [1100, 1536],
    [1600, 2048],
  ])("%p bytes fit below %p", (value, end) => expect(roundUpBytes(value)).toBe(end));

  test("decades hold all values, and are at least one", () => {
    expect(decades(0.3, 42)).toEqual([0.1, 100]);
    expect(decades(1, 1)).toEqual([1, 10]);
    expect([0.001, 0.1, 1, 100].every(isDecade)).toBe(true);
    expect([0.2, 3, 50].some(isDecade)).toBe(false);
    expect(byteSteps.slice(0, 3)).toEqual([1, 2, 4]);
  });
});
