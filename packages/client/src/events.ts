import { type CallOptions, type Channel, type EventSeverity, QuorumError } from "@quorumfs/core";
import { AdminServiceService, type Event, type EventFilter, Severity, type WatchEventsResponse } from "@quorumfs/proto";
import { wallDate } from "./adapters/wall-date.js";
import type { Control } from "./cluster/control.js";
import { resumed, type ResumedStreamOptions } from "./cluster/resumed-stream.js";
import type { ClusterEvent, EventPage } from "./event-info.js";
import { callWith, type EventFilterOptions, type ListEventsOptions, type WatchEventsOptions } from "./options.js";

/** Of one answer of the SuperNode. */
const limitMax = 1000;
const limitDefault = 100;
// A call within a watch, which has no deadline of its own.
const listTimeoutMs = 10_000;

/** @throws QuorumError `invalid_argument` */
export async function listEvents(control: Control, options: ListEventsOptions): Promise<EventPage> {
  const { limit = limitDefault, before } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    throw invalid(`limit must be a whole number from 1 to ${limitMax}, got ${limit}`);
  }
  const request = { filter: toFilter(options), beforeId: checkId("before", before), limit };
  const { events, more } = await control.ask(AdminServiceService.listEvents, request, callWith(options));
  return { events: events.map(toEvent), more };
}

/** The events of one call of `watchEvents`. */
export async function* watchEvents(
  watch: Pick<ResumedStreamOptions<never>, "control" | "clock" | "random">,
  options: WatchEventsOptions,
): AsyncGenerator<ClusterEvent, void, undefined> {
  const filter = toFilter(options);
  let after = options.after === undefined ? undefined : checkId("after", options.after);
  const responses = resumed({
    ...watch,
    call: options,
    open: (channel, call) => follow({ channel, call, filter, after, begun: (id) => (after = id) }),
  });
  for await (const { events } of responses) {
    for (const event of events) {
      after = event.id;
      yield toEvent(event);
    }
  }
}

interface Following {
  readonly channel: Channel;
  readonly call: CallOptions;
  readonly filter: EventFilter;
  /** Undefined: from now on. */
  readonly after: number | undefined;
  /** Told from where on events are followed, so that none is missed if the stream breaks before the first. */
  readonly begun: (after: number) => void;
}

async function* follow(options: Following): AsyncGenerator<WatchEventsResponse, void, undefined> {
  const { channel, call, filter, begun } = options;
  const list = (limit: number, of?: EventFilter) =>
    channel.unary(
      AdminServiceService.listEvents,
      { filter: of, beforeId: 0, limit },
      { ...call, timeoutMs: listTimeoutMs },
    );
  const newest = (await list(1)).events[0]?.id ?? 0;
  let after = options.after ?? newest;
  begun(after);
  // 0 asks for what happens from now on. A SuperNode whose store was made anew counts from the beginning.
  if (options.after === 0 || after > newest) {
    const { events } = await list(limitMax, filter);
    after = newest;
    yield { events: events.toReversed() };
    begun(after);
  }
  yield* channel.serverStream(AdminServiceService.watchEvents, { filter, afterId: after }, call);
}

const severities: Readonly<Record<EventSeverity, Severity>> = {
  info: Severity.SEVERITY_INFO,
  warning: Severity.SEVERITY_WARNING,
  error: Severity.SEVERITY_ERROR,
};

function toFilter({ kinds = [], node, severity }: EventFilterOptions): EventFilter {
  if (node !== undefined && (!Number.isInteger(node) || node < 1)) throw invalid(`${node} is no id of a DataNode`);
  return {
    kinds: [...kinds],
    node: node ?? 0,
    severity: severity === undefined ? Severity.SEVERITY_UNSPECIFIED : severities[severity],
  };
}

function toEvent({ id, atMs, kind, severity, node, message, fields }: Event): ClusterEvent {
  return {
    id,
    at: wallDate(atMs),
    kind,
    severity: toSeverity(severity),
    node: node === 0 ? undefined : node,
    message,
    fields: Object.fromEntries(fields),
  };
}

function toSeverity(severity: Severity): EventSeverity {
  switch (severity) {
    case Severity.SEVERITY_ERROR:
      return "error";
    case Severity.SEVERITY_WARNING:
      return "warning";
    case Severity.SEVERITY_INFO:
    case Severity.SEVERITY_UNSPECIFIED:
    case Severity.UNRECOGNIZED:
      return "info";
  }
}

/** 0 stands for none on the wire. */
function checkId(what: "before" | "after", id: number | undefined): number {
  if (id === undefined) return 0;
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw invalid(`${what} must be the id of an event, got ${id}`);
}

function invalid(message: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message });
}
