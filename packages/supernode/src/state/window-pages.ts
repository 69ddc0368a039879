/**
 * Makes pages for the caller of what the replicas told of a window. As a rule all replicas are equal, one of them gave all the
 * rows, and its columns go on as they came; else rows are merged. Pure.
 */
import type { FileColumns, FilePage } from "@quorumfs/proto";
import { byPath, columnsOf, type FileRow, partitionsOf, rowsOf, totalSize } from "./file-rows.js";
import { Placements } from "./placements.js";
import type { StateQuery } from "./state-query.js";
import { eachCount } from "./tallies.js";
import type { Totals } from "./totals.js";
import { isUnderReplicated, type PartitionView, type WindowPlan } from "./window-plan.js";
import type { ComparedWindow } from "./windows.js";

/** Of at most 1.1 KiB each: half of what a message may have. */
const rowsPerPageMax = 2048;

const none = new Uint8Array(0);

export interface PageOptions {
  readonly bucket: string;
  readonly query: StateQuery;
  readonly partitionOf: (path: string) => number;
  /** What is found is added. */
  readonly totals: Totals;
  /** Files at most. */
  readonly filesMax: number;
}

export interface Pages {
  readonly pages: readonly FilePage[];
  /** There were more files than `filesMax`. */
  readonly isCut: boolean;
}

export function pagesOf(window: ComparedWindow, options: PageOptions): Pages {
  const source = onlySource(window);
  if (source && source.count <= options.filesMax) {
    return { pages: [wholePage(window.plan, source, options)], isCut: false };
  }
  const all = [...toldRows(window), ...foundRows(window, options)].sort(byPath);
  const rows = all.slice(0, options.filesMax);
  addRows(options.totals, rows);
  const pages: FilePage[] = [];
  for (let start = 0; start < rows.length; start += rowsPerPageMax) {
    pages.push(pageOf(options.bucket, rows.slice(start, start + rowsPerPageMax)));
  }
  return { pages, isCut: rows.length < all.length };
}

/** The same without pages. */
export function countWindow(window: ComparedWindow, options: PageOptions): void {
  const { plan, differing, told } = window;
  for (const { tallies } of told) {
    eachCount(tallies, ({ partition, files, bytes }) => {
      const view = plan.views[partition];
      if (!view || differing.has(partition)) return;
      options.totals.add({ files, bytes, underReplicated: lacksCopies(plan, view) ? files : 0 });
    });
  }
  addRows(options.totals, foundRows(window, options));
}

/** The columns of the only node that gave any, if nothing else is to be told. */
function onlySource({ differing, told }: ComparedWindow): FileColumns | undefined {
  const [source, ...others] = told.flatMap(({ rows }) => (rows && rows.count > 0 ? [rows] : []));
  return differing.size === 0 && others.length === 0 ? source : undefined;
}

function wholePage(plan: WindowPlan, columns: FileColumns, { bucket, totals }: PageOptions): FilePage {
  const { count } = columns;
  const files = { ...columns, partitions: none };
  const placements = new Placements();
  const bytes = totalSize(columns);
  if (plan.onlyView) {
    placements.add({ holders: plan.onlyView.asked, behind: [] });
    totals.add({ files: count, bytes, underReplicated: lacksCopies(plan, plan.onlyView) ? count : 0 });
    return { bucket, files, placements: placements.list, placementOf: none };
  }
  let underReplicated = 0;
  for (const partition of partitionsOf(columns)) {
    const view = plan.views[partition];
    placements.add({ holders: view?.asked ?? [], behind: [] });
    if (view && lacksCopies(plan, view)) underReplicated += 1;
  }
  totals.add({ files: count, bytes, underReplicated });
  return { bucket, files, placements: placements.list, placementOf: placements.encoded() };
}

/** What one replica told of files of which all have the same. */
function* toldRows({ plan, differing, told }: ComparedWindow): Generator<FileRow> {
  for (const { rows } of told) {
    if (!rows) continue;
    for (const { partition, ...row } of rowsOf(rows)) {
      const view = plan.views[partition];
      if (!view || differing.has(partition)) continue;
      yield { ...row, holders: view.asked, behind: [], isUnderReplicated: lacksCopies(plan, view) };
    }
  }
}

/** Files of partitions that differ, if they are asked for. */
function* foundRows({ plan, found }: ComparedWindow, { query, partitionOf }: PageOptions): Generator<FileRow> {
  const { sizeMin, sizeMax, health, heldBy } = query;
  for (const { version, ...file } of found) {
    const view = plan.views[partitionOf(file.path)];
    if (!view || file.size < sizeMin || file.size > sizeMax) continue;
    const lacks = isUnderReplicated(view, file.holders, plan.layout.replicas);
    if (health !== "any" && lacks !== (health === "under_replicated")) continue;
    if (heldBy !== undefined && !file.holders.includes(heldBy) && !file.behind.includes(heldBy)) continue;
    yield { ...file, version: version.counter, isUnderReplicated: lacks };
  }
}

function lacksCopies({ layout }: WindowPlan, view: PartitionView): boolean {
  return isUnderReplicated(view, view.asked, layout.replicas);
}

function addRows(totals: Totals, rows: Iterable<FileRow>): void {
  for (const row of rows) totals.add({ files: 1, bytes: row.size, underReplicated: row.isUnderReplicated ? 1 : 0 });
}

function pageOf(bucket: string, rows: readonly FileRow[]): FilePage {
  const placements = new Placements();
  for (const row of rows) placements.add(row);
  return { bucket, files: columnsOf(rows), placements: placements.list, placementOf: placements.encoded() };
}
