import { beforeEach, describe, expect, test } from "@jest/globals";
import { SyncState, SyncStatus } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { ConditionWatch } from "../../src/observe/condition-watch.js";
import { NoticedEvents } from "../../src/observe/noticed-events.js";
import { OperationMeter } from "../../src/observe/operation-meter.js";
import { StepClock } from "../support/step-clock.js";

let clock: StepClock;
let events: NoticedEvents;
let meter: OperationMeter;
let isFull: boolean;
let sync: SyncStatus;
let watch: ConditionWatch;

beforeEach(() => {
  clock = new StepClock();
  events = new NoticedEvents({ clock, log: silentLog });
  meter = new OperationMeter();
  isFull = false;
  sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_IN_SYNC });
  watch = new ConditionWatch({ events, meter, isFull: () => isFull, sync: () => sync, clock });
  watch.start();
});

/** What was noticed since it was asked for last. */
function told(): readonly string[] {
  const due = events.due();
  events.delivered(due.at(-1)?.sequence ?? 0);
  return due.map(({ kind, message }) => `${kind}: ${message}`);
}

function refuse(count: number): void {
  const refused = { kind: "get", bucket: "files", outcome: "refused", ms: 0, bytesRead: 0, bytesWritten: 0 } as const;
  for (let index = 0; index < count; index += 1) meter.ended(refused);
}

describe("refusals", () => {
  test("a flood of a minute makes one event, and one when it is over", async () => {
    for (let second = 0; second < 60; second += 1) {
      refuse(1000);
      await clock.pass(1000);
    }
    expect(told()).toEqual([
      "overload.refusing: more operations come than can be done: 1000 were refused within a second",
    ]);
    await clock.pass(60_000);
    expect(told()).toEqual(["overload.over: all operations are taken again; 60000 were refused within 60.0 s"]);
  });

  test("with pauses of some seconds it is one, too", async () => {
    for (let round = 0; round < 10; round += 1) {
      refuse(100);
      await clock.pass(10_000);
    }
    expect(told()).toHaveLength(1);
  });

  test("a few refusals now and then are no news", async () => {
    for (let second = 0; second < 100; second += 1) {
      refuse(3);
      await clock.pass(1000);
    }
    expect(told()).toEqual([]);
  });
});

describe("space", () => {
  test("full is told at once, room when it lasts", async () => {
    isFull = true;
    await clock.pass(1000);
    expect(told()).toEqual(["node.full: too little space is left: new content is not taken"]);
    for (let round = 0; round < 10; round += 1) {
      isFull = round % 2 === 0;
      await clock.pass(5000);
    }
    expect(told()).toEqual([]);
    await clock.pass(15_000);
    expect(told()).toEqual(["node.has-room: there is space again: new content is taken"]);
  });
});

describe("damage", () => {
  test("the first is told within a second, a flood after it as a sum", async () => {
    watch.found("record", "a/b of bucket number 1");
    await clock.pass(1000);
    expect(told()).toEqual(["damage.found: a record was found damaged: a/b of bucket number 1"]);
    for (let index = 0; index < 4000; index += 1) {
      watch.found("record", `file-${index}`);
      watch.repaired("record", `file-${index}`);
    }
    await clock.pass(1000);
    expect(told()).toEqual(["damage.repaired: 4000 records were repaired: file-0, and others"]);
    await clock.pass(60_000);
    expect(told()).toEqual(["damage.found: 4000 records were found damaged: file-0, and others"]);
  });

  test("records apart from chunks", async () => {
    watch.found("record", "a");
    watch.found("chunk", "chunk 3 of a");
    await clock.pass(1000);
    expect(told()).toHaveLength(2);
  });
});

describe("repair", () => {
  test("a node that was away: begins, and ends with how much it was", async () => {
    watch.fetching();
    sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_CATCHING_UP, behindRecords: 500, behindBytes: 1e6 });
    await clock.pass(3000);
    watch.fetched(500);
    sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_IN_SYNC });
    await clock.pass(1000);
    expect(told()).toEqual([
      "repair.started: fetches 500 records that other replicas have",
      "repair.completed: holds again all that it should; fetched 500 records in 4.0 s",
    ]);
  });

  test("over before anybody looked: told all the same", async () => {
    watch.fetching();
    watch.fetched(3);
    await clock.pass(1000);
    expect(told().map((text) => text.split(":")[0])).toEqual(["repair.started", "repair.completed"]);
  });

  test("from several replicas, one after the other, with comparisons in between: one repair", async () => {
    for (let replica = 0; replica < 3; replica += 1) {
      sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_CATCHING_UP, behindRecords: 10 });
      watch.fetching();
      await clock.pass(2000);
      watch.fetched(10);
      sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_COMPARING });
      await clock.pass(2000);
    }
    sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_IN_SYNC });
    await clock.pass(1000);
    const messages = told();
    expect(messages).toHaveLength(2);
    expect(messages[1]).toContain("fetched 30 records");
  });

  test("only chunks are lacking: that is a repair, too", async () => {
    sync = SyncStatus.fromPartial({ state: SyncState.SYNC_STATE_CATCHING_UP, behindChunks: 7 });
    await clock.pass(1000);
    expect(told()).toEqual(["repair.started: fetches 0 records and 7 chunks that other replicas have"]);
  });
});

test("closed: nothing is looked at any more", async () => {
  watch.close();
  isFull = true;
  await clock.pass(10_000);
  expect(told()).toEqual([]);
});
