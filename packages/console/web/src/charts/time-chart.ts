/**
 * A live chart of the last minutes. Lines differ in colour and in how they are dashed; the legend has the figures of the
 * last second, or of the one under the cursor, which the pointer or the arrow keys move in all charts at once.
 */
import uPlot from "uplot";
import type { LiveSample } from "../../../src/api.js";
import { samples } from "../store.js";
import { formatClock, noFigure } from "../ui/format.js";
import { h, svg } from "../ui/h.js";
import { effect, onEnd, type Signal, signal } from "../ui/reactive.js";
import { themeChanges } from "../ui/theme.js";
import { isVisible } from "../ui/visibility.js";
import { toColumns } from "./columns.js";
import { type Colour, colour, faded } from "./palette.js";
import { byteSteps, decades, isDecade, roundUp, roundUpBytes } from "./scale.js";

export interface ChartLine {
  readonly label: string;
  readonly colour: Colour;
  readonly dash: (typeof dashes)[keyof typeof dashes];
  /** Filled down to the axis. */
  readonly area?: boolean;
  /** Null: there is none in this second. */
  readonly value: (sample: LiveSample) => number | null;
}

/** Lengths of strokes and gaps, so that nobody needs the colours to tell lines apart. */
export const dashes = { solid: [], long: [9, 4], short: [4, 3], dots: [1.5, 3], mixed: [9, 3, 2, 3] } as const;

const heightPx = 176;
/** Wide enough for every label, so that the charts' times stand below each other. */
const axisPx = 58;

const cursorSync = "time";

export interface ChartOptions {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  /** `decades`: logarithmic, for what differs by factors. `bytes`: marks at powers of two. */
  readonly scale?: "linear" | "decades" | "bytes";
  /** The axis reaches at least up to here, so that one small event does not look like a wall. */
  readonly maxAtLeast: number;
  readonly seconds: Signal<number>;
}

export function timeChart(options: ChartOptions): HTMLElement {
  const { title, lines, seconds, format } = options;
  const pointed = signal<number | undefined>(undefined);
  const data = signal<uPlot.AlignedData>([[], ...lines.map(() => [])]);
  const row = (): number => pointed.get() ?? data.get()[0].length - 1;
  const figure = (line: number): string => {
    const value = data.get()[line + 1]?.[row()];
    return value === null || value === undefined ? noFigure : format(value);
  };
  const pointedAt = (): string => {
    const at = pointed.get() === undefined ? undefined : data.get()[0][row()];
    return at === undefined ? "" : formatClock(at * 1000);
  };

  const stage: HTMLDivElement = h("div", {
    class: "chart-stage live",
    role: "img",
    tabindex: 0,
    "aria-label": () => `${title}: ${lines.map(({ label }, line) => `${label} ${figure(line)}`).join(", ")}`,
    onkeydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      pointAt(Math.max(0, Math.min(data.peek()[0].length - 1, (pointed.peek() ?? data.peek()[0].length) + step)));
    },
    onblur: () => pointAll(undefined),
  });
  const plot: uPlot = new uPlot(plotOptions(options, pointed), data.peek(), stage);
  const pointAt = (index: number): void => pointAll(data.peek()[0][index]);

  effect(() => {
    if (!isVisible.get()) return;
    const all = samples.get();
    const endMs = all.at(-1)?.atMs ?? Date.now();
    const beginMs = endMs - seconds.get() * 1000;
    const columns = toColumns(
      all.filter(({ atMs }) => atMs >= beginMs),
      lines.map((line) => line.value),
    );
    data.set(columns);
    plot.batch(() => {
      plot.setData(columns, false);
      plot.setScale("x", { min: beginMs / 1000, max: endMs / 1000 });
    });
  });
  effect(() => {
    themeChanges.get();
    plot.redraw(false);
  });
  const resize = new ResizeObserver(() => {
    if (stage.clientWidth > 0) plot.setSize({ width: stage.clientWidth, height: heightPx });
  });
  resize.observe(stage);
  onEnd(() => {
    resize.disconnect();
    plot.destroy();
  });

  return h(
    "figure",
    { class: "chart" },
    h("figcaption", { class: "panel-head" }, h("h2", {}, title), h("span", { class: "end muted small" }, pointedAt)),
    h(
      "ul",
      { class: "legend" },
      lines.map((line, index) =>
        h(
          "li",
          {},
          stroke(line),
          h("span", {}, line.label),
          h("output", { "aria-live": "off" }, () => figure(index)),
        ),
      ),
    ),
    stage,
  );
}

/** Puts the cursor of all charts at a time; undefined: nowhere. */
function pointAll(at: number | undefined): void {
  for (const plot of uPlot.sync(cursorSync).plots) {
    plot.setCursor(at === undefined ? { left: -10, top: -10 } : { left: plot.valToPos(at, "x"), top: heightPx / 2 });
  }
}

/** The piece of line in the legend. */
function stroke({ colour: name, dash }: ChartLine): SVGSVGElement {
  return svg(
    "svg",
    { class: `stroke ${name.slice(2)}`, viewBox: "0 0 22 8", width: 22, height: 8, "aria-hidden": "true" },
    svg("path", { d: "M1 4h20", "stroke-dasharray": dash.join(" ") }),
  );
}

/** Seconds with nothing known on either side: no line shows them. */
function lonePoints(plot: uPlot, line: number): number[] {
  const values = plot.data[line] ?? [];
  const isKnown = (index: number): boolean => typeof values[index] === "number";
  return [...values.keys()].filter((index) => isKnown(index) && !isKnown(index - 1) && !isKnown(index + 1));
}

function onlyDecades(_: uPlot, splits: readonly number[]): (number | null)[] {
  return splits.map((split) => (isDecade(split) ? split : null));
}

function plotOptions(options: ChartOptions, pointed: Signal<number | undefined>): uPlot.Options {
  const { lines, format, scale = "linear", maxAtLeast } = options;
  const end = scale === "bytes" ? roundUpBytes : roundUp;
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis: uPlot.Axis = {
    font,
    stroke: () => colour("--text-3"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
  return {
    width: 400,
    height: heightPx,
    // Half of a label of the times is beyond the last second.
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: cursorSync },
      points: { size: 7 },
    },
    scales: {
      x: { time: true, auto: false },
      y:
        scale === "decades"
          ? { distr: 3, range: (_, min, max) => (min > 0 && max > 0 ? decades(min, max) : [0.1, 10]) }
          : { range: (_, _min, max) => [0, end(Math.max(max, maxAtLeast))] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 70, values: "{HH}:{mm}:{ss}" },
      {
        ...axis,
        size: axisPx,
        space: 34,
        values: (_, splits) => splits.map((split) => (split === null ? "" : format(split))),
        ...(scale === "bytes" ? { incrs: [...byteSteps] } : {}),
        ...(scale === "decades" ? { filter: onlyDecades, grid: { ...axis.grid, filter: onlyDecades } } : {}),
      },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: () => colour(line.colour),
        width: 1.6,
        dash: [...line.dash],
        points: { show: () => false, filter: lonePoints, size: 4 },
        ...(line.area ? { fill: () => faded(line.colour, 0.12) } : {}),
      })),
    ],
    hooks: {
      setCursor: [({ cursor }) => pointed.set(cursor.idx ?? undefined)],
    },
  };
}
