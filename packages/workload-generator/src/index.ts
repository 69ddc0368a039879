export { checkLinearizable } from "./history/check.js";
export type { Verdict } from "./history/check.js";
export type * from "./history/operation.js";
export { formatTimeline } from "./history/timeline.js";
