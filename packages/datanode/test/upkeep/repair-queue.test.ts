import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { silentLog } from "@quorumfs/runtime";
import { DamageLedger } from "../../src/upkeep/damage-ledger.js";
import { type RepairOutcome, RepairQueue } from "../../src/upkeep/repair-queue.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { CountingRandom } from "../support/small-cluster.js";
import { settle, StepClock } from "../support/step-clock.js";

let clock: StepClock;
let disk: MemoryDisk;
let ledger: DamageLedger;
/** What was tried, in order. */
let tried: { readonly item: string; readonly atMs: number }[];
let running: number;
let runningMax: number;
let outcomeOf: (item: string, signal: AbortSignal) => RepairOutcome | Promise<RepairOutcome>;
const opened: RepairQueue<string>[] = [];

beforeEach(() => {
  clock = new StepClock();
  disk = new MemoryDisk();
  ledger = new DamageLedger({ disk, log: silentLog });
  tried = [];
  running = runningMax = 0;
  outcomeOf = () => "repaired";
});
afterEach(async () => {
  for (const queue of opened.splice(0)) await queue.close();
});

function open(concurrency = 2): RepairQueue<string> {
  const queue = new RepairQueue<string>({
    kind: "chunk",
    ledger,
    clock,
    random: new CountingRandom(),
    log: silentLog,
    concurrency,
    entriesMax: 400,
    encode: (item) => Buffer.from(item),
    decode: (key) => key.toString(),
    describe: (item) => ({ item }),
    repair: async (item, signal) => {
      tried.push({ item, atMs: clock.nowMs() });
      running += 1;
      runningMax = Math.max(runningMax, running);
      try {
        return await outcomeOf(item, signal);
      } finally {
        running -= 1;
      }
    },
  });
  opened.push(queue);
  return queue;
}

const items = () => tried.map(({ item }) => item);

describe("repair queue", () => {
  test("each thing is repaired and counted once, however often it is met", async () => {
    const queue = open();
    for (const item of ["a", "b", "a", "a", "b"]) queue.add(item);
    await settle();
    expect(items()).toEqual(["a", "b"]);
    expect(ledger.counts).toMatchObject({ chunksDamaged: 2, chunksRepaired: 2 });
    expect(queue.size).toBe(0);
  });

  test("what was repaired may be damaged again", async () => {
    const queue = open();
    queue.add("a");
    await settle();
    queue.add("a");
    await settle();
    expect(ledger.counts).toMatchObject({ chunksDamaged: 2, chunksRepaired: 2 });
  });

  test("nothing is tried before it is counted, durably", async () => {
    const queue = open();
    disk.hold();
    queue.add("a");
    await settle();
    expect(items()).toEqual([]);
    disk.release();
    await settle();
    expect(items()).toEqual(["a"]);
  });

  test("a few at a time", async () => {
    const gates: (() => void)[] = [];
    outcomeOf = () => new Promise((resolve) => gates.push(() => resolve("repaired")));
    const queue = open(2);
    for (const item of ["a", "b", "c", "d", "e"]) queue.add(item);
    for (let round = 0; round < 5; round += 1) {
      await settle();
      gates.shift()?.();
    }
    await settle();
    expect(items()).toEqual(["a", "b", "c", "d", "e"]);
    expect(runningMax).toBe(2);
  });

  test("no good copy: tried at growing intervals, five minutes at most, and no more often", async () => {
    outcomeOf = () => "failed";
    open().add("a");
    await clock.pass(3_600_000);
    const gaps = tried.slice(1).map(({ atMs }, index) => atMs - (tried[index]?.atMs ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(1000);
    expect(gaps[0]).toBeGreaterThanOrEqual(500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(300_000);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(150_000);
    expect(tried.length).toBeLessThan(40);
    expect(ledger.counts).toMatchObject({ chunksDamaged: 1, chunksRepaired: 0 });
  });

  test("an attempt that throws is one that failed", async () => {
    outcomeOf = () => Promise.reject(new Error("no route"));
    const queue = open();
    queue.add("a");
    await settle();
    outcomeOf = () => "repaired";
    await clock.pass(1000);
    expect(ledger.counts).toMatchObject({ chunksDamaged: 1, chunksRepaired: 1 });
    expect(queue.size).toBe(0);
  });

  test("an attempt that hangs is given up, and tried again later", async () => {
    outcomeOf = (_item, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
    const queue = open(1);
    queue.add("a");
    queue.add("b");
    await clock.pass(119_000);
    expect(items()).toEqual(["a"]);
    await clock.pass(2000);
    expect(items()).toEqual(["a", "b"]);
    outcomeOf = () => "repaired";
    await clock.pass(300_000);
    expect(ledger.counts).toMatchObject({ chunksDamaged: 2, chunksRepaired: 2 });
  });

  test("closed in the middle of an attempt: that is given up at once", async () => {
    outcomeOf = (_item, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
    const queue = open();
    queue.add("a");
    await settle();
    await queue.close();
    expect(clock.timers).toBe(0);
    expect([...ledger.pending("chunk", 1)]).toHaveLength(1);
  });

  test("a reason to hope: tried at once", async () => {
    outcomeOf = () => "failed";
    const queue = open();
    queue.add("a");
    await clock.pass(600_000);
    outcomeOf = () => "repaired";
    queue.retryNow();
    await settle();
    expect(ledger.counts.chunksRepaired).toBe(1);
    expect(clock.timers).toBe(0);
  });

  test("what cannot be repaired does not stand in the way of what can", async () => {
    outcomeOf = (item) => (item.startsWith("bad") ? "failed" : "repaired");
    const queue = open(1);
    for (let index = 0; index < 20; index += 1) queue.add(`bad ${index}`);
    queue.add("good");
    await settle();
    expect(ledger.counts.chunksRepaired).toBe(1);
    expect(queue.size).toBe(20);
  });

  test("nobody needs it any more: neither repaired nor tried again", async () => {
    outcomeOf = () => "gone";
    const queue = open();
    queue.add("a");
    await clock.pass(600_000);
    expect(items()).toEqual(["a"]);
    expect(ledger.counts).toMatchObject({ chunksDamaged: 1, chunksRepaired: 0 });
  });

  test("what was not repaired is gone on with after a restart, and not counted again", async () => {
    outcomeOf = () => "failed";
    const first = open();
    first.add("a");
    await settle();
    await first.close();
    disk = disk.crash();
    ledger = new DamageLedger({ disk, log: silentLog });
    outcomeOf = () => "repaired";
    open().resume();
    await settle();
    expect(ledger.counts).toMatchObject({ chunksDamaged: 1, chunksRepaired: 1 });
    expect([...ledger.pending("chunk", 1)]).toEqual([]);
  });

  test("full: the rest is left to the next who meets it", async () => {
    outcomeOf = () => "failed";
    const queue = open();
    for (let index = 0; index < 450; index += 1) queue.add(`item ${index}`);
    expect(queue.size).toBe(400);
    await settle();
    expect(ledger.counts.chunksDamaged).toBe(400);
  });

  test("congested: nearly full, and getting better", async () => {
    const queue = open(1);
    outcomeOf = () => "failed";
    for (let index = 0; index < 200; index += 1) queue.add(`item ${index}`);
    await settle();
    expect(queue.isCongested).toBe(false);
    outcomeOf = (item) => (item === "good" ? "repaired" : "failed");
    queue.add("good");
    await settle();
    expect(queue.isCongested).toBe(true);
    await clock.pass(61_000);
    expect(queue.isCongested).toBe(false);
    outcomeOf = () => "repaired";
    queue.retryNow();
    await clock.pass(1000);
    expect(queue.size).toBe(0);
    expect(queue.isCongested).toBe(false);
  });

  test("closed: nothing is tried any more", async () => {
    outcomeOf = () => "failed";
    const queue = open();
    queue.add("a");
    await settle();
    await queue.close();
    queue.add("b");
    await clock.pass(600_000);
    expect(items()).toEqual(["a"]);
    expect(clock.timers).toBe(0);
  });
});
