import { describe, expect, it } from "@jest/globals";
import { ahead } from "../../src/cli/ahead.js";
import { durationText, progressLine } from "../../src/cli/progress-line.js";
import { TransferMeter } from "../../src/cli/transfer-meter.js";
import { VirtualClock } from "../fakes/virtual-clock.js";

const mebibyte = 1024 * 1024;

describe("ahead", () => {
  async function* count(to: number, seen: number[]): AsyncGenerator<number> {
    for (let at = 0; at < to; at += 1) {
      seen.push(at);
      yield at;
    }
  }

  it("hands on everything, in order", async () => {
    const taken: number[] = [];
    for await (const item of ahead(count(100, []), 7)) taken.push(item);
    expect(taken).toEqual(Array.from({ length: 100 }, (_, at) => at));
  });

  it("runs ahead as far as it may, and no farther", async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const items = ahead(count(100, seen), 7);
    await items.next();
    await clock.quiet();
    expect(seen.length).toBeGreaterThanOrEqual(7);
    expect(seen.length).toBeLessThanOrEqual(9);
    await items.return();
  });

  it("hands on what came before a failure, then the failure", async () => {
    const failing = async function* (): AsyncGenerator<number> {
      yield 1;
      throw new Error("the disk has gone");
    };
    const taken: number[] = [];
    const take = async (): Promise<void> => {
      for await (const item of ahead(failing(), 7)) taken.push(item);
    };
    await expect(take()).rejects.toThrow("the disk has gone");
    expect(taken).toEqual([1]);
  });

  it("left early: the source is left, too", async () => {
    let left = false;
    const endless = async function* (): AsyncGenerator<number> {
      try {
        for (let at = 0; ; at += 1) yield at;
      } finally {
        left = true;
      }
    };
    for await (const item of ahead(endless(), 7)) if (item === 3) break;
    expect(left).toBe(true);
  });
});

describe("transfer meter", () => {
  it("rate over the last seconds; what had been sent before does not count", async () => {
    const clock = new VirtualClock();
    const meter = new TransferMeter(clock);
    meter.expect(100 * mebibyte);
    meter.found();
    const file = meter.begin(100 * mebibyte);
    file.progress({ bytes: 40 * mebibyte, resumedBytes: 40 * mebibyte });
    for (let second = 1; second <= 4; second += 1) {
      await clock.advance(1000);
      file.progress({ bytes: (40 + 10 * second) * mebibyte, resumedBytes: 40 * mebibyte });
      meter.read();
    }
    expect(meter.read()).toMatchObject({
      bytes: 80 * mebibyte,
      bytesTotal: 100 * mebibyte,
      bytesPerSecond: 10 * mebibyte,
      secondsLeft: 2,
      files: 0,
      filesTotal: 1,
    });
    await clock.advance(60_000);
    expect(meter.read().bytesPerSecond).toBeLessThan(mebibyte);
  });

  it("learns a size with the first progress, and forgets what failed", () => {
    const meter = new TransferMeter(new VirtualClock());
    meter.expect(undefined);
    meter.expect(1000);
    meter.found();
    expect(meter.read()).toMatchObject({ bytesTotal: 1000, isTotalOpen: true, secondsLeft: undefined });
    const [unknown, known] = [meter.begin(undefined), meter.begin(1000)];
    unknown.progress({ bytes: 10, totalBytes: 500 });
    expect(meter.read()).toMatchObject({ bytesTotal: 1500, isTotalOpen: false });
    known.progress({ bytes: 100 });
    known.end();
    expect(meter.read()).toMatchObject({ bytesTotal: 600, files: 1 });
  });
});

describe("progress line", () => {
  const reading = {
    files: 3,
    filesTotal: 8,
    bytes: 512 * mebibyte,
    bytesTotal: 1024 * mebibyte,
    isTotalOpen: false,
    bytesPerSecond: 64 * mebibyte,
    secondsLeft: 8,
  };

  it.each([
    [{}, 200, `${"█".repeat(15)}${"░".repeat(15)}  512 MiB of 1 GiB  64 MiB/s  8 s left  3 of 8 files`],
    [{}, 57, "512 MiB of 1 GiB  64 MiB/s  8 s left  3 of 8 files"],
    [{}, 20, "512 MiB of 1 GiB  6"],
    [{ isTotalOpen: true, secondsLeft: undefined }, 200, "512 MiB of at least 1 GiB  64 MiB/s  3 of at least 8 files"],
    [{ isTotalOpen: true, secondsLeft: undefined, bytesTotal: reading.bytes, filesTotal: 1 }, 200, "512 MiB  64 MiB/s"],
  ])("%j in %d columns", (change, columns, expected) => {
    expect(progressLine({ ...reading, ...change }, columns)).toBe(expected);
  });

  it.each([
    [0.2, "1 s"],
    [59, "59 s"],
    [200, "3 min 20 s"],
    [7500, "2 h 5 min"],
    [13 * 86_400 + 4 * 3600, "13 days 4 h"],
  ])("%d s: %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
