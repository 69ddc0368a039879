import type { HistoryPlan, NetworkPlan, PlannedClient } from "./plan.js";
import { type SimulationOptions, runHistory } from "./run-history.js";

// Each is one run, and a thousand runs take a second; what is left after so many is small enough to read.
const trialsMax = 3_000;

/**
 * The smallest plan near `plan` that still goes wrong: operations, faults and troubles of the network are left out one
 * after the other as long as something goes wrong without them (delta debugging, Zeller 2002, in its plainest form).
 */
export function shrinkPlan(plan: HistoryPlan, options: SimulationOptions = {}): HistoryPlan {
  let smallest = plan;
  let trials = 0;
  for (let progress = true; progress && trials < trialsMax;) {
    progress = false;
    for (const candidate of simplerThan(smallest)) {
      trials += 1;
      if (trials > trialsMax) break;
      if (runHistory(candidate, options).violation === undefined) continue;
      smallest = candidate;
      progress = true;
      break;
    }
  }
  return smallest;
}

function* simplerThan(plan: HistoryPlan): Generator<HistoryPlan> {
  for (const clients of without(plan.clients)) yield { ...plan, clients };
  for (const faults of without(plan.faults)) yield { ...plan, faults };
  for (const [index, client] of plan.clients.entries()) {
    for (const simpler of simplerClients(client)) yield { ...plan, clients: plan.clients.with(index, simpler) };
  }
  for (const trouble of ["loss", "duplication", "reordering"] as const) {
    const network: NetworkPlan = { ...plan.network, [trouble]: 0 };
    if (plan.network[trouble] > 0) yield { ...plan, network };
  }
}

function* simplerClients(client: PlannedClient): Generator<PlannedClient> {
  for (const operations of without(client.operations)) yield { operations };
  for (const [index, operation] of client.operations.entries()) {
    const { coordinators } = operation;
    if (coordinators.length < 2) continue;
    yield { operations: client.operations.with(index, { ...operation, coordinators: coordinators.slice(0, -1) }) };
  }
}

function* without<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let index = 0; index < list.length; index += 1) yield list.toSpliced(index, 1);
}
