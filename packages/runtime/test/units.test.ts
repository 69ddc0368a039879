import { describe, expect, test } from "@jest/globals";
import { formatBytes, parseBytes, parseDuration, parsePercentage } from "@quorumfs/runtime";

describe("sizes", () => {
  test.each([
    ["0", 0],
    ["4096", 4096],
    ["4KiB", 4096],
    ["4 kib", 4096],
    ["1.5MiB", 1_572_864],
    ["2GB", 2_000_000_000],
    ["1TiB", 2 ** 40],
    ["10b", 10],
  ])("%s is %d bytes", (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each(["", "KiB", "-1", "4 KiBs", "1e3", "9999999TiB", "4K"])("%j: refused", (text) => {
    expect(() => parseBytes(text)).toThrow("is not a size");
  });

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [300 * 1024 + 100, "300 KiB"],
    [5 * 2 ** 40, "5 TiB"],
  ])("%d reads %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe("durations", () => {
  test.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["5min", 300_000],
    ["1h30m", 5_400_000],
    ["2d", 172_800_000],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(["", "30", "s", "1x", "-1s", "1s 2", "1 s"])("%j: refused", (text) => {
    expect(() => parseDuration(text)).toThrow("is not a duration");
  });
});

describe("percentages", () => {
  test.each([
    ["5%", 0.05],
    ["0%", 0],
    ["0.5 %", 0.005],
    ["100%", 1],
  ])("%s is %d", (text, share) => expect(parsePercentage(text)).toBeCloseTo(share, 10));

  test.each(["", "5", "0.05", "-1%", "101%", "%", "5%%"])("%j: refused", (text) => {
    expect(() => parsePercentage(text)).toThrow("is not a percentage");
  });
});
