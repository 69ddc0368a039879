export { Coverage } from "./simulation/coverage.js";
export { drawPlan, usualRanges } from "./simulation/plan.js";
export type { HistoryPlan, PlanRanges } from "./simulation/plan.js";
export { protocol } from "./simulation/protocol.js";
export type { Protocol } from "./simulation/protocol.js";
export { runHistory } from "./simulation/run-history.js";
export type { HistoryResult, SimulationOptions } from "./simulation/run-history.js";
export { coordinatorRules } from "./simulation/simulated-coordinator.js";
export { replicaRules } from "./simulation/simulated-replica.js";
