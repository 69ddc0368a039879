import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Clock } from "@quorumfs/core";
import { systemClock } from "@quorumfs/runtime";
import type { LiveSample } from "../../src/api.js";
import { Hub } from "../../src/live/hub.js";
import { historySeconds, SampleHistory } from "../../src/live/sample-history.js";
import { waitingBytesMax } from "../../src/live/tab.js";
import { EventStream } from "../support/event-stream.js";

const quiet = { answeredPerSecond: 0, errorsPerSecond: 0, refusedPerSecond: 0, p50Ms: null, p95Ms: null, p99Ms: null };

function sampleAt(atMs: number): LiveSample {
  return { atMs, total: quiet, kinds: {}, bytesReadPerSecond: 0, bytesWrittenPerSecond: 0, nodes: [] };
}

/** Time that stands still until it is told otherwise. */
function handClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0;
  let timers: { readonly atMs: number; readonly action: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    endOfTurn: (action) => queueMicrotask(action),
    after: (delayMs, action) => {
      const timer = { atMs: nowMs + delayMs, action };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    advance: (ms) => {
      nowMs += ms;
      const due = timers.filter(({ atMs }) => atMs <= nowMs);
      timers = timers.filter(({ atMs }) => atMs > nowMs);
      for (const { action } of due) action();
    },
  };
}

let clock: ReturnType<typeof handClock>;
let hub: Hub;
let server: Server;
let url: string;
let told: string[];

beforeEach(async () => {
  told = [];
  clock = handClock();
  hub = new Hub({ clock, onWatched: () => told.push("watched"), onUnwatched: () => told.push("unwatched") });
  server = createServer((_request, response) => hub.join(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  url = `http://127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : 0}`;
});

afterEach(async () => {
  hub.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const real = systemClock();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => void real.after(5, resolve));
}

/** A tab that asks, and never reads. */
async function deafTab(): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.pause();
  socket.on("error", () => undefined);
  const before = hub.tabs;
  socket.write("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until(() => hub.tabs > before);
  return socket;
}

describe("hub", () => {
  test("a tab that never reads is dropped before much waits for it; the others go on", async () => {
    const socket = await deafTab();
    await using reader = await EventStream.open(url);
    const events = { events: [], more: false };
    const fields = { text: "x".repeat(64 * 1024) };
    const event = { id: 1, atMs: 1, kind: "node.joined", severity: "info", node: 1, message: "", fields } as const;
    let sent = 0;
    // Systems take some MiB for a connection before anything waits here.
    while (hub.tabs === 2 && sent < 64 * 2 ** 20) {
      hub.publishNews("events", { events: [event], more: false }, events);
      sent += fields.text.length;
      const before = reader.told.length;
      await until(() => reader.told.length > before);
    }
    expect(hub.tabs).toBe(1);
    expect(sent).toBeGreaterThan(waitingBytesMax);
    expect(reader.ended).toBe(false);
    socket.destroy();
  });

  test("a tab that takes nothing for half a minute is dropped, however little waits for it", async () => {
    const socket = await deafTab();
    const fields = { text: "x".repeat(256 * 1024) };
    const event = { id: 1, atMs: 1, kind: "node.joined", severity: "info", node: 1, message: "", fields } as const;
    // Until the system takes no more, and something waits.
    for (let round = 0; round < 40 && hub.tabs === 1; round += 1) {
      hub.publishNews("events", { events: [event], more: false }, { events: [], more: false });
      await new Promise<void>((resolve) => void real.after(1, resolve));
    }
    clock.advance(31_000);
    expect(hub.tabs).toBe(0);
    socket.destroy();
  });

  test("nobody watches for half a minute: the upstream is told; somebody comes: again", async () => {
    const first = await EventStream.open(url);
    expect(told).toEqual(["watched"]);
    await first[Symbol.asyncDispose]();
    await until(() => hub.tabs === 0);
    clock.advance(29_000);
    // A page that is loaded anew finds all going on.
    const second = await EventStream.open(url);
    clock.advance(60_000);
    expect(told).toEqual(["watched"]);
    await second[Symbol.asyncDispose]();
    await until(() => hub.tabs === 0);
    clock.advance(31_000);
    expect(told).toEqual(["watched", "unwatched"]);
    await using third = await EventStream.open(url);
    expect(third.ended).toBe(false);
    expect(told).toEqual(["watched", "unwatched", "watched"]);
  });

  test("what was told last is told to who comes, and nothing twice", async () => {
    hub.publish("workload", { current: null, finished: [] });
    await using tab = await EventStream.open(url);
    hub.publish("workload", { current: null, finished: [] });
    hub.sample(sampleAt(1000));
    await until(() => tab.last("sample") !== undefined);
    expect(tab.all("workload")).toHaveLength(1);
  });

  test("history that comes later begins the tabs' history anew", async () => {
    await using tab = await EventStream.open(url);
    hub.sample(sampleAt(1000));
    hub.backfill([sampleAt(500), sampleAt(1000), sampleAt(2000)]);
    await until(() => tab.last("history")?.samples.length === 2);
    expect(tab.last("history")).toMatchObject({ from: 0, more: false, samples: [{ atMs: 1000 }, { atMs: 2000 }] });
  });

  test("a wall clock that goes back begins history anew", async () => {
    await using tab = await EventStream.open(url);
    hub.sample(sampleAt(3_600_000));
    hub.sample(sampleAt(1000));
    await until(() => tab.last("history")?.samples.length === 1);
    expect(tab.last("history")?.samples).toMatchObject([{ atMs: 1000 }]);
  });
});

describe("sample history", () => {
  test("keeps fifteen minutes, without repeats, in pieces that fit", () => {
    const history = new SampleHistory();
    for (let second = 1; second <= historySeconds + 10; second += 1) history.add(sampleAt(second * 1000));
    expect(history.add(sampleAt((historySeconds + 10) * 1000))).toBe(false);
    expect([history.first, history.end]).toEqual([10, historySeconds + 10]);
    let seen = 0;
    for (let from = history.first; from < history.end;) {
      const { json, to } = history.piece(from, 4096);
      const samples = JSON.parse(json) as LiveSample[];
      expect(json.length).toBeLessThan(5000);
      expect(samples[0]?.atMs).toBe((from + 1) * 1000);
      expect(samples).toHaveLength(to - from);
      seen += samples.length;
      from = to;
    }
    expect(seen).toBe(historySeconds);
    expect(history.piece(history.first, 1).to).toBe(history.first + 1);
    expect(history.piece(history.end, 1)).toEqual({ json: "[]", to: history.end });
  });
});
