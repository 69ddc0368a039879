/** The tables of the live view. */
import { formatBytes } from "@quorumfs/runtime/lean";
import type { BucketActivity, HotFile, NodeActivity } from "../../activity-info.js";
import type { NodeInfo, SyncInfo } from "../../cluster-info.js";
import type { ClusterEvent } from "../../event-info.js";
import { type Column, columnLines } from "../columns.js";
import { severityStyle } from "../events/event-text.js";
import type { Paint, Style } from "../paint.js";
import { printable, timeText } from "../wording.js";
import { bytesRateText, msText, rateText } from "./figures-text.js";
import type { Sorting, TopData, TopView } from "./top-state.js";

interface SortedColumn<Row> extends Column<Row> {
  /** Numbers are sorted highest first, text from a to z. */
  readonly order: (row: Row) => number | string;
}

export interface Table {
  /** How many columns there are to sort by. */
  readonly columns: number;
  readonly rows: number;
  /** Heads and some of the rows, in the width that there is. */
  readonly lines: (part: {
    readonly from: number;
    readonly count: number;
    readonly width: number;
  }) => readonly string[];
}

export interface TableStyle {
  readonly sorting: Sorting;
  /** An arrow stands beside the head of the column that the rows are sorted by. */
  readonly isMarked: boolean;
  readonly paint: Paint;
}

/** The table of a view. */
export function tableOf(view: TopView, data: TopData, style: TableStyle): Table {
  switch (view) {
    case "nodes":
      return table(nodeColumns, nodeRows(data), style);
    case "buckets":
      return table(bucketColumns, data.sample?.buckets ?? [], style);
    case "files":
      return table(fileColumns, data.sample?.hotFiles ?? [], style);
    case "events":
      return table(eventColumns, data.events, style);
  }
}

function table<Row>(
  columns: readonly SortedColumn<Row>[],
  rows: readonly Row[],
  { sorting, paint, isMarked }: TableStyle,
): Table {
  const by = columns[sorting.column];
  const direction = sorting.isReversed ? -1 : 1;
  const sorted = by ? rows.toSorted((a, b) => direction * compare(by.order(a), by.order(b))) : rows;
  const arrow = sorting.isReversed ? "▴" : "▾";
  const titled = columns.map((column) =>
    column === by && isMarked ? { ...column, title: `${column.title}${arrow}` } : column,
  );
  return {
    columns: columns.length,
    rows: rows.length,
    lines: ({ from, count, width }) =>
      columnLines({ columns: titled, rows: sorted.slice(from, from + count), width, paint }),
  };
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return b - a;
  return a < b ? -1 : Number(a > b);
}

interface NodeRow extends NodeActivity {
  /** Undefined: the SuperNode has not told of it yet, or it has left. */
  readonly info: NodeInfo | undefined;
}

function nodeRows({ sample, status }: TopData): readonly NodeRow[] {
  return (sample?.nodes ?? []).map((node) => ({ ...node, info: status?.nodes.find(({ id }) => id === node.node) }));
}

const nodeColumns: readonly SortedColumn<NodeRow>[] = [
  // Numbers go highest first; nodes count from 1.
  { title: "NODE", text: ({ node }) => String(node), order: ({ node }) => -node, align: "right" },
  { title: "STATE", text: stateText, order: ({ state }) => stateOrder[state], style: stateStyle },
  rateColumn("OPS/S", ({ operationsPerSecond }) => operationsPerSecond),
  rateColumn("ERR/S", ({ errorsPerSecond }) => errorsPerSecond, "red"),
  { ...rateColumn("REF/S", ({ refusalsPerSecond }) => refusalsPerSecond, "yellow"), isOptional: true },
  msColumn("P50 ms", ({ latency }) => latency?.p50Ms),
  msColumn("P99 ms", ({ latency }) => latency?.p99Ms),
  loadColumn(
    "CPU",
    ({ cpuFraction }) => cpuFraction,
    (cpu) => `${(cpu * 100).toFixed(0)}%`,
  ),
  { ...loadColumn("LAG ms", ({ eventLoopDelayMs }) => eventLoopDelayMs, msText), isOptional: true },
  { ...loadColumn("STORED", ({ chunkBytes }) => chunkBytes, formatBytes), isOptional: true },
  {
    title: "DISK",
    text: diskText,
    order: diskFraction,
    align: "right",
    style: ({ load }) => (load?.full ? "red" : undefined),
  },
  { title: "BEHIND", text: ({ load }) => behindText(load?.sync), order: behindOrder, style: behindStyle },
  {
    title: "ZONE",
    text: ({ info }) => printable(info?.zone || "-"),
    order: ({ info }) => info?.zone ?? "",
    isOptional: true,
  },
  {
    title: "ADDRESS",
    text: ({ info }) => printable(info?.address ?? "-"),
    order: ({ info }) => info?.address ?? "",
    isOptional: true,
  },
];

const stateOrder: Readonly<Record<NodeActivity["state"], number>> = { down: 2, suspect: 1, up: 0 };

function stateText({ state, info }: NodeRow): string {
  return info === undefined || info.role === "active" ? state : `${state}, ${info.role}`;
}

function stateStyle({ state }: NodeRow): Style {
  switch (state) {
    case "up":
      return "green";
    case "suspect":
      return "yellow";
    case "down":
      return "red";
  }
}

function diskFraction({ load }: NodeRow): number {
  if (!load || load.diskUsedBytes + load.diskFreeBytes === 0) return 0;
  return load.diskUsedBytes / (load.diskUsedBytes + load.diskFreeBytes);
}

/** How full the disk is, with whatever lies on it. */
function diskText(row: NodeRow): string {
  if (!row.load) return "-";
  return `${(diskFraction(row) * 100).toFixed(0)}%${row.load.full ? " FULL" : ""}`;
}

/** `120 records, 3 chunks`; `?` while it is not known, `-` if nothing is lacking. */
function behindText(sync: SyncInfo | undefined): string {
  if (!sync) return "?";
  const { state, behindRecords, behindChunks, joiningPartitions } = sync;
  const parts = [
    ...(behindRecords > 0 ? [`${behindRecords} records`] : []),
    ...(behindChunks > 0 ? [`${behindChunks} chunks`] : []),
    ...(joiningPartitions > 0 ? [`${joiningPartitions} partitions`] : []),
  ];
  if (parts.length > 0) return parts.join(", ");
  return state === "comparing" ? "?" : "-";
}

function behindOrder({ load }: NodeRow): number {
  if (!load?.sync) return -1;
  return load.sync.behindRecords + load.sync.behindChunks + load.sync.joiningPartitions;
}

function behindStyle(row: NodeRow): Style | undefined {
  return behindOrder(row) > 0 ? "yellow" : undefined;
}

const bucketColumns: readonly SortedColumn<BucketActivity>[] = [
  { title: "BUCKET", text: ({ bucket }) => printable(bucket), order: ({ bucket }) => bucket },
  rateColumn("READS/S", ({ readsPerSecond }) => readsPerSecond),
  rateColumn("WRITES/S", ({ writesPerSecond }) => writesPerSecond),
  rateColumn("LISTS/S", ({ listsPerSecond }) => listsPerSecond),
  rateColumn("ERR/S", ({ errorsPerSecond }) => errorsPerSecond, "red"),
  bytesColumn("READ", ({ bytesReadPerSecond }) => bytesReadPerSecond),
  bytesColumn("WRITTEN", ({ bytesWrittenPerSecond }) => bytesWrittenPerSecond),
];

const fileColumns: readonly SortedColumn<HotFile>[] = [
  rateColumn("READS/S", ({ readsPerSecond }) => readsPerSecond),
  rateColumn("WRITES/S", ({ writesPerSecond }) => writesPerSecond),
  { title: "FILE", text: ({ name }) => printable(name), order: ({ name }) => name },
];

const eventColumns: readonly SortedColumn<ClusterEvent>[] = [
  { title: "TIME", text: ({ at }) => timeText(at), order: ({ id }) => id },
  {
    title: "SEVERITY",
    text: ({ severity }) => severity,
    order: ({ severity }) => severities.indexOf(severity),
    style: ({ severity }) => severityStyle(severity),
    isOptional: true,
  },
  {
    title: "KIND",
    text: ({ kind }) => printable(kind),
    order: ({ kind }) => kind,
    style: ({ severity }) => severityStyle(severity),
  },
  {
    title: "NODE",
    text: ({ node }) => (node === undefined ? "-" : String(node)),
    order: ({ node }) => -(node ?? 0),
    align: "right",
  },
  { title: "WHAT", text: ({ message }) => printable(message), order: ({ message }) => message },
];

const severities = ["info", "warning", "error"];

function rateColumn<Row>(title: string, read: (row: Row) => number, style?: Style): SortedColumn<Row> {
  return {
    title,
    text: (row) => rateText(read(row)),
    order: read,
    align: "right",
    style: (row) => (read(row) > 0 ? style : undefined),
  };
}

function msColumn<Row>(title: string, read: (row: Row) => number | undefined): SortedColumn<Row> {
  return { title, text: (row) => msText(read(row)), order: (row) => read(row) ?? -1, align: "right" };
}

function bytesColumn<Row>(title: string, read: (row: Row) => number): SortedColumn<Row> {
  return { title, text: (row) => bytesRateText(read(row)), order: read, align: "right" };
}

type NodeLoad = NonNullable<NodeRow["load"]>;

function loadColumn(
  title: string,
  read: (load: NodeLoad) => number,
  text: (value: number) => string,
): SortedColumn<NodeRow> {
  return {
    title,
    text: ({ load }) => (load ? text(read(load)) : "-"),
    order: ({ load }) => (load ? read(load) : -1),
    align: "right",
  };
}
