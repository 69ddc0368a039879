import {
  type CallContext,
  type Clock,
  type Duplex,
  type Log,
  QuorumError,
  type Route,
  duplexRoute,
  unaryRoute,
} from "@quorumfs/core";
import {
  type DeleteResponse,
  type FileRequest,
  type FileResponse,
  FileServiceService,
  type GetResponse,
  type ListResponse,
  type PutResponse,
  type SessionRequest,
  type SessionResponse,
  type StatResponse,
} from "@quorumfs/proto";
import type { Tracer } from "@quorumfs/telemetry/lean";
import { errorToDetail, type LaneCaller, serveLane, type ServedLane } from "@quorumfs/rpc";
import { Caller } from "../admission.js";
import { Follower } from "../follow/follower.js";
import type { LaneMeter } from "../observe/lane-meter.js";
import type { FileDispatcher, FileOperationMessage, FileResult } from "./file-dispatcher.js";

export interface FileRoutesOptions {
  readonly lanes: LaneMeter;
  readonly dispatcher: FileDispatcher;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FileRoutes {
  readonly routes: readonly Route[];
  /** Answers what was asked and ends the sessions; without it they stay open until they are cut. Idempotent. */
  drain(): Promise<void>;
}

/** FileService: each operation as a call of its own, and all of them in sessions. */
export function fileRoutes(options: FileRoutesOptions): FileRoutes {
  const { dispatcher, lanes, tracer, clock, log } = options;
  const onFrame = lanes.onFrame("sessions");
  const service = FileServiceService;
  const sessions = new Set<ServedLane>();
  // Calls outside of sessions: from wherever they come, they are one caller.
  const ways = { dispatcher, tracer, clock, caller: new Caller() };
  const routes = [
    unaryRoute(service.put, (value, context) => once(ways, { $case: "put", value }, context)),
    unaryRoute(service.get, (value, context) => once(ways, { $case: "get", value }, context)),
    unaryRoute(service.stat, (value, context) => once(ways, { $case: "stat", value }, context)),
    unaryRoute(service.delete, (value, context) => once(ways, { $case: "delete", value }, context)),
    unaryRoute(service.list, (value, context) => once(ways, { $case: "list", value }, context)),
    duplexRoute(service.session, (stream: Duplex<SessionResponse, SessionRequest>, { signal }) => {
      const own = { dispatcher, tracer, clock, caller: new Caller() };
      const session = serveLane<FileRequest, FileResponse, SessionRequest, SessionResponse>(stream, {
        unpack: (frame) => frame.requests,
        pack: (responses) => ({ responses }),
        bytesOf: sizeOf,
        dispatch: (request, reply, lane) => dispatch(own, request, reply, lane),
        refuse: ({ id }, error) => ({ id, result: { $case: "error", value: errorToDetail(error) }, trace: undefined }),
        cancelledId: ({ operation }) => (operation?.$case === "cancel" ? operation.value : undefined),
        onFrame,
        clock,
        log,
      });
      sessions.add(session);
      signal.addEventListener("abort", () => sessions.delete(session), { once: true });
    }),
  ];
  return {
    routes,
    drain: async () => {
      await Promise.all([...sessions].map((session) => session.drain()));
    },
  };
}

/** Who asks, and who does it. */
interface Ways {
  readonly dispatcher: FileDispatcher;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly caller: Caller;
}

function dispatch(ways: Ways, request: FileRequest, reply: (response: FileResponse) => void, lane: LaneCaller): void {
  const { dispatcher, tracer, caller } = ways;
  const { id, operation, timeoutMs, operationId } = request;
  if (operation === undefined || operation.$case === "cancel") {
    throw new QuorumError({ code: "invalid_argument", message: "the request names no operation known here" });
  }
  // 0 asks for no reply, and an operation whose end nobody hears of is none.
  if (id === 0) return;
  let ended = false;
  const follower = request.trace || tracer.enabled ? follow(ways, operation, request) : undefined;
  const cancel = dispatcher.dispatch(operation, { timeoutMs, caller, operationId, follower }, (error, result) => {
    ended = true;
    follower?.ended(error);
    reply({
      id,
      result: result ?? { $case: "error", value: errorToDetail(QuorumError.from(error)) },
      trace: follower?.trace,
    });
  });
  // What is over at once, like most refusals, needs no watching.
  if (!ended) lane.signalOf(request).addEventListener("abort", cancel);
}

const untraced = { trace: false, traceparent: "" };

function follow(
  { tracer, clock }: Ways,
  operation: FileOperationMessage,
  { trace, traceparent }: Pick<FileRequest, "trace" | "traceparent">,
): Follower {
  const { bucket } = operation.value;
  const attributes = {
    "quorumfs.bucket": bucket,
    ...("path" in operation.value && { "quorumfs.path": operation.value.path }),
  };
  const span = tracer.enabled
    ? tracer.start(`coordinate ${operation.$case}`, { role: "server", parent: traceparent, attributes })
    : undefined;
  return new Follower({ clock, tells: trace, span });
}

const noBytes = new Uint8Array(0);

interface Responses {
  readonly put: PutResponse;
  readonly get: GetResponse;
  readonly stat: StatResponse;
  readonly delete: DeleteResponse;
  readonly list: ListResponse;
}

/** One operation as a promise, given up when its caller has gone. */
function once<Case extends keyof Responses>(
  ways: Ways,
  operation: Extract<FileOperationMessage, { $case: Case }>,
  { signal }: CallContext,
): Promise<Responses[Case]> {
  const { dispatcher, tracer, caller } = ways;
  const follower = tracer.enabled ? follow(ways, operation, untraced) : undefined;
  const terms = { timeoutMs: 0, caller, operationId: noBytes, follower };
  return new Promise((resolve, reject) => {
    const cancel = dispatcher.dispatch(operation, terms, (error, result) => {
      signal.removeEventListener("abort", cancelOnce);
      follower?.ended(error);
      if (!result) reject(QuorumError.from(error));
      else if (isResultOf(operation.$case, result)) resolve(result.value);
    });
    function cancelOnce(): void {
      cancel();
    }
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancelOnce, { once: true });
  });
}

function isResultOf<Case extends keyof Responses>(
  name: Case,
  result: FileResult,
): result is FileResult & { readonly value: Responses[Case] } {
  return result.$case === name;
}

function sizeOf(response: FileResponse): number {
  switch (response.result?.$case) {
    case "get":
      return envelopeBytes + response.result.value.content.byteLength + response.result.value.manifest.byteLength;
    case "list":
      return envelopeBytes * (1 + response.result.value.files.length + response.result.value.commonPrefixes.length);
    case "put":
    case "stat":
    case "delete":
    case "error":
    case undefined:
      return envelopeBytes;
  }
}

// A file's path, etag and attributes as they usually are, or an error's text.
const envelopeBytes = 300;
