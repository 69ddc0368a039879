import type { Clock, Log, Random } from "@quorumfs/core";
import type { RetryBudget } from "../retry/retry-budget.js";
import type { DataNodes } from "../routing/data-nodes.js";
import type { Limiter } from "./limiter.js";

/** What the operations of one client share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dataNodes: DataNodes;
  readonly budget: RetryBudget;
  readonly limiter: Limiter;
  /** Operations that sit out a pause, so that closing the client ends them; those under way end with their lane. */
  readonly pausing: Set<{ close(): void }>;
}
