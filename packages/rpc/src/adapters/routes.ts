import type { sendUnaryData, Server, ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { Log, Route } from "@quorumfs/core";
import { codecOf, Undecodable } from "./codec.js";
import { GrpcCallContext } from "./grpc-call-context.js";
import { toServerError, toStatus } from "./status.js";

/** The routes that grpc-js serves; duplex streams are served without it. */
type UnaryRoute = Extract<Route, { kind: "unary" }>;
type StreamRoute = Extract<Route, { kind: "serverStream" }>;
type StreamCall = ServerWritableStream<unknown, unknown>;

/** Offers a route at a gRPC server. Whatever its handler throws becomes a status; nothing ends the process. */
export function registerRoute(server: Server, route: UnaryRoute | StreamRoute, log: Log): void {
  const { path } = route.method;
  const { encodeResponse, decodeRequest } = codecOf(route.method);
  if (route.kind === "unary") {
    server.register(path, unaryHandler(route, log), encodeResponse, decodeRequest, "unary");
  } else {
    server.register(path, streamHandler(route, log), encodeResponse, decodeRequest, "serverStream");
  }
}

function decoded(request: unknown): unknown {
  if (request instanceof Undecodable) throw request.error;
  return request;
}

function unaryHandler(route: UnaryRoute, log: Log) {
  const where = { log, method: route.method.path };
  const answer = async (call: ServerUnaryCall<unknown, unknown>): Promise<unknown> =>
    route.handle(decoded(call.request), new GrpcCallContext(call));
  return (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>): void => {
    answer(call).then(
      (response) => reply(null, response),
      (thrown: unknown) => reply(toServerError(toStatus(thrown, where))),
    );
  };
}

function streamHandler(route: StreamRoute, log: Log) {
  const where = { log, method: route.method.path };
  return (call: StreamCall): void => {
    sendAll(route, call).then(
      () => call.end(),
      (thrown: unknown) => call.emit("error", toServerError(toStatus(thrown, where))),
    );
  };
}

/**
 * Sends what the handler yields, no faster than the caller reads, until it ends or the caller has gone. A handler that
 * waits for news must heed its signal: it cannot be left while it waits.
 */
async function sendAll(route: StreamRoute, call: StreamCall): Promise<void> {
  const messages = route.handle(decoded(call.request), new GrpcCallContext(call));
  for await (const message of messages) {
    if (call.cancelled) return;
    if (!call.write(message)) await drainedOrGone(call);
  }
}

function drainedOrGone(call: StreamCall): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      call.off("cancelled", done);
      resolve();
    };
    if (call.cancelled) resolve();
    call.once("drain", done);
    call.once("cancelled", done);
  });
}
