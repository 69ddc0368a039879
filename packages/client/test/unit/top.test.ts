import { describe, expect, it } from "@jest/globals";
import stringWidth from "string-width";
import { NodeState, OperationKind as Kind } from "@quorumfs/proto";
import { toActivitySample } from "../../src/activity-figures.js";
import type { ActivitySample } from "../../src/activity-info.js";
import { columnLines, cut, fitted } from "../../src/cli/columns.js";
import { paintWith } from "../../src/cli/paint.js";
import type { Screen } from "../../src/cli/terminal.js";
import { cutPainted } from "../../src/cli/top/cut-painted.js";
import { bytesRateText, msText, rateText, sparkline } from "../../src/cli/top/figures-text.js";
import { frameOf } from "../../src/cli/top/frame.js";
import { liveView } from "../../src/cli/top/live-view.js";
import { afterKey, firstChoice, noData, type TopChoice, type TopData } from "../../src/cli/top/top-state.js";
import type { ClusterEvent } from "../../src/event-info.js";
import { CliBench } from "../fakes/cli.js";
import { MemoryCluster } from "../fakes/memory-cluster.js";
import { nodeOf, operationsOf } from "../fakes/observed-cluster.js";
import { VirtualClock } from "../fakes/virtual-clock.js";

const plain = paintWith(false);
const coloured = paintWith(true);
// What a terminal would act upon.
const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/u;

const evil = "files/\u001b]0;owned\u0007\u001b[2J\u009b31m\u202etxt";

function sampleOf(): ActivitySample {
  const gets = operationsOf(Kind.OPERATION_KIND_GET, { answered: 90, failed: 3, latencyCounts: [0, 0, 50, 40] });
  const bucket = { bucket: "files", reads: 90, writes: 5, lists: 1, failed: 3, bytesRead: 9000, bytesWritten: 0 };
  return toActivitySample(
    {
      atMs: Date.UTC(2026, 10, 20, 16, 43, 36),
      nodes: [
        nodeOf(1, {
          operations: [gets],
          buckets: [bucket],
          hotFiles: [{ bucket: "files", path: evil.slice("files/".length), readsPerSecond: 40, writesPerSecond: 2 }],
        }),
        nodeOf(2, { operations: [operationsOf(Kind.OPERATION_KIND_PUT, { answered: 5, refused: 7 })] }),
        nodeOf(3, undefined, NodeState.NODE_STATE_DOWN),
      ],
    },
    false,
  );
}

function eventsOf(count: number): readonly ClusterEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: count - index,
    at: new Date((count - index) * 1000),
    kind: "node.suspected",
    severity: "warning" as const,
    node: 3,
    message: `event ${count - index} of ${evil}`,
    fields: {},
  }));
}

async function dataOf(): Promise<TopData> {
  const status = await new MemoryCluster().status();
  const zoned = status.nodes.map((node) => ({ ...node, zone: evil }));
  return {
    status: { ...status, nodes: zoned },
    sample: sampleOf(),
    history: [1, 2, 3],
    events: eventsOf(30),
    heardAtMs: 0,
  };
}

const choose = (choice: Partial<TopChoice>): TopChoice => ({ ...firstChoice, ...choice });

describe("frame", () => {
  const sizes = [
    { columns: 80, rows: 24 },
    { columns: 200, rows: 60 },
    { columns: 20, rows: 5 },
    { columns: 1, rows: 1 },
  ];
  const views = ["nodes", "buckets", "files", "events"] as const;

  it.each(sizes.flatMap((size) => views.map((view) => ({ ...size, view }))))(
    "$view at $columns×$rows: no line too wide, none too many, nothing that a terminal acts upon",
    async ({ columns, rows, view }) => {
      for (const choice of [choose({ view }), choose({ view, isHelp: true }), choose({ view, scroll: 1000 })]) {
        const { lines } = frameOf(await dataOf(), choice, { columns, rows, paint: plain, nowMs: 0 });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) {
          expect(stringWidth(line)).toBeLessThanOrEqual(columns);
          expect(line).not.toMatch(acted);
          expect(line).not.toContain("\u202e");
        }
      }
    },
  );

  it("nodes at 80×24: state, rates, percentiles; the last events below", async () => {
    const { lines, table, page } = frameOf(await dataOf(), firstChoice, {
      columns: 80,
      rows: 24,
      paint: plain,
      nowMs: 0,
    });
    expect(lines).toHaveLength(24);
    expect(lines[0]).toMatch(/^cluster c {2}ready {2}N = 3 {2}layout 1 +2026-11-20 16:43:36Z$/);
    expect(lines[1]).toMatch(
      /^105 ops\/s {2}p50 0\.\d+ ms {2}p99 0\.\d+ ms {2}errors 3\.0\/s {2}refused 7\.0\/s {2}▃▆█$/,
    );
    expect(lines[2]).toBe("get 93/s  put 12/s  read 8.8 KiB/s  written -");
    expect(lines[4]).toMatch(/^NODE▾ {2}STATE {2}OPS\/S {2}ERR\/S/);
    expect(lines[5]).toMatch(/^ {4}1 {2}up {8}93 {4}3\.0/);
    expect(lines[7]).toMatch(/^ {4}3 {2}down {7}0 {6}0/);
    expect(lines[9]).toBe("LAST EVENTS");
    expect(lines[15]).toMatch(/^00:00:30Z {2}node.suspected {7}node 3 {3}event 30 of/);
    expect(lines[23]).toBe("n nodes  b buckets  f files  e events  s sort  r reverse  p hold  ? help  q quit");
    expect(table.rows).toBe(3);
    expect(page).toBeGreaterThanOrEqual(3);
  });

  it("colours add nothing to the width", async () => {
    const { lines } = frameOf(await dataOf(), firstChoice, { columns: 80, rows: 24, paint: coloured, nowMs: 0 });
    expect(lines.some((line) => line.includes("\u001b[31m"))).toBe(true);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(80);
  });

  it("sorted by another column, turned round, and scrolled", async () => {
    const data = await dataOf();
    const size = { columns: 80, rows: 24, paint: plain, nowMs: 0 };
    const byRate = { ...firstChoice.sortings, nodes: { column: 2, isReversed: false } };
    const idsOf = (choice: TopChoice) =>
      frameOf(data, choice, size)
        .lines.slice(5, 8)
        .map((line) => line.trim().split(/ +/)[0]);
    expect(idsOf(choose({ sortings: byRate }))).toEqual(["1", "2", "3"]);
    expect(idsOf(choose({ sortings: { ...byRate, nodes: { column: 2, isReversed: true } } }))).toEqual(["3", "2", "1"]);
    const scrolled = frameOf(data, choose({ view: "events", scroll: 20 }), size).lines;
    expect(scrolled.find((line) => line.includes("event 1 of"))).toBeDefined();
    expect(scrolled.find((line) => line.includes("event 30 of"))).toBeUndefined();
  });

  it("held: what was there then; silent: for how long", async () => {
    const data = await dataOf();
    const size = { columns: 80, rows: 24, paint: plain, nowMs: 12_000 };
    expect(frameOf(noData, choose({ held: data }), size).lines[0]).toContain("held at 2026-11-20 16:43:36Z");
    expect(frameOf(data, firstChoice, size).lines[3]).toBe("no word from the SuperNode for 12 s: all this is old");
    expect(frameOf(noData, firstChoice, size).lines[0]).toContain("waiting for the SuperNode");
  });
});

describe("keys", () => {
  const around = { data: noData, columns: 3, rows: 10, page: 4 };
  const press = (choice: TopChoice, ...keys: string[]): TopChoice | "quit" => {
    let now = choice;
    for (const key of keys) {
      const next = afterKey(key, now, around);
      if (next === "quit") return next;
      now = next;
    }
    return now;
  };

  it.each(["q", "ctrl-c", "ctrl-d"])("%s ends, also with the help open", (key) => {
    expect(press(firstChoice, key)).toBe("quit");
    expect(press(firstChoice, "?", key)).toBe("quit");
  });

  it.each([
    [["b"], { view: "buckets" }],
    [["tab", "tab", "tab"], { view: "events" }],
    [["tab", "tab", "tab", "tab"], { view: "nodes" }],
    [["s", "s"], { sortings: { ...firstChoice.sortings, nodes: { column: 2, isReversed: false } } }],
    [["S"], { sortings: { ...firstChoice.sortings, nodes: { column: 2, isReversed: false } } }],
    [["r"], { sortings: { ...firstChoice.sortings, nodes: { column: 0, isReversed: true } } }],
    [["p"], { held: noData }],
    [["space", "space"], { held: undefined }],
    [["down", "down", "up"], { scroll: 1 }],
    [["pagedown", "pagedown"], { scroll: 6 }],
    [["end", "pageup"], { scroll: 2 }],
    [["end", "home", "up"], { scroll: 0 }],
    [["down", "f"], { view: "files", scroll: 0 }],
    [["?"], { isHelp: true }],
    [["?", "x"], { isHelp: false }],
    [["x"], firstChoice],
  ] as const)("%j", (keys, expected) => {
    expect(press(firstChoice, ...keys)).toMatchObject(expected);
  });
});

describe("figures", () => {
  it.each([
    [rateText, 0, "0"],
    [rateText, 0.04, "0.0"],
    [rateText, 9.96, "10"],
    [rateText, 123_456, "123456"],
    [rateText, 1_234_567, "1.2M"],
    [msText, undefined, "-"],
    [msText, 0.051, "0.05"],
    [msText, 1.25, "1.3"],
    [msText, 9999.9, "10s"],
    [bytesRateText, 0, "-"],
    [bytesRateText, 2048, "2 KiB/s"],
  ] as const)("%p of %p: %p", (text, value, expected) => {
    expect((text as (value: number | undefined) => string)(value)).toBe(expected);
  });

  it("sparkline: the newest that fit, the highest at full height", () => {
    expect(sparkline([0, 4, 8], 3)).toBe("▁▅█");
    expect(sparkline([9, 0, 0], 2)).toBe("▁▁");
    expect(sparkline([1], 0)).toBe("");
  });
});

describe("columns", () => {
  it("text is cut by what is shown, between what belongs together", () => {
    expect(cut("数据库", 5)).toBe("数据…");
    expect(cut("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
    expect(cut("abc", 3)).toBe("abc");
    expect(cut("abc", 0)).toBe("");
    expect(fitted("数", 4, "right")).toBe("  数");
    expect(cutPainted(`${coloured("red", "abcdef")}g`, 3)).toBe("\u001b[31mabc\u001b[0m");
  });

  it("without room the optional columns go first, the last one of them at first; then the last is cut", () => {
    const columns = [
      { title: "A", text: () => "aaaa" },
      { title: "B", text: () => "bbbb", isOptional: true },
      { title: "C", text: () => "cccc", isOptional: true },
      { title: "D", text: () => "dddd" },
    ];
    const row = (width: number) => columnLines({ columns, rows: [0], width, paint: plain })[1];
    expect(row(22)).toBe("aaaa  bbbb  cccc  dddd");
    expect(row(21)).toBe("aaaa  bbbb  dddd");
    expect(row(10)).toBe("aaaa  dddd");
    expect(row(8)).toBe("aaaa  d…");
  });
});

class FakeScreen implements Screen {
  size = { columns: 80, rows: 24 };
  shown: readonly string[] = [];
  closed = 0;
  press: (key: string) => void = () => undefined;
  resized: () => void = () => undefined;
  draw(lines: readonly string[]): void {
    this.shown = lines;
  }
  onKey(listener: (key: string) => void): void {
    this.press = listener;
  }
  onResize(listener: () => void): void {
    this.resized = listener;
  }
  close(): void {
    this.closed += 1;
  }
}

describe("live view", () => {
  const open = (cluster: MemoryCluster) => {
    const screen = new FakeScreen();
    const clock = new VirtualClock();
    const stopping = new AbortController();
    const running = liveView({ cluster, clock, screen, paint: plain, intervalSeconds: 1, stopping: stopping.signal });
    return { screen, clock, stopping, running };
  };

  it("shows what comes, follows keys and the size, gives the terminal back", async () => {
    const cluster = new MemoryCluster();
    cluster.samples.push(sampleOf());
    cluster.happened.push(...eventsOf(2).toReversed());
    const { screen, clock, running } = open(cluster);
    await clock.advance(1500);
    expect(screen.shown[1]).toContain("105 ops/s");
    expect(screen.shown.join("\n")).toContain("event 2 of");
    screen.press("f");
    screen.size = { columns: 60, rows: 10 };
    screen.resized();
    await clock.quiet();
    expect(screen.shown).toHaveLength(10);
    expect(screen.shown[4]).toMatch(/^READS\/S▾/);
    expect(screen.shown[9]).toMatch(/^n nodes/);
    screen.press("q");
    await running;
    expect(screen.closed).toBe(1);
  });

  it("an error of the cluster: the terminal is given back first", async () => {
    const cluster = new MemoryCluster();
    cluster.events = () => Promise.reject(new Error("no"));
    const { screen, running } = open(cluster);
    await expect(running).rejects.toThrow("no");
    expect(screen.closed).toBe(1);
  });

  it("stopped from outside", async () => {
    const { screen, stopping, running, clock } = open(new MemoryCluster());
    await clock.quiet();
    stopping.abort();
    await running;
    expect(screen.closed).toBe(1);
  });
});

describe("quorumfs top without a terminal", () => {
  it("--once: tables", async () => {
    const cluster = new MemoryCluster();
    cluster.samples.push({ ...sampleOf(), isHistory: true }, sampleOf());
    cluster.happened.push(...eventsOf(1));
    const { code, out, err } = await new CliBench(cluster).run(["top", "--once"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^cluster c {2}ready/);
    expect(out).toContain("\nNODE  STATE  OPS/S");
    expect(out).toContain("\nfiles        90");
    expect(out).toMatch(/40 +2\.0 {2}files\/\\u001b]0;owned\\u0007/);
    expect(out).toContain("warning  node.suspected");
    expect(out).not.toMatch(acted);
  });

  it("-o json: one object a line, the same as -o jsonl", async () => {
    const cluster = new MemoryCluster();
    cluster.samples.push(sampleOf());
    for (const format of ["json", "jsonl"]) {
      const { out } = await new CliBench(cluster).run(["top", "--once", "-o", format]);
      expect(out.trim()).not.toContain("\n");
      const line = JSON.parse(out) as { total: object; nodes: object[]; hotFiles: { name: string }[] };
      expect(line.total).toMatchObject({ operationsPerSecond: 105, errorsPerSecond: 3 });
      expect(line.total).not.toHaveProperty("latencyCounts");
      expect(line.nodes[0]).toMatchObject({ node: 1, address: "a:1", state: "up", isHeard: true });
      expect(line.hotFiles[0]?.name).toBe(evil);
    }
  });

  it("--interval: averaged over so much time", async () => {
    const cluster = new MemoryCluster();
    cluster.samples.push(sampleOf(), sampleOf(), sampleOf());
    const { out } = await new CliBench(cluster).run(["top", "--once", "--interval", "3s", "-o", "json"]);
    expect(JSON.parse(out)).toMatchObject({ seconds: 3, total: { answered: 285, operationsPerSecond: 105 } });
  });

  it.each(["0s", "500ms", "1500ms", "61s", "soon"])("--interval %s: refused", async (interval) => {
    const { code } = await new CliBench(new MemoryCluster()).run(["top", "--interval", interval]);
    expect(code).toBe(2);
  });
});
