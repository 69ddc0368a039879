import { describe, expect, test } from "@jest/globals";
import { drive } from "../../src/run/drive.js";
import { VirtualClock } from "../virtual-clock.js";

interface Begun {
  readonly operation: number;
  readonly atMs: number;
  readonly intendedAt: number | undefined;
}

function start(options: { count?: number; takesMs: number; concurrency: number; rate?: number; durationMs?: number }) {
  const clock = new VirtualClock();
  const begun: Begun[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  let next = 0;
  const running = drive({
    next: () => (next < (options.count ?? Infinity) ? next++ : undefined),
    perform: async (operation, intendedAt) => {
      begun.push({ operation, atMs: clock.nowMs(), intendedAt });
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      await new Promise<void>((resolve) => clock.after(options.takesMs, resolve));
      underWay -= 1;
    },
    concurrency: options.concurrency,
    ratePerSecond: options.rate,
    durationMs: options.durationMs,
    clock,
  });
  let hasEnded = false;
  void running.ended.then(() => (hasEnded = true));
  return { clock, begun, running, hasEnded: () => hasEnded, mostUnderWay: () => mostUnderWay };
}

describe("closed loop", () => {
  test("keeps as many under way as it may, and ends with the last", async () => {
    const { clock, begun, hasEnded, mostUnderWay } = start({ count: 10, takesMs: 5, concurrency: 4 });
    await clock.advance(14);
    expect(hasEnded()).toBe(false);
    await clock.advance(1);
    expect(hasEnded()).toBe(true);
    expect(mostUnderWay()).toBe(4);
    expect(begun.map(({ atMs }) => atMs)).toEqual([0, 0, 0, 0, 5, 5, 5, 5, 10, 10]);
  });

  test("ends when time is up, after what is under way", async () => {
    const { clock, begun, hasEnded } = start({ takesMs: 10, concurrency: 1, durationMs: 25 });
    await clock.advance(29);
    expect(begun).toHaveLength(3);
    expect(hasEnded()).toBe(false);
    await clock.advance(1);
    expect(hasEnded()).toBe(true);
  });

  test("stop: begins no more", async () => {
    const { clock, begun, running, hasEnded } = start({ takesMs: 10, concurrency: 2 });
    await clock.advance(5);
    running.stop();
    running.stop();
    await clock.advance(5);
    expect(hasEnded()).toBe(true);
    expect(begun).toHaveLength(2);
  });

  test("nothing to do: ends at once", async () => {
    const { clock, hasEnded } = start({ count: 0, takesMs: 1, concurrency: 1 });
    await clock.advance(0);
    expect(hasEnded()).toBe(true);
  });
});

describe("open loop", () => {
  test("starts each when it is due, whatever became of the others", async () => {
    const { clock, begun } = start({ count: 4, takesMs: 100, concurrency: 10, rate: 100 });
    await clock.advance(100);
    expect(begun.map(({ atMs }) => atMs)).toEqual([0, 10, 20, 30]);
  });

  test("one that must wait for others knows when it should have started", async () => {
    const { clock, begun } = start({ count: 3, takesMs: 50, concurrency: 1, rate: 100 });
    await clock.advance(150);
    expect(begun).toEqual([
      { operation: 0, atMs: 0, intendedAt: 0 },
      { operation: 1, atMs: 50, intendedAt: 10 },
      { operation: 2, atMs: 100, intendedAt: 20 },
    ]);
  });

  test("operations that end at once let the process do other things between them", async () => {
    const clock = new VirtualClock();
    let ended = 0;
    const running = drive({
      // An end, so that what is wrong here fails instead of running forever.
      next: () => (ended < 10_000 ? ended : undefined),
      perform: () => {
        ended += 1;
        return Promise.resolve();
      },
      concurrency: 5_000,
      ratePerSecond: Infinity,
      durationMs: undefined,
      clock,
    });
    const seen: number[] = [];
    const look = (): void => {
      seen.push(ended);
      if (seen.length < 3) clock.endOfTurn(look);
      else running.stop();
    };
    clock.endOfTurn(look);
    await clock.advance(1);
    await running.ended;
    // Twice what begins in one turn: whoever looks does so when the next has begun.
    expect(seen[0]).toBeLessThanOrEqual(2048);
    expect(seen.at(-1)).toBeGreaterThan(2048);
    expect(ended).toBeLessThan(10_000);
  });

  test("stopped while it waits for the next", async () => {
    const { clock, begun, running, hasEnded } = start({ takesMs: 1, concurrency: 1, rate: 1 });
    await clock.advance(500);
    running.stop();
    await clock.advance(5_000);
    expect(hasEnded()).toBe(true);
    expect(begun).toHaveLength(1);
  });
});
