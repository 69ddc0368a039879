/** What the cluster does, as clients and tools watch it. */
import { type CallContext, type CancelSignal, type Route, serverStreamRoute } from "@quorumfs/core";
import { AdminServiceService, type WatchActivityRequest, type WatchActivityResponse } from "@quorumfs/proto";
import { checkCallersCluster } from "../caller.js";
import type { Watchers } from "../watchers.js";
import { type ActivityHistory, historySecondsMax } from "./activity-history.js";

export interface ActivityRoutesOptions {
  readonly history: ActivityHistory;
  readonly clusterId: string;
  readonly watchers: Watchers;
  /** Aborted when the SuperNode stops. */
  readonly stopping: CancelSignal;
}

/** WatchActivity of AdminService. */
export function activityRoutes(options: ActivityRoutesOptions): readonly Route[] {
  const { history, clusterId, watchers, stopping } = options;
  return [
    serverStreamRoute(AdminServiceService.watchActivity, (request: WatchActivityRequest, call: CallContext) => {
      checkCallersCluster(call, clusterId);
      return watchers.counted(watchActivity(history, request, [call.signal, stopping]));
    }),
  ];
}

/** Begins with a message, empty if there is no history yet. Nothing is queued: who reads slowly misses seconds. */
async function* watchActivity(
  history: ActivityHistory,
  { historySeconds }: WatchActivityRequest,
  signals: readonly CancelSignal[],
): AsyncGenerator<WatchActivityResponse> {
  const over = new AbortController();
  const end = (): void => over.abort();
  for (const signal of signals) signal.addEventListener("abort", end, { once: true });
  if (signals.some((signal) => signal.aborted)) end();
  try {
    let seen = history.count;
    yield { samples: history.last(Math.min(historySecondsMax, historySeconds)) };
    while (!over.signal.aborted) {
      const { latest, count } = history;
      if (latest && count !== seen) {
        seen = count;
        yield { samples: [latest] };
      } else {
        await history.sampled.next(over.signal);
      }
    }
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", end);
  }
}
