/** The closed sets of the API as values, for checking what comes in. */
import type { Distribution, Durability, OperationKind, Severity, WorkloadMode } from "./api.js";

export const operationKinds = ["get", "stat", "put", "delete", "list"] as const satisfies readonly OperationKind[];
export const severities = ["info", "warning", "error"] as const satisfies readonly Severity[];
export const durabilities = ["fsync", "memory"] as const satisfies readonly Durability[];
export const workloadModes = [
  "read-heavy",
  "write-heavy",
  "balanced",
  "state-query",
] as const satisfies readonly WorkloadMode[];
export const distributions = ["uniform", "zipfian", "hotspot"] as const satisfies readonly Distribution[];
