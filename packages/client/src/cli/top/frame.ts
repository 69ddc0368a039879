/** The picture of the live view: a function of what is known, what was chosen, and how large the screen is. */
import { shortEventLine } from "../events/event-text.js";
import type { Paint } from "../paint.js";
import { cutPainted } from "./cut-painted.js";
import { summaryLines } from "./summary-lines.js";
import { type Table, tableOf } from "./views.js";
import { type TopChoice, type TopData, topViews } from "./top-state.js";

export interface FrameOptions {
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
  readonly nowMs: number;
}

export interface Frame {
  /** As many as there are rows at most, none wider than the screen. */
  readonly lines: readonly string[];
  readonly table: Table;
  /** Rows of the table that fit. */
  readonly page: number;
}

// Of the last events, below the nodes.
const eventsMax = 6;

const help = [
  "n b f e, Tab   nodes, buckets, hot files, events",
  "s S, ← →       sort by the next or the last column",
  "r              turn the order round",
  "p, Space       hold the picture, and go on",
  "↑ ↓ PgUp PgDn  scroll",
  "q, Ctrl-C      end",
  "",
  "OPS/S   operations that ended, as the DataNodes that were asked count them",
  "ERR/S   failed: for want of a quorum, by damage, or for a fault of the node",
  "REF/S   turned away for too much load; clients try again",
  "P50 P99 half, and all but a hundredth, of the operations took no longer",
  "LAG     how late the node's event loop runs",
  "STORED  content above 128 KiB, in chunks",
  "DISK    how full the node's disk is, with whatever lies on it",
  "BEHIND  what the node is known to lack; ? while it compares",
];

export function frameOf(latest: TopData, choice: TopChoice, options: FrameOptions): Frame {
  const { columns: width, rows, paint, nowMs } = options;
  const data = choice.held ?? latest;
  const table = tableOf(choice.view, data, { sorting: choice.sortings[choice.view], isMarked: true, paint });
  const summary = summaryLines(data, { width, paint, nowMs, isHeld: choice.held !== undefined });
  const room = Math.max(0, rows - summary.length - 2);
  const body = choice.isHelp ? help : undefined;
  const shownEvents =
    choice.view === "nodes" ? Math.min(eventsMax, data.events.length, Math.max(0, room - table.rows - 3)) : 0;
  const page = Math.max(0, room - 1 - (shownEvents > 0 ? shownEvents + 2 : 0));
  const scroll = Math.max(0, Math.min(choice.scroll, table.rows - page));
  const content = body ?? [
    ...(table.rows === 0 ? [emptyText(choice)] : table.lines({ from: scroll, count: page, width })),
    ...(shownEvents > 0 ? ["", paint("bold", "LAST EVENTS"), ...lastEvents(data, shownEvents, paint)] : []),
  ];
  const filled = Array.from({ length: room }, (_, index) => content[index] ?? "");
  const lines = [...summary, "", ...filled, footer(choice, paint)].slice(0, rows);
  // However small the screen is.
  return { lines: lines.map((line) => cutPainted(line, width)), table, page };
}

function lastEvents({ events }: TopData, count: number, paint: Paint): readonly string[] {
  return events
    .slice(0, count)
    .toReversed()
    .map((event) => shortEventLine(event, paint));
}

function emptyText({ view }: TopChoice): string {
  switch (view) {
    case "nodes":
      return "no DataNodes are known yet";
    case "buckets":
      return "no bucket is being used";
    case "files":
      return "no file is being used";
    case "events":
      return "no events are known yet";
  }
}

function footer({ view, held }: TopChoice, paint: Paint): string {
  const parts = [
    ...topViews.map(
      (each) => ({ text: `${each.charAt(0)} ${each}`, style: each === view ? "inverse" : "dim" }) as const,
    ),
    ...["s sort", "r reverse", held ? "p go on" : "p hold", "? help", "q quit"].map(
      (text) => ({ text, style: "dim" }) as const,
    ),
  ];
  return parts.map(({ text, style }) => paint(style, text)).join("  ");
}
