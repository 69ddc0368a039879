import { afterEach, describe, expect, test } from "@jest/globals";
import { silentLog } from "@quorumfs/runtime";
import type { ScrubWalk, WalkStep } from "../../src/upkeep/scrub-walk.js";
import { bytesPerSecondFloor, bytesPerSecondMin, Scrub } from "../../src/upkeep/scrub.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { settle, StepClock } from "../support/step-clock.js";

const mebibyte = 1024 * 1024;
const dayMs = 86_400_000;

/** Things of equal size, of which it is noted which were checked, and when. */
class FakeWalk implements ScrubWalk {
  readonly checked: { readonly item: number; readonly atMs: number }[] = [];
  readonly #clock: StepClock;
  readonly #itemBytes: number;
  items: number;
  failures = 0;
  /** What a step waits for. */
  gate: Promise<void> = Promise.resolve();

  constructor(clock: StepClock, options: { readonly items: number; readonly itemBytes?: number }) {
    this.#clock = clock;
    this.items = options.items;
    this.#itemBytes = options.itemBytes ?? mebibyte;
  }

  get order(): readonly number[] {
    return this.checked.map(({ item }) => item);
  }

  bytes(): number {
    return this.items * this.#itemBytes;
  }

  async step(after: Uint8Array): Promise<WalkStep> {
    const item = after[0] ?? 0;
    await this.gate;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error("the disk does not answer just now");
    }
    if (item >= this.items) return { records: 0, chunks: 0, bytes: 0, after: undefined };
    this.checked.push({ item, atMs: this.#clock.nowMs() });
    return { records: 1, chunks: 0, bytes: this.#itemBytes, after: Uint8Array.of(item + 1) };
  }
}

interface Subject {
  readonly scrub: Scrub;
  readonly walk: FakeWalk;
  readonly clock: StepClock;
  readonly disk: MemoryDisk;
  readonly completed: number[];
}

const opened: Scrub[] = [];
afterEach(async () => {
  for (const scrub of opened.splice(0)) await scrub.close();
});

function open(
  options: {
    readonly items?: number;
    readonly itemBytes?: number;
    readonly clock?: StepClock;
    readonly disk?: MemoryDisk;
    readonly walk?: FakeWalk;
    readonly periodMs?: number;
    readonly isBusy?: () => boolean;
    readonly isCongested?: () => boolean;
  } = {},
): Subject {
  const { clock = new StepClock(), disk = new MemoryDisk(), periodMs = 14 * dayMs, isBusy = () => false } = options;
  const { items = 10, itemBytes = mebibyte, walk = new FakeWalk(clock, { items, itemBytes }) } = options;
  const { isCongested = () => false } = options;
  const completed: number[] = [];
  const onCompleted = () => completed.push(clock.nowMs());
  const ports = { disk, clock, log: silentLog };
  const scrub = new Scrub({ walks: [walk], ...ports, periodMs, isBusy, isCongested, onCompleted });
  opened.push(scrub);
  scrub.resume();
  return { scrub, walk, clock, disk, completed };
}

const slowly = { bytesPerSecond: mebibyte, restart: false };
const byPeriod = { bytesPerSecond: 0, restart: false };

describe("scrub: when a pass begins", () => {
  test("a store that holds something and was never looked at: at once", async () => {
    const { walk, clock, scrub } = open();
    await clock.pass(60_000);
    expect(walk.order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(scrub.report).toMatchObject({
      state: "idle",
      progress: { records: 10, bytes: 10 * mebibyte, bytesTotal: 10 * mebibyte },
    });
  });

  test("an empty store: a period after it was made, and each period again", async () => {
    const { walk, clock, scrub } = open({ items: 0, periodMs: dayMs });
    await clock.pass(0.9 * dayMs);
    expect(scrub.report.progress.startedAtMs).toBe(0);
    walk.items = 2;
    await clock.pass(0.2 * dayMs);
    expect(walk.order).toEqual([0, 1]);
    await clock.pass(dayMs);
    expect(walk.order).toEqual([0, 1, 0, 1]);
  });

  test("the period counts over restarts", async () => {
    const clock = new StepClock();
    const disk = new MemoryDisk();
    const first = open({ items: 0, periodMs: dayMs, clock, disk });
    await clock.pass(0.6 * dayMs);
    await first.scrub.close();
    const second = open({ items: 3, periodMs: dayMs, clock, disk });
    await clock.pass(0.3 * dayMs);
    expect(second.walk.order).toEqual([]);
    await clock.pass(0.2 * dayMs);
    expect(second.walk.order).toEqual([0, 1, 2]);
  });

  test("period 0: none by itself, but one on request", async () => {
    const { walk, clock, scrub } = open({ periodMs: 0 });
    await clock.pass(100 * dayMs);
    expect(walk.order).toEqual([]);
    await scrub.start(byPeriod);
    await clock.pass(60_000);
    expect(walk.order).toHaveLength(10);
  });

  test("an idle scrub looks at the clock once an hour at most", async () => {
    const { clock, scrub } = open({ items: 0 });
    await settle();
    expect(clock.timers).toBe(1);
    await scrub.pause();
    expect(clock.timers).toBe(0);
  });
});

describe("scrub: rate", () => {
  test("as asked for, to within a step", async () => {
    const { walk, clock, scrub } = open({ items: 100, periodMs: 0 });
    await scrub.start({ bytesPerSecond: 4 * mebibyte, restart: false });
    await clock.pass(10_000);
    expect(walk.checked.length).toBeGreaterThanOrEqual(40);
    expect(walk.checked.length).toBeLessThanOrEqual(41);
  });

  test("small things at a high rate: waits are saved up, not left out", async () => {
    const { walk, clock, scrub } = open({ items: 200, itemBytes: 1024, periodMs: 0 });
    await scrub.start({ bytesPerSecond: 100 * 1024, restart: false });
    await clock.pass(1000);
    expect(walk.checked.length).toBeGreaterThanOrEqual(99);
    expect(walk.checked.length).toBeLessThanOrEqual(103);
  });

  test("by default a pass takes the period, but no less than a floor is read", async () => {
    const itemBytes = 1024 ** 4;
    const { walk, clock, scrub } = open({ items: 14, itemBytes, periodMs: 14 * dayMs });
    await settle();
    expect(scrub.report.bytesPerSecond).toBe(Math.ceil((14 * itemBytes) / (14 * 86_400)));
    await clock.pass(6.5 * dayMs);
    expect(walk.checked).toHaveLength(7);
    expect(open({ items: 1 }).scrub.report.bytesPerSecond).toBe(bytesPerSecondFloor);
  });

  test("a rate that was asked for is that of one pass", async () => {
    const { clock, scrub } = open({ periodMs: dayMs });
    await scrub.start({ bytesPerSecond: 100 * mebibyte, restart: true });
    expect(scrub.report.bytesPerSecond).toBe(100 * mebibyte);
    await clock.pass(1.5 * dayMs);
    expect(scrub.report.bytesPerSecond).toBe(bytesPerSecondFloor);
  });

  test("clients need the node: slower, and not for ever", async () => {
    let busy = true;
    const { walk, clock, scrub } = open({ items: 100, periodMs: 0, isBusy: () => busy });
    await scrub.start(slowly);
    await clock.pass(25_000);
    expect(walk.checked.length).toBeGreaterThanOrEqual(5);
    expect(walk.checked.length).toBeLessThanOrEqual(6);
    busy = false;
    await clock.pass(10_000);
    expect(walk.checked.length).toBeGreaterThanOrEqual(15);
  });
});

test("more is damaged than can be remembered: the pass waits until some of it is repaired", async () => {
  let congested = false;
  const { walk, clock } = open({ isCongested: () => congested });
  await clock.pass(3500);
  congested = true;
  await clock.pass(3_600_000);
  expect(walk.order).toEqual([0, 1, 2, 3]);
  congested = false;
  await clock.pass(60_000);
  expect(walk.order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

describe("scrub: pause and restart", () => {
  test("a pass goes on where the process before has ended", async () => {
    const clock = new StepClock();
    const disk = new MemoryDisk();
    const first = open({ clock, disk });
    await first.scrub.start(slowly);
    await clock.pass(3500);
    await first.scrub.close();
    const second = open({ clock, disk });
    await clock.pass(60_000);
    expect([...first.walk.order, ...second.walk.order]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(second.scrub.report.progress).toMatchObject({ records: 10, bytes: 10 * mebibyte, isUnderWay: false });
  });

  test("a crash costs a few seconds of reading", async () => {
    const clock = new StepClock();
    const first = open({ items: 60, clock });
    await first.scrub.start(slowly);
    await clock.pass(30_500);
    const second = open({ items: 60, clock, disk: first.disk.crash() });
    await settle();
    expect(second.walk.order[0]).toBeGreaterThanOrEqual(25);
  });

  test("few commits, however small the steps", async () => {
    const { clock, disk, scrub } = open({ items: 250, itemBytes: 16 * 1024, periodMs: 0 });
    await scrub.start({ bytesPerSecond: 128 * 1024, restart: false });
    const before = disk.commits;
    await clock.pass(30_000);
    expect(disk.commits - before).toBeLessThanOrEqual(7);
  });

  test("paused: nothing is read, also after a restart, until it is started", async () => {
    const clock = new StepClock();
    const disk = new MemoryDisk();
    const first = open({ clock, disk });
    await clock.pass(3500);
    expect(await first.scrub.pause()).toMatchObject({ state: "paused" });
    const before = first.walk.order.length;
    await clock.pass(60_000);
    expect(first.walk.order).toHaveLength(before);

    const second = open({ clock, disk: disk.crash() });
    await clock.pass(5 * dayMs);
    expect(second.walk.order).toEqual([]);
    expect(second.scrub.report).toMatchObject({ state: "paused", progress: { records: before } });
    await second.scrub.start(byPeriod);
    await clock.pass(60_000);
    expect([...first.walk.order, ...second.walk.order]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("pause and start may be repeated", async () => {
    const { clock, scrub, walk } = open();
    await clock.pass(2500);
    expect(await Promise.all([scrub.pause(), scrub.pause()])).toMatchObject([{ state: "paused" }, { state: "paused" }]);
    await Promise.all([scrub.start(slowly), scrub.start(slowly), scrub.start(slowly)]);
    expect(scrub.report.state).toBe("running");
    await clock.pass(60_000);
    expect(walk.order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("restart: from the beginning, with fresh counts", async () => {
    const { clock, scrub, walk } = open();
    await clock.pass(2500);
    const { progress } = await scrub.start({ bytesPerSecond: 0, restart: true });
    expect(progress.records).toBeLessThanOrEqual(1);
    await clock.pass(60_000);
    expect(walk.order).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test.each([
    ["one flipped bit is put right, and the pass goes on", 1, [7, 8, 9]],
    ["what is worse is forgotten, and the pass begins anew", 3, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])("a progress that is damaged: %s", async (_what, bytes, order) => {
    const clock = new StepClock();
    const disk = new MemoryDisk();
    const first = open({ clock, disk });
    await clock.pass(6500);
    await first.scrub.close();
    const table = disk.table("upkeep");
    const [row] = table.rows;
    if (!row) throw new Error("no progress was stored");
    for (let at = 20; at < 20 + bytes; at += 1) row.value[at] = (row.value[at] ?? 0) ^ 1;
    const second = open({ clock, disk });
    await clock.pass(60_000);
    expect(second.walk.order).toEqual(order);
  });
});

test.each([1, bytesPerSecondMin - 1, 0.5, -1, Number.NaN])("a rate of %p is refused", async (bytesPerSecond) => {
  const { scrub } = open();
  await expect(scrub.start({ bytesPerSecond, restart: false })).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a step that fails is tried again later, and nothing is left out", async () => {
  const { walk, clock, completed } = open({ items: 3 });
  walk.failures = 2;
  await clock.pass(30_000);
  expect(walk.order).toEqual([]);
  await clock.pass(200_000);
  expect(walk.order).toEqual([0, 1, 2]);
  expect(completed).toHaveLength(1);
});

test("the end of a pass is told once", async () => {
  const { clock, completed } = open();
  await clock.pass(dayMs);
  expect(completed).toHaveLength(1);
});

test("closed in the middle of a step: waits for it, for it uses the disk", async () => {
  const { walk, clock, scrub } = open();
  await clock.pass(1500);
  let release: () => void = () => undefined;
  walk.gate = new Promise((resolve) => (release = resolve));
  await clock.pass(1000);
  let isClosed = false;
  const closing = scrub.close().then(() => (isClosed = true));
  await settle();
  expect(isClosed).toBe(false);
  release();
  await closing;
  expect(walk.order).toEqual([0, 1, 2]);
});
