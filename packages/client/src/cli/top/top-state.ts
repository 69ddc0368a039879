/** What a live view shows, as data: what is known of the cluster, and what who looks at it has chosen to see. */
import type { ActivitySample } from "../../activity-info.js";
import type { ClusterStatus } from "../../cluster-info.js";
import type { ClusterEvent } from "../../event-info.js";

/** What is known of the cluster. */
export interface TopData {
  /** Undefined: the SuperNode has not told yet. */
  readonly status: ClusterStatus | undefined;
  /** Over the interval that was asked for. */
  readonly sample: ActivitySample | undefined;
  /** Operations per second of the last minutes, oldest first. */
  readonly history: readonly number[];
  /** Newest first. */
  readonly events: readonly ClusterEvent[];
  /** When the SuperNode was heard last, by a clock that only measures. */
  readonly heardAtMs: number;
}

export const noData: TopData = { status: undefined, sample: undefined, history: [], events: [], heardAtMs: 0 };

export const topViews = ["nodes", "buckets", "files", "events"] as const;
export type TopView = (typeof topViews)[number];

export interface Sorting {
  /** Index into the columns of the view. */
  readonly column: number;
  readonly isReversed: boolean;
}

/** What was chosen. */
export interface TopChoice {
  readonly view: TopView;
  readonly sortings: Readonly<Record<TopView, Sorting>>;
  /** Rows that are above the first one shown. */
  readonly scroll: number;
  /** What is shown while it is held; undefined: what is. */
  readonly held: TopData | undefined;
  readonly isHelp: boolean;
}

const byFirst: Sorting = { column: 0, isReversed: false };

export const firstChoice: TopChoice = {
  view: "nodes",
  sortings: { nodes: byFirst, buckets: { ...byFirst, column: 1 }, files: byFirst, events: byFirst },
  scroll: 0,
  held: undefined,
  isHelp: false,
};

export interface Surroundings {
  readonly data: TopData;
  /** Columns of the view that is shown. */
  readonly columns: number;
  /** Rows there are, and how many of them fit. */
  readonly rows: number;
  readonly page: number;
}

/** @returns what is chosen after a key; `quit` to end */
export function afterKey(key: string, choice: TopChoice, around: Surroundings): TopChoice | "quit" {
  if (key === "q" || key === "ctrl-c" || key === "ctrl-d") return "quit";
  if (choice.isHelp) return { ...choice, isHelp: false };
  const { view, sortings } = choice;
  const sort = (change: Partial<Sorting>): TopChoice => ({
    ...choice,
    scroll: 0,
    sortings: { ...sortings, [view]: { ...sortings[view], ...change } },
  });
  const show = (next: TopView): TopChoice => ({ ...choice, view: next, scroll: 0 });
  const scrollTo = (row: number): TopChoice => ({
    ...choice,
    scroll: Math.max(0, Math.min(row, around.rows - around.page)),
  });
  const sorted = sortings[view].column;
  switch (key) {
    case "n":
      return show("nodes");
    case "b":
      return show("buckets");
    case "f":
      return show("files");
    case "e":
      return show("events");
    case "tab":
      return show(topViews[(topViews.indexOf(view) + 1) % topViews.length] ?? "nodes");
    case "s":
    case "right":
      return sort({ column: (sorted + 1) % around.columns, isReversed: false });
    case "S":
    case "left":
      return sort({ column: (sorted + around.columns - 1) % around.columns, isReversed: false });
    case "r":
      return sort({ isReversed: !sortings[view].isReversed });
    case "p":
    case "space":
      return { ...choice, held: choice.held ? undefined : around.data };
    case "up":
      return scrollTo(choice.scroll - 1);
    case "down":
      return scrollTo(choice.scroll + 1);
    case "pageup":
      return scrollTo(choice.scroll - around.page);
    case "pagedown":
      return scrollTo(choice.scroll + around.page);
    case "home":
      return scrollTo(0);
    case "end":
      return scrollTo(around.rows);
    case "?":
    case "h":
      return { ...choice, isHelp: true };
    default:
      return choice;
  }
}
