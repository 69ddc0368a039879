import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { type Event, NoticedEvent, Severity } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { MemoryDisk, MemoryPlatter } from "../../../runtime/test/disk/memory-disk.js";
import { EventLog, eventsKept } from "../../src/events/event-log.js";
import { settle, VirtualClock } from "../support/virtual-clock.js";

const all = (): boolean => true;
const node = nodeId(7);

let platter: MemoryPlatter;
let disk: MemoryDisk;
let clock: VirtualClock;
let log: EventLog;

beforeEach(() => {
  platter = new MemoryPlatter();
  clock = new VirtualClock();
  open();
});
afterEach(() => log.close());

function open(): void {
  disk = new MemoryDisk(platter);
  log = new EventLog({ disk, clock, log: silentLog });
}

/** The process is gone, with what it had not written. */
async function crash(): Promise<void> {
  disk.break();
  await log.close();
  open();
}

function kinds(): readonly string[] {
  return log.list({ wanted: all, beforeId: 0, limit: 1000 }).events.map(({ kind }) => kind);
}

function messages(): readonly string[] {
  return log.list({ wanted: all, beforeId: 0, limit: 1000 }).events.map(({ message }) => message);
}

function noticed(first: number, last: number, kind = "damage.found"): NoticedEvent[] {
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const sequence = first + index;
    return NoticedEvent.fromPartial({
      sequence,
      kind,
      message: `number ${sequence}`,
      severity: Severity.SEVERITY_ERROR,
    });
  });
}

describe("own events", () => {
  test("are durable before anybody sees them, and have severity, node and fields", async () => {
    log.notice("node.down", "DataNode 3 is not heard any more", { node: 3, fields: { zone: "b", away_ms: 5 } });
    expect(log.size).toBe(0);
    await settle();
    await crash();
    const [event] = log.list({ wanted: all, beforeId: 0, limit: 10 }).events;
    expect({ ...event, fields: Object.fromEntries(event?.fields ?? []) }).toEqual({
      id: 1,
      atMs: clock.wallMs(),
      kind: "node.down",
      severity: Severity.SEVERITY_ERROR,
      node: 3,
      message: "DataNode 3 is not heard any more",
      fields: { zone: "b", away_ms: "5" },
    });
  });

  test("of one turn go with one commit", async () => {
    const before = platter.commits;
    for (let count = 0; count < 20; count += 1) log.notice("bucket.created", `bucket ${count}`);
    await settle();
    expect(log.size).toBe(20);
    expect(platter.commits).toBe(before + 1);
  });

  test("ids grow over restarts", async () => {
    log.notice("bucket.created", "one");
    await settle();
    await crash();
    log.notice("bucket.created", "two");
    await settle();
    expect(log.list({ wanted: all, beforeId: 0, limit: 10 }).events.map(({ id }) => id)).toEqual([2, 1]);
  });

  test("are written when the log is closed", async () => {
    log.notice("bucket.created", "last");
    await log.close();
    open();
    expect(kinds()).toEqual(["bucket.created"]);
  });

  test("noticed while others are being written: written, too", async () => {
    log.notice("bucket.created", "one");
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.resolve();
      log.notice("bucket.deleted", `in turn ${turn}`);
    }
    await settle();
    expect(log.size).toBe(11);
  });

  test("a flood is cut, and what was left out is told later", async () => {
    for (let count = 0; count < 1000; count += 1) log.notice("node.suspected", `number ${count}`, { node: 3 });
    await settle();
    expect(log.size).toBe(30);
    expect(log.leftOut).toBe(970);
    await clock.advance(300_000);
    expect(messages()[0]).toBe("970 more of these came, and were left out");
    expect(log.size).toBe(31);
  });
});

describe("bounds", () => {
  test("the newest are kept, over a restart, too", async () => {
    // Different nodes, or most would be left out.
    const count = eventsKept + 500;
    for (let index = 0; index < count; index += 1) {
      log.notice("node.joined", `number ${index}`, { node: 1 + index });
      if (index % 500 === 499) await settle();
    }
    await settle();
    expect(log.size).toBe(eventsKept);
    expect(platter.rows.get("events")?.size).toBe(eventsKept);
    await crash();
    expect(log.size).toBe(eventsKept);
    expect(log.newestId).toBe(count);
    expect(log.list({ wanted: all, beforeId: 502, limit: 10 }).events.map(({ id }) => id)).toEqual([501]);
  });

  test("what a DataNode sends is cut", async () => {
    const fields = new Map(Array.from({ length: 50 }, (_, index) => [`name-${index}`, "x".repeat(10_000)]));
    const [event] = noticed(1, 1);
    void log.take(node, 1, [{ ...(event ?? NoticedEvent.fromPartial({})), message: "m".repeat(100_000), fields }]);
    await settle();
    const [kept] = log.list({ wanted: all, beforeId: 0, limit: 1 }).events;
    expect(kept?.message).toHaveLength(1000);
    expect(kept?.fields.size).toBe(20);
    expect([...(kept?.fields.values() ?? [])].every((value) => value.length === 500)).toBe(true);
  });

  test("a kind that is none is left out, and does not hold up the others", async () => {
    void log.take(node, 1, [...noticed(1, 1, "<b>"), ...noticed(2, 2, "from-a.newer-version")]);
    await settle();
    expect(kinds()).toEqual(["from-a.newer-version"]);
    expect(log.through(node, 1)).toBe(2);
  });
});

describe("events of DataNodes", () => {
  test("are acknowledged when they are durable", async () => {
    const taken = log.take(node, 1, noticed(1, 3));
    expect(log.through(node, 1)).toBe(0);
    await taken;
    expect(log.through(node, 1)).toBe(3);
    expect(messages()).toEqual(["number 3", "number 2", "number 1"]);
  });

  test("sent again and again: written once", async () => {
    await log.take(node, 1, noticed(1, 3));
    expect(log.take(node, 1, noticed(1, 3))).toBeUndefined();
    await log.take(node, 1, noticed(2, 5));
    expect(messages()).toEqual(["number 5", "number 4", "number 3", "number 2", "number 1"]);
  });

  test("some were too many to keep: the next one says how many", async () => {
    await log.take(node, 1, noticed(1, 2));
    await log.take(node, 1, noticed(10, 11));
    const { events } = log.list({ wanted: all, beforeId: 0, limit: 10 });
    expect(events.map(({ fields }) => fields.get("missed_before"))).toEqual([undefined, "7", undefined, undefined]);
  });

  test("sent again after a restart of the SuperNode: written once, and acknowledged", async () => {
    await log.take(node, 1, noticed(1, 3));
    await crash();
    expect(log.through(node, 1)).toBe(3);
    await log.take(node, 1, noticed(1, 4));
    expect(messages()).toEqual(["number 4", "number 3", "number 2", "number 1"]);
  });

  test("lost in a crash before they were durable: not acknowledged, and taken when they come again", async () => {
    void log.take(node, 1, noticed(1, 3));
    await crash();
    expect(log.through(node, 1)).toBe(0);
    await log.take(node, 1, noticed(1, 3));
    expect(messages()).toHaveLength(3);
  });

  test("another run counts from the beginning", async () => {
    await log.take(node, 1, noticed(1, 3));
    expect(log.through(node, 2)).toBe(0);
    await log.take(node, 2, noticed(1, 1));
    expect(messages()).toEqual(["number 1", "number 3", "number 2", "number 1"]);
    expect(log.through(node, 2)).toBe(1);
  });

  test("too many at a time: those that did not fit come again", async () => {
    const many = noticed(1, 1200).map((event, index) => ({ ...event, kind: `kind.${"abcdefghij"[index % 10] ?? ""}` }));
    const nodes = Array.from({ length: 10 }, (_, index) => nodeId(index + 1));
    for (const one of nodes) void log.take(one, 1, many.slice(0, 200));
    await settle();
    for (const one of nodes) void log.take(one, 1, many.slice(0, 200));
    await settle();
    expect(nodes.map((one) => log.through(one, 1))).toEqual(nodes.map(() => 200));
    expect(log.size).toBe(2000);
  });
});

describe("what people were told of a node's health", () => {
  test("is remembered with the event, and forgotten with the node", async () => {
    expect(log.toldHealth(node)).toBe("up");
    log.notice("node.down", "gone", { node });
    log.tellHealth(node, "down");
    await settle();
    await crash();
    expect(log.toldHealth(node)).toBe("down");
    log.forget(node);
    await settle();
    await crash();
    expect(log.toldHealth(node)).toBe("up");
    expect(platter.rows.get("event-trails")?.size).toBe(0);
  });
});

describe("reading", () => {
  beforeEach(async () => {
    for (let index = 1; index <= 9; index += 1) {
      log.notice(index % 3 === 0 ? "node.down" : "bucket.created", `number ${index}`, { node: index % 2 });
    }
    await settle();
  });
  const isDown = ({ kind }: Event): boolean => kind === "node.down";

  test("newest first, in pages", () => {
    expect(log.list({ wanted: all, beforeId: 0, limit: 4 })).toMatchObject({
      events: [9, 8, 7, 6].map(withId),
      more: true,
    });
    expect(log.list({ wanted: all, beforeId: 6, limit: 5 })).toMatchObject({
      events: [5, 4, 3, 2, 1].map(withId),
      more: false,
    });
    expect(log.list({ wanted: isDown, beforeId: 9, limit: 1 })).toMatchObject({ events: [withId(6)], more: true });
  });

  test("oldest first, from somewhere on", () => {
    expect(log.after(0, { wanted: isDown, limit: 2 })).toMatchObject({ events: [3, 6].map(withId), through: 6 });
    expect(log.after(6, { wanted: isDown, limit: 2 })).toMatchObject({ events: [withId(9)], through: 9 });
    expect(log.after(9, { wanted: all, limit: 2 })).toEqual({ events: [], through: 9 });
  });

  test("a row is damaged beyond repair: the others are read, and no id is given twice", async () => {
    await log.close();
    const rows = platter.rows.get("events") ?? new Map<string, Uint8Array>();
    const newest = [...rows.keys()].sort().at(-2) ?? "";
    rows.set(newest, new Uint8Array(40).fill(7));
    open();
    expect(log.size).toBe(8);
    expect(log.newestId).toBe(9);
  });
});

function withId(id: number): { readonly id: number } {
  return { id };
}
