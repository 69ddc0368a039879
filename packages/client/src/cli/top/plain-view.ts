import type { Clock } from "@quorumfs/core";
import type { ActivitySample } from "../../activity-info.js";
import type { ClusterEvent } from "../../event-info.js";
import type { QuorumFs } from "../../quorumfs.js";
import type { Context } from "../context.js";
import { eventLine } from "../events/event-text.js";
import { paintWith } from "../paint.js";
import { Printer } from "../printer.js";
import { summaryLines } from "./summary-lines.js";
import { TopFeed } from "./top-feed.js";
import { firstChoice, type TopData } from "./top-state.js";
import { tableOf } from "./views.js";

// Nothing is cut where no screen ends.
const widthMax = 10_000;
const filesMax = 20;
const summaryWidth = 120;

export interface PlainViewOptions {
  readonly cluster: QuorumFs;
  readonly intervalSeconds: number;
  readonly isOnce: boolean;
}

/** The same as the live view, one after the other: as tables for people, as lines of JSON for programs. */
export async function plainView(context: Context, options: PlainViewOptions): Promise<void> {
  const { cluster, intervalSeconds, isOnce } = options;
  const { clock, stopping, terminal } = context;
  // An array would never end.
  const printer = new Printer(terminal, context.printer.format === "json" ? "jsonl" : context.printer.format);
  let samples = 0;
  let wake: () => void = () => undefined;
  const feed = new TopFeed({
    cluster,
    clock,
    intervalSeconds,
    onNews: (news) => {
      if (news === "sample") samples += 1;
      wake();
    },
  });
  const end = (): void => feed.close();
  stopping.addEventListener("abort", end);
  let isOver = false;
  const running = feed.run().finally(() => {
    isOver = true;
    wake();
  });
  try {
    let toldEvents = 0;
    for (let printed = 0; !isOver;) {
      if (samples - printed < intervalSeconds || !feed.data.status) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      printed = samples;
      const { events } = feed.data;
      await print(printer, feed.data, { clock, events: events.filter(({ id }) => id > toldEvents).toReversed() });
      toldEvents = events[0]?.id ?? toldEvents;
      if (isOnce) break;
    }
  } finally {
    feed.close();
    stopping.removeEventListener("abort", end);
    await running;
  }
}

async function print(
  printer: Printer,
  data: TopData,
  options: { readonly clock: Clock; readonly events: readonly ClusterEvent[] },
): Promise<void> {
  const { clock, events } = options;
  const { sample } = data;
  if (sample) await printer.one(documentOf(data, sample, events), text(data, events, clock.nowMs()));
}

/** For programs: what is shown, whole; counts by latency only make it long. */
function documentOf({ status }: TopData, sample: ActivitySample, events: readonly ClusterEvent[]): object {
  const { at, seconds, total, nodes, buckets, hotFiles } = sample;
  return {
    at,
    seconds,
    condition: status?.condition,
    layout: status?.layout,
    total: withoutCounts(total),
    nodes: nodes.map((node) => {
      const { address, zone, role } = status?.nodes.find(({ id }) => id === node.node) ?? {};
      const { node: id, state, load, isHeard, ...figures } = node;
      return { node: id, address, zone, role, state, isHeard, ...withoutCounts(figures), load };
    }),
    buckets,
    hotFiles,
    events,
  };
}

function withoutCounts<Figures extends ActivitySample["total"]>({ latencyCounts: _, kinds, ...rest }: Figures): object {
  const each = Object.entries(kinds).map(([kind, { latencyCounts: _counts, ...figures }]) => [kind, figures]);
  return { ...rest, kinds: Object.fromEntries(each) as unknown };
}

function text(data: TopData, events: readonly ClusterEvent[], nowMs: number): string {
  const paint = paintWith(false);
  const whole = { from: 0, count: widthMax, width: widthMax };
  const { sortings } = firstChoice;
  const table = (view: "nodes" | "buckets" | "files", count = widthMax): readonly string[] => {
    const { rows, lines } = tableOf(view, data, { sorting: sortings[view], isMarked: false, paint });
    return rows === 0 ? [] : ["", ...lines({ ...whole, count })];
  };
  const told = events.length === 0 ? [] : ["", ...events.map((event) => eventLine(event, paint))];
  const summary = summaryLines(data, { width: summaryWidth, paint, nowMs, isHeld: false });
  return [...summary, ...table("nodes"), ...table("buckets"), ...table("files", filesMax), ...told, ""].join("\n");
}
