export { checkLinearizable, type Verdict } from "./history/check.js";
export type * from "./history/operation.js";
export { formatTimeline } from "./history/timeline.js";
export { UniqueContent } from "./content/unique-content.js";
export { type LatencySummary, latencyHistogram, recordLatency, summarize } from "./measure/latency.js";
export { machineClock } from "./adapters/machine-clock.js";
export { seededDraw } from "./plan/seeded-random.js";
export { type Drive, drive, type DriveOptions } from "./run/drive.js";
