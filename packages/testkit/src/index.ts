export { Coverage } from "./simulation/coverage.js";
export { layoutRules } from "./simulation/followed-layout.js";
export { bytesOf, formatReply, formatRequest, formatValue } from "./simulation/format.js";
export {
  drawAnyPlan,
  drawMovingPlan,
  movingProfiles,
  noFaults,
  planProfiles,
  usualRanges,
} from "./simulation/plan-profiles.js";
export type { PlanProfile } from "./simulation/plan-profiles.js";
export { drawPlan } from "./simulation/plan.js";
export type { HistoryPlan, PlanRanges } from "./simulation/plan.js";
export { protocol } from "./simulation/protocol.js";
export type { Protocol } from "./simulation/protocol.js";
export { runHistory } from "./simulation/run-history.js";
export type { HistoryResult, SimulationOptions } from "./simulation/run-history.js";
export { shrinkPlan } from "./simulation/shrink-plan.js";
export { coordinatorRules } from "./simulation/simulated-coordinator.js";
export { replicaRules } from "./simulation/simulated-replica.js";
export { superNodeRules } from "./simulation/simulated-super-node.js";
export { takeoverRules } from "./simulation/simulated-takeover.js";
