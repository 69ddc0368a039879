/** The four charts of what clients ask for and get. */
import type { LiveSample, OperationKind } from "../../../../src/api.js";
import { type ChartLine, dashes, timeChart } from "../../charts/time-chart.js";
import { formatBytes, formatMs, formatShort } from "../../ui/format.js";
import { h } from "../../ui/h.js";
import type { Signal } from "../../ui/reactive.js";

const kindLines: readonly (Omit<ChartLine, "value"> & { kind: OperationKind })[] = [
  { kind: "get", label: "get", colour: "--series-1", dash: dashes.solid, area: true },
  { kind: "put", label: "put", colour: "--series-2", dash: dashes.solid, area: true },
  { kind: "stat", label: "stat", colour: "--series-3", dash: dashes.long },
  { kind: "list", label: "list", colour: "--series-5", dash: dashes.short },
  { kind: "delete", label: "delete", colour: "--series-4", dash: dashes.mixed },
];

export function activityCharts(seconds: Signal<number>): HTMLElement {
  return h(
    "div",
    { class: "charts" },
    timeChart({
      title: "Operations per second",
      seconds,
      format: formatShort,
      maxAtLeast: 10,
      lines: kindLines.map(({ kind, ...line }) => ({
        ...line,
        value: ({ kinds }: LiveSample) => kinds[kind]?.answeredPerSecond ?? 0,
      })),
    }),
    timeChart({
      title: "Latency",
      seconds,
      format: formatMs,
      scale: "decades",
      maxAtLeast: 1,
      lines: [
        { label: "p50", colour: "--series-3", dash: dashes.solid, value: ({ total }) => total.p50Ms },
        { label: "p95", colour: "--series-1", dash: dashes.long, value: ({ total }) => total.p95Ms },
        { label: "p99", colour: "--series-4", dash: dashes.short, value: ({ total }) => total.p99Ms },
      ],
    }),
    timeChart({
      title: "Errors and refusals per second",
      seconds,
      format: formatShort,
      maxAtLeast: 1,
      lines: [
        {
          label: "errors",
          colour: "--error",
          dash: dashes.solid,
          area: true,
          value: ({ total }) => total.errorsPerSecond,
        },
        {
          label: "refused for load",
          colour: "--series-2",
          dash: dashes.long,
          value: ({ total }) => total.refusedPerSecond,
        },
      ],
    }),
    timeChart({
      title: "Content per second",
      seconds,
      format: formatBytes,
      scale: "bytes",
      maxAtLeast: 1024,
      lines: [
        {
          label: "read",
          colour: "--series-1",
          dash: dashes.solid,
          area: true,
          value: ({ bytesReadPerSecond }) => bytesReadPerSecond,
        },
        {
          label: "written",
          colour: "--series-2",
          dash: dashes.long,
          value: ({ bytesWrittenPerSecond }) => bytesWrittenPerSecond,
        },
      ],
    }),
  );
}
