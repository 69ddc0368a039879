/** All metrics that there are, as the packages declare them. Nothing is read of them here. */
import { Metrics, processMetrics } from "@quorumfs/telemetry";
import type { Registry } from "./metrics-reference.js";

/** Declared once in a run: the metrics of a process watch it for good. */
let declared: readonly Registry[] | undefined;

export function registries(): readonly Registry[] {
  return (declared ??= [processRegistry()]);
}

function processRegistry(): Registry {
  const metrics = new Metrics();
  processMetrics(metrics, { process: "", version: "" });
  return {
    title: "Every process",
    served: "Served by all of them beside their own.",
    metrics: metrics.list(),
  };
}
