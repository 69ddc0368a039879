import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { AssertionError } from "@quorumfs/core";
import { connectionWindowBytes, headerBytesMax, streamWindowBytes } from "./limits.js";

/** Takes a call on an HTTP/2 stream. */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * The one place that reaches into grpc-js' `Server`: into the settings from which it makes its HTTP/2 servers, and
 * the method that makes them. Two things need it:
 *
 * - **Receive windows.** grpc-js lets a client raise its window (`grpc-node.flow_control_window`) but leaves its server
 *   at HTTP/2's 64 KiB (grpc-node, pull request 3058), which makes an upload several times slower even on loopback.
 * - **Duplex streams.** grpc-js passes a message of a stream through some ten layers, which cost over 20 microseconds on
 *   each side; where operations travel in many small frames, that is most of what an operation costs. Frames are simple, so
 *   the streams of `handlers` are served straight from the HTTP/2 stream. Everything else stays with grpc-js.
 *
 * @param handlers by path, `/package.Service/Method`
 * @throws AssertionError if this grpc-js is not built the way that the pinned version is
 */
export function adaptHttp2Server(server: object, handlers: ReadonlyMap<string, StreamHandler>): void {
  if (!isAsWeKnowIt(server))
    throw new AssertionError("this version of @grpc/grpc-js is not the one that rpc was made for");
  const options = server.commonServerOptions;
  options.settings = {
    ...options.settings,
    initialWindowSize: streamWindowBytes,
    maxHeaderListSize: headerBytesMax,
  };
  const create = server.createHttp2Server.bind(server);
  server.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    http2Server.on("session", (session: ServerHttp2Session) => session.setLocalWindowSize(connectionWindowBytes));
    takeStreams(http2Server, handlers);
    return http2Server;
  };
}

function takeStreams(http2Server: Http2Server, handlers: ReadonlyMap<string, StreamHandler>): void {
  const others = http2Server.listeners("stream");
  http2Server.removeAllListeners("stream");
  http2Server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => {
    const handler = isGrpc(headers) ? handlers.get(headers[":path"] ?? "") : undefined;
    if (handler) handler(stream, headers);
    else for (const other of others) Reflect.apply(other, http2Server, [stream, headers, flags]);
  });
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

interface Http2Factory {
  readonly commonServerOptions: { settings?: Record<string, unknown> };
  createHttp2Server: (credentials: unknown) => Http2Server;
}

function isAsWeKnowIt(server: object): server is Http2Factory {
  return (
    "createHttp2Server" in server &&
    typeof server.createHttp2Server === "function" &&
    "commonServerOptions" in server &&
    typeof server.commonServerOptions === "object" &&
    server.commonServerOptions !== null
  );
}
