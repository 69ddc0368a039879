export { drawPlan, usualRanges } from "./simulation/plan.js";
export type { HistoryPlan, PlanRanges } from "./simulation/plan.js";
export { runHistory } from "./simulation/run-history.js";
export type { HistoryResult, SimulationOptions } from "./simulation/run-history.js";
