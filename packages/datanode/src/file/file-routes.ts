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
import { errorToDetail, type LaneCaller, serveLane, type ServedLane } from "@quorumfs/rpc";
import type { FileDispatcher, FileOperationMessage, FileResult } from "./file-dispatcher.js";

export interface FileRoutesOptions {
  readonly dispatcher: FileDispatcher;
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
  const { dispatcher, clock, log } = options;
  const service = FileServiceService;
  const sessions = new Set<ServedLane>();
  const routes = [
    unaryRoute(service.put, (value, context) => once(dispatcher, { $case: "put", value }, context)),
    unaryRoute(service.get, (value, context) => once(dispatcher, { $case: "get", value }, context)),
    unaryRoute(service.stat, (value, context) => once(dispatcher, { $case: "stat", value }, context)),
    unaryRoute(service.delete, (value, context) => once(dispatcher, { $case: "delete", value }, context)),
    unaryRoute(service.list, (value, context) => once(dispatcher, { $case: "list", value }, context)),
    duplexRoute(service.session, (stream: Duplex<SessionResponse, SessionRequest>, { signal }) => {
      const session = serveLane<FileRequest, FileResponse, SessionRequest, SessionResponse>(stream, {
        unpack: (frame) => frame.requests,
        pack: (responses) => ({ responses }),
        bytesOf: sizeOf,
        dispatch: (request, reply, caller) => dispatch(dispatcher, request, reply, caller),
        refuse: ({ id }, error) => ({ id, result: { $case: "error", value: errorToDetail(error) } }),
        cancelledId: ({ operation }) => (operation?.$case === "cancel" ? operation.value : undefined),
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

function dispatch(
  dispatcher: FileDispatcher,
  request: FileRequest,
  reply: (response: FileResponse) => void,
  caller: LaneCaller,
): void {
  const { id, operation, timeoutMs } = request;
  if (operation === undefined || operation.$case === "cancel") {
    throw new QuorumError({ code: "invalid_argument", message: "the request names no operation known here" });
  }
  // 0 asks for no reply, and an operation whose end nobody hears of is none.
  if (id === 0) return;
  let ended = false;
  const cancel = dispatcher.dispatch(operation, timeoutMs, (error, result) => {
    ended = true;
    reply({ id, result: result ?? { $case: "error", value: errorToDetail(QuorumError.from(error)) } });
  });
  // What is over at once, like most refusals, needs no watching.
  if (!ended) caller.signalOf(request).addEventListener("abort", cancel);
}

interface Responses {
  readonly put: PutResponse;
  readonly get: GetResponse;
  readonly stat: StatResponse;
  readonly delete: DeleteResponse;
  readonly list: ListResponse;
}

/** One operation as a promise, given up when its caller has gone. */
function once<Case extends keyof Responses>(
  dispatcher: FileDispatcher,
  operation: Extract<FileOperationMessage, { $case: Case }>,
  { signal }: CallContext,
): Promise<Responses[Case]> {
  return new Promise((resolve, reject) => {
    const cancel = dispatcher.dispatch(operation, 0, (error, result) => {
      signal.removeEventListener("abort", cancelOnce);
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
