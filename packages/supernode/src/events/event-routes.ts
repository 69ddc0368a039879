/** The events as clients and tools ask for them. */
import { type CallContext, type CancelSignal, type Route, serverStreamRoute, unaryRoute } from "@quorumfs/core";
import {
  AdminServiceService,
  type ListEventsRequest,
  type ListEventsResponse,
  type WatchEventsRequest,
  type WatchEventsResponse,
} from "@quorumfs/proto";
import { checkCallersCluster } from "../caller.js";
import type { Watchers } from "../watchers.js";
import { eventFilter } from "./event-filter.js";
import type { EventLog } from "./event-log.js";

const limitMax = 1000;
const limitDefault = 100;

/** A message of a watch: some hundred KiB. */
const eventsPerMessageMax = 500;

export interface EventRoutesOptions {
  readonly events: EventLog;
  readonly clusterId: string;
  readonly watchers: Watchers;
  /** Aborted when the SuperNode stops. */
  readonly stopping: CancelSignal;
}

/** ListEvents and WatchEvents of AdminService. */
export function eventRoutes(options: EventRoutesOptions): readonly Route[] {
  const { events, clusterId, watchers, stopping } = options;
  return [
    unaryRoute(AdminServiceService.listEvents, async (request: ListEventsRequest, call: CallContext) => {
      checkCallersCluster(call, clusterId);
      return listEvents(events, request);
    }),
    serverStreamRoute(AdminServiceService.watchEvents, (request: WatchEventsRequest, call: CallContext) => {
      checkCallersCluster(call, clusterId);
      return watchers.counted(watchEvents(events, request, [call.signal, stopping]));
    }),
  ];
}

function listEvents(log: EventLog, { filter, beforeId, limit }: ListEventsRequest): ListEventsResponse {
  const wanted = eventFilter(filter);
  return log.list({ wanted, beforeId, limit: Math.min(limitMax, limit === 0 ? limitDefault : limit) });
}

/**
 * Begins with a message, empty if there is nothing to tell: what happens from then on is heard. Nothing is queued: who reads
 * slowly gets what is still kept.
 */
async function* watchEvents(
  log: EventLog,
  { filter, afterId }: WatchEventsRequest,
  signals: readonly CancelSignal[],
): AsyncGenerator<WatchEventsResponse> {
  const wanted = eventFilter(filter);
  const over = new AbortController();
  const end = (): void => over.abort();
  for (const signal of signals) signal.addEventListener("abort", end, { once: true });
  if (signals.some((signal) => signal.aborted)) end();
  try {
    const { newestId } = log;
    // Who knows an event that this log has not is told all of it: the SuperNode's store was made anew since.
    let through = afterId === 0 ? newestId : afterId > newestId ? 0 : afterId;
    let isFirst = true;
    while (!over.signal.aborted) {
      const found = log.after(through, { wanted, limit: eventsPerMessageMax });
      through = found.through;
      if (isFirst || found.events.length > 0) yield { events: found.events };
      else if (through === log.newestId) await log.appended.next(over.signal);
      isFirst = false;
    }
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", end);
  }
}
