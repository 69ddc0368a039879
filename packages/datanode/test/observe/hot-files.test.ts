import { describe, expect, test } from "@jest/globals";
import { HotFiles } from "../../src/observe/hot-files.js";

/** Numbers below 2^32 from a seed: what runs in a test can run again. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
}

/** So many seconds of load, one second after the other. */
function run(files: HotFiles, seconds: number, load: (second: number) => void): void {
  for (let second = 0; second < seconds; second += 1) {
    load(second);
    files.fade(1000);
  }
}

describe("hot files", () => {
  test("a steady rate is found, reads apart from writes", () => {
    const files = new HotFiles();
    run(files, 60, () => {
      for (let count = 0; count < 20; count += 1) files.touched("photos", "a/cat", "read");
      for (let count = 0; count < 5; count += 1) files.touched("photos", "a/cat", "write");
    });
    const [hottest] = files.hottest(10);
    expect(hottest).toMatchObject({ bucket: "photos", path: "a/cat" });
    expect(hottest?.readsPerSecond).toBeGreaterThan(16);
    expect(hottest?.readsPerSecond).toBeLessThan(22);
    expect(hottest?.writesPerSecond).toBeGreaterThan(4);
    expect(hottest?.writesPerSecond).toBeLessThan(6);
  });

  test.each([1, 2, 3])("few hot files among a hundred thousand cold ones (seed %d)", (seed) => {
    const files = new HotFiles();
    const next = numbers(seed);
    // One operation in twenty is for the first of them, and so on: the last is near what a sketch of this size can tell.
    const shares = [0.05, 0.04, 0.03];
    run(files, 20, () => {
      for (let count = 0; count < 20_000; count += 1) {
        const chance = (next() % 10_000) / 10_000;
        let sum = 0;
        const hot = shares.findIndex((share) => chance < (sum += share));
        files.touched("files", hot === -1 ? `cold-${next() % 100_000}` : `hot-${hot}`, "read");
      }
    });
    const found = files.hottest(3);
    expect(found.map(({ path }) => path)).toEqual(["hot-0", "hot-1", "hot-2"]);
    for (const [index, { readsPerSecond }] of found.entries()) {
      const actual = 20_000 * (shares[index] ?? 0) * 0.86;
      expect(readsPerSecond).toBeGreaterThan(actual * 0.75);
      expect(readsPerSecond).toBeLessThan(actual * 1.25);
    }
  });

  test("where each file is asked for once none looks hot", () => {
    const files = new HotFiles();
    let index = 0;
    run(files, 30, () => {
      for (let count = 0; count < 5000; count += 1) files.touched("files", `file-${(index += 1)}`, "read");
    });
    expect(files.hottest(1)).toEqual([]);
  });

  test("cools down, and is forgotten", () => {
    const files = new HotFiles();
    for (let count = 0; count < 100; count += 1) files.touched("files", "a", "read");
    files.fade(10_000);
    expect(files.hottest(1)[0]?.readsPerSecond).toBeCloseTo(100 / 10 / Math.E);
    files.fade(600_000);
    expect(files.hottest(1)).toEqual([]);
  });

  test("files of the same path in two buckets are two", () => {
    const files = new HotFiles();
    files.touched("aaa", "x", "read");
    files.touched("bbb", "x", "read");
    expect(files.hottest(10).map(({ bucket }) => bucket)).toEqual(["aaa", "bbb"]);
  });
});
