import {
  Metadata,
  type sendUnaryData,
  type Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type { Log, Route } from "@quorumfs/core";
import { GrpcCallContext } from "./call-context.js";
import { codecOf, Undecodable } from "./codec.js";
import { ServerDuplex } from "./server-duplex.js";
import { toStatus } from "./status.js";

export interface RouteContext {
  readonly log: Log;
  /** Ends the connection of a peer. */
  readonly cut: (peer: string) => void;
}

type UnaryRoute = Extract<Route, { kind: "unary" }>;
type StreamRoute = Extract<Route, { kind: "serverStream" }>;
type DuplexRoute = Extract<Route, { kind: "duplex" }>;
type StreamCall = ServerWritableStream<unknown, unknown>;

/** Offers a route at a gRPC server. Whatever its handler throws becomes a status; nothing ends the process. */
export function registerRoute(server: Server, route: Route, context: RouteContext): void {
  const { path } = route.method;
  const { encodeResponse, decodeRequest } = codecOf(route.method);
  switch (route.kind) {
    case "unary":
      server.register(path, unaryHandler(route, context), encodeResponse, decodeRequest, "unary");
      break;
    case "serverStream":
      server.register(path, streamHandler(route, context), encodeResponse, decodeRequest, "serverStream");
      break;
    case "duplex":
      server.register(path, duplexHandler(route, context), encodeResponse, decodeRequest, "bidi");
      break;
  }
}

function decoded(request: unknown): unknown {
  if (request instanceof Undecodable) throw request.error;
  return request;
}

function unaryHandler(route: UnaryRoute, { log }: RouteContext) {
  const where = { log, method: route.method.path };
  const answer = async (call: ServerUnaryCall<unknown, unknown>): Promise<unknown> =>
    route.handle(decoded(call.request), new GrpcCallContext(call));
  return (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>): void => {
    answer(call).then(
      (response) => reply(null, response),
      (thrown: unknown) => reply(toStatus(thrown, where)),
    );
  };
}

function streamHandler(route: StreamRoute, { log }: RouteContext) {
  const where = { log, method: route.method.path };
  return (call: StreamCall): void => {
    sendAll(route, call).then(
      () => call.end(),
      (thrown: unknown) => call.emit("error", toStatus(thrown, where)),
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

function duplexHandler(route: DuplexRoute, { log, cut }: RouteContext) {
  const where = { log, method: route.method.path };
  return (call: ServerDuplexStream<unknown, unknown>): void => {
    const stream = new ServerDuplex<unknown, unknown>(call, {
      cut,
      refuse: (error) => stream.fail(toStatus(error, where)),
    });
    try {
      // Tells the client at once that it has been heard.
      call.sendMetadata(new Metadata());
      route.handle(stream, new GrpcCallContext(call));
    } catch (thrown) {
      stream.fail(toStatus(thrown, where));
    }
  };
}
