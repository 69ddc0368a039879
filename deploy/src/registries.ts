/** All metrics that there are, as the packages declare them. Nothing is read of them here. */
import { dataNodeMetrics } from "@quorumfs/datanode";
import { declareReadings, superNodeInstruments } from "@quorumfs/supernode";
import { Metrics, processMetrics } from "@quorumfs/telemetry";
import { workloadMetrics } from "@quorumfs/workload-generator";
import type { Registry } from "./metrics-reference.js";

/** Declared once in a run: the metrics of a process watch it for good. */
let declared: readonly Registry[] | undefined;

export function registries(): readonly Registry[] {
  return (declared ??= [dataNodeRegistry(), superNodeRegistry(), workloadRegistry(), processRegistry()]);
}

function dataNodeRegistry(): Registry {
  const metrics = new Metrics();
  dataNodeMetrics(metrics, () => undefined);
  const served = "At `/metrics` of each DataNode's `metrics-port`, which is its port plus 100.";
  return { title: "DataNode", served, metrics: metrics.list() };
}

function superNodeRegistry(): Registry {
  const metrics = new Metrics();
  superNodeInstruments(metrics);
  declareReadings(metrics, {
    state: {
      members: [],
      healthOf: () => "down",
      layout: undefined,
      targets: undefined,
      change: undefined,
      buckets: [],
    },
    heartbeats: { received: 0 },
    events: { counts: new Map(), leftOut: 0, size: 0 },
    watchers: { count: 0 },
    driver: { isStuck: false },
  });
  return { title: "SuperNode", served: "At `/metrics` of the SuperNode's `console-port`.", metrics: metrics.list() };
}

function workloadRegistry(): Registry {
  const metrics = new Metrics();
  workloadMetrics(metrics, () => undefined);
  const served = "At `/metrics` of `quorumfs-workload --metrics-port PORT`, while it runs.";
  return { title: "Workload generator", served, metrics: metrics.list() };
}

function processRegistry(): Registry {
  const metrics = new Metrics();
  processMetrics(metrics, { process: "", version: "" });
  return { title: "Every process", served: "Beside their own, all of them serve these.", metrics: metrics.list() };
}
