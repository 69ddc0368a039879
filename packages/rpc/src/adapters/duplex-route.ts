import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { status as Status } from "@grpc/grpc-js";
import { type CallContext, type CancelSignal, type Log, QuorumError, type Route } from "@quorumfs/core";
import { CancelSource } from "../lane/cancel-source.js";
import { codecOf } from "./codec.js";
import type { StreamHandler } from "./http2-server.js";
import { identityFromHeaders } from "./identity.js";
import { ServerDuplex } from "./server-duplex.js";
import { toStatus } from "./status.js";
import { timeoutFromHeader } from "./timeout-header.js";

/** Serves the calls of a duplex route. Whatever its handler throws becomes a status; nothing ends the process. */
export function duplexHandler(route: Extract<Route, { kind: "duplex" }>, log: Log): StreamHandler {
  const where = { log, method: route.method.path };
  const options = { codec: codecOf(route.method), toStatus: (thrown: unknown) => toStatus(thrown, where) };
  return (http2Stream, headers) => {
    // Its client has given it up in the packet in which it opened it.
    if (http2Stream.closed || http2Stream.destroyed) return;
    const stream = new ServerDuplex<unknown, unknown>(http2Stream, options);
    limit(stream, http2Stream, headers);
    try {
      route.handle(stream, new StreamCallContext(http2Stream, headers));
    } catch (thrown) {
      stream.fail(thrown);
    }
  };
}

/** Ends the call at its deadline, if the client gave it one. */
function limit(stream: ServerDuplex<unknown, unknown>, http2Stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
  const timeoutMs = timeoutFromHeader(headers["grpc-timeout"]);
  if (timeoutMs === undefined) return;
  const status = { code: Status.DEADLINE_EXCEEDED, details: "deadline exceeded", detail: undefined };
  const timer = setTimeout(() => stream.finish(status), timeoutMs);
  http2Stream.once("close", () => clearTimeout(timer));
}

/** Who calls, read from the stream only as far as the handler asks. */
class StreamCallContext implements CallContext {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly peer: string;
  #identity: ReadonlyMap<string, string> | undefined;
  #signal: CancelSource | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.#headers = headers;
    const socket = stream.session?.socket;
    this.peer = `${socket?.remoteAddress}:${socket?.remotePort}`;
  }

  get identity(): ReadonlyMap<string, string> {
    this.#identity ??= identityFromHeaders(this.#headers);
    return this.#identity;
  }

  get signal(): CancelSignal {
    if (this.#signal) return this.#signal;
    const source = new CancelSource();
    const abort = (): void => source.abort(new QuorumError({ code: "cancelled", message: "the caller has gone" }));
    if (this.#stream.destroyed) abort();
    else this.#stream.once("close", abort);
    this.#signal = source;
    return source;
  }
}
