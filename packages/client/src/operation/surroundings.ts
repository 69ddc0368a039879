import type { Clock, Log, Random } from "@quorumfs/core";
import type { Tracer } from "@quorumfs/telemetry/lean";
import type { OperationIds } from "../follow/operation-ids.js";
import type { RetryBudget } from "../retry/retry-budget.js";
import type { DataNodes } from "../routing/data-nodes.js";
import type { AbortListeners } from "./abort-listeners.js";
import type { Departures } from "./departures.js";
import type { FileTurns } from "./file-turns.js";
import type { Gate } from "./gate.js";

/** What the operations of one client share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tracer: Tracer;
  readonly ids: OperationIds;
  readonly dataNodes: DataNodes;
  readonly budget: RetryBudget;
  /** Second opinions on reads. */
  readonly hedgeBudget: RetryBudget;
  /** All operations. */
  readonly gate: Gate;
  /** How fast the gate is passed. */
  readonly departures: Departures;
  /** Mutations, by file. */
  readonly turns: FileTurns;
  readonly abortListeners: AbortListeners;
  /** Operations that sit out a pause, so that closing the client ends them; those under way end with their lane. */
  readonly pausing: Set<{ close(): void }>;
}
