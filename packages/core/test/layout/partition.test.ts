import { describe, expect, test } from "@jest/globals";
import { bucketId, mix32, partitionCount, partitionOf, partitionOfUtf8 } from "../../src/index.js";

describe("partition of a file", () => {
  // Part of the storage format: if one of these numbers changes, every stored file is looked for in the wrong place.
  test.each([
    [1, "a", 768],
    [1, "b", 966],
    [2, "a", 511],
    [1, "photos/2026/july/beach.jpg", 535],
    [1, "é", 549],
    [1, "日本語", 974],
    [1, "😀", 409],
    [4294967295, "__proto__", 649],
    [7, "a".repeat(1024), 469],
  ])("bucket %i, path %j: %i, for ever", (bucket, path, partition) => {
    expect(partitionOf(bucketId(bucket), path)).toBe(partition);
    const bytes = new TextEncoder().encode(`#${path}`);
    expect(partitionOfUtf8(bucketId(bucket), bytes, { start: 1, partitions: partitionCount })).toBe(partition);
  });

  test.each([
    [0, 0],
    [1, 1364076727],
    [2, 821347078],
    [0xffffffff, 2180083513],
    [0x12345678, 3816608188],
  ])("mix32(%i) is %i, for ever", (value, mixed) => {
    expect(mix32(value)).toBe(mixed);
  });

  // Names as people give them: much alike. The more they differ only in their last characters, the worse for a hash.
  test.each([
    ["numbered", (index: number) => `file-${String(index).padStart(8, "0")}`],
    ["in folders", (index: number) => `photos/${index % 100}/${Math.trunc(index / 100)}.jpg`],
    ["very short", (index: number) => index.toString(36)],
  ])("100,000 files, %s: spread like balls thrown at random", (_, nameOf) => {
    const files = 100_000;
    const counts = new Array<number>(partitionCount).fill(0);
    for (let index = 0; index < files; index += 1) {
      const partition = partitionOf(bucketId(1), nameOf(index));
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    const mean = files / partitionCount;
    const chiSquared = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
    // Its mean is 1023 and its standard deviation 45; five of those are one in millions.
    expect(chiSquared).toBeLessThan(1023 + 5 * 45);
  });

  test("one path in 10,000 buckets is spread as well", () => {
    const counts = new Array<number>(64).fill(0);
    for (let bucket = 1; bucket <= 10_000; bucket += 1) {
      const partition = partitionOf(bucketId(bucket), "readme.md", 64);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(100);
    expect(Math.max(...counts)).toBeLessThan(220);
  });
});
