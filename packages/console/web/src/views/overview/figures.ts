/** The figures of the last second, large. */
import { cluster, latest, samples } from "../../store.js";
import { formatBytes, formatMs, formatShort, noFigure } from "../../ui/format.js";
import { h } from "../../ui/h.js";

export function figures(): HTMLElement {
  const last = () => latest.get() ?? samples.get().at(-1);
  const ofLast = (read: (sample: NonNullable<ReturnType<typeof last>>) => string): (() => string) => {
    return () => {
      const sample = last();
      return sample ? read(sample) : noFigure;
    };
  };
  return h(
    "dl",
    { class: "figures live" },
    figure(
      "Operations",
      ofLast(({ total }) => formatShort(total.answeredPerSecond)),
      "answered per second",
    ),
    figure(
      "Median latency",
      ofLast(({ total }) => formatMs(total.p50Ms ?? undefined)),
      ofLast(({ total }) => `p99 ${formatMs(total.p99Ms ?? undefined)}`),
    ),
    figure(
      "Errors",
      ofLast(({ total }) => formatShort(total.errorsPerSecond)),
      ofLast(({ total }) => `${formatShort(total.refusedPerSecond)} refused`),
    ),
    figure(
      "Read",
      ofLast(({ bytesReadPerSecond }) => formatBytes(bytesReadPerSecond)),
      "per second",
    ),
    figure(
      "Written",
      ofLast(({ bytesWrittenPerSecond }) => formatBytes(bytesWrittenPerSecond)),
      "per second",
    ),
    figure("DataNodes", nodesUp, () => `up; each file on ${cluster.get()?.replicas ?? noFigure}`),
  );
}

function nodesUp(): string {
  const nodes = cluster.get()?.nodes;
  if (!nodes) return noFigure;
  return `${nodes.filter(({ state }) => state === "up").length} of ${nodes.length}`;
}

function figure(name: string, value: () => string, note: string | (() => string)): HTMLElement {
  return h(
    "div",
    { class: "figure" },
    h("dt", {}, name),
    h("dd", { class: "figure-value" }, value),
    h("dd", { class: "figure-note" }, note),
  );
}
