import type { Histogram } from "hdr-histogram-js";
import type { SeriesPoint } from "../measure/series.js";

/** A plot as uPlot takes it: the first column is x, a gap is null. */
export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly logarithmicY: boolean;
  /** If x stands for a percentile: labels for its values. */
  readonly ticks?: readonly (readonly [at: number, label: string])[];
  readonly lines: readonly string[];
  readonly columns: readonly (readonly (number | null)[])[];
}

/** Throughput and latency over time, and latency by percentile. */
export function plotsOf(
  points: readonly SeriesPoint[],
  groups: readonly { readonly name: string; readonly latency: Histogram }[],
): readonly Plot[] {
  return [
    throughput(points),
    latencyOverTime(points, "reads"),
    latencyOverTime(points, "writes"),
    byPercentile(groups),
  ].filter((plot) => plot.lines.length > 0);
}

function throughput(points: readonly SeriesPoint[]): Plot {
  const perSecond = (count: number, { widthMs }: SeriesPoint): number => (count * 1000) / widthMs;
  const reads = points.map((point) => perSecond(point.reads?.totalCount ?? 0, point));
  const writes = points.map((point) => perSecond(point.writes?.totalCount ?? 0, point));
  const errors = points.map((point) => perSecond(point.errors, point));
  const drawn = [
    { name: "reads/s", values: reads },
    { name: "writes/s", values: writes },
    { name: "failed/s", values: errors },
  ].filter(({ values }) => values.some((value) => value > 0));
  return {
    title: "Throughput",
    x: "seconds",
    y: "operations/s",
    logarithmicY: false,
    lines: drawn.map(({ name }) => name),
    columns: [seconds(points), ...drawn.map(({ values }) => values)],
  };
}

function latencyOverTime(points: readonly SeriesPoint[], group: "reads" | "writes"): Plot {
  const isEmpty = points.every((point) => point[group] === undefined);
  const at = (percentile: number): (number | null)[] =>
    points.map((point) => {
      const histogram = point[group];
      return histogram ? histogram.getValueAtPercentile(percentile) / 1000 : null;
    });
  return {
    title: `Latency of ${group}`,
    x: "seconds",
    y: "ms",
    logarithmicY: true,
    lines: isEmpty ? [] : ["p50", "p90", "p99", "max"],
    columns: [seconds(points), at(50), at(90), at(99), at(100)],
  };
}

function seconds(points: readonly SeriesPoint[]): number[] {
  return points.map(({ atMs }) => atMs / 1000);
}

/** Each step to the right leaves a tenth as many operations: 0, 90, 99, 99.9 % ... */
const decades = 5;
const stepsPerDecade = 20;

function byPercentile(groups: readonly { readonly name: string; readonly latency: Histogram }[]): Plot {
  const drawn = groups.filter(({ latency }) => latency.totalCount > 0);
  const x = Array.from({ length: decades * stepsPerDecade + 1 }, (_, step) => step / stepsPerDecade);
  return {
    title: "Latency by percentile",
    x: "percentile",
    y: "ms",
    logarithmicY: true,
    ticks: Array.from({ length: decades + 1 }, (_, nines) => [nines, percentileLabel(nines)] as const),
    lines: drawn.map(({ name }) => name),
    columns: [
      x,
      ...drawn.map(({ latency }) =>
        x.map((nines) => latency.getValueAtPercentile(100 - 100 * 10 ** -nines) / 1000 || null),
      ),
    ],
  };
}

function percentileLabel(nines: number): string {
  return nines === 0 ? "0 %" : `${(100 - 100 * 10 ** -nines).toFixed(Math.max(0, nines - 2))} %`;
}
