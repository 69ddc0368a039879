import { type CallContext, type CancelSignal, type Method, QuorumError, type Route } from "@quorumfs/core";
import type { CallEnd } from "./call-end.js";
import { goneSignal } from "./call-end.js";

export type ServerEnd = CallEnd<unknown, unknown>;

/** Runs a route's handler on the server's end of a stream, as gRPC's server does. Whatever it throws becomes the stream's end. */
export function serve(route: Route, end: ServerEnd, caller: Pick<CallContext, "peer" | "identity">): void {
  const context = new ServedCall(end, caller);
  switch (route.kind) {
    case "unary":
      end.onMessage((request) => {
        answer(route, request, context).then(
          (response) => {
            end.write(response);
            end.end();
          },
          (thrown: unknown) => end.fail(thrown),
        );
      });
      break;
    case "serverStream":
      end.onMessage((request) => {
        sendAll(route, request, end, context).then(
          () => end.end(),
          (thrown: unknown) => end.fail(thrown),
        );
      });
      break;
    case "duplex":
      try {
        route.handle(end, context);
      } catch (thrown) {
        end.fail(thrown);
      }
      break;
  }
}

class ServedCall implements CallContext {
  readonly peer: string;
  readonly identity: ReadonlyMap<string, string>;
  readonly #end: ServerEnd;
  #signal: CancelSignal | undefined;

  constructor(end: ServerEnd, caller: Pick<CallContext, "peer" | "identity">) {
    this.#end = end;
    this.peer = caller.peer;
    this.identity = caller.identity;
  }

  get signal(): CancelSignal {
    return (this.#signal ??= goneSignal(this.#end));
  }
}

async function answer(
  route: Extract<Route, { kind: "unary" }>,
  request: unknown,
  context: CallContext,
): Promise<unknown> {
  return route.handle(request, context);
}

async function sendAll(
  route: Extract<Route, { kind: "serverStream" }>,
  request: unknown,
  end: ServerEnd,
  context: CallContext,
): Promise<void> {
  let gone = false;
  let wake: () => void = () => undefined;
  end.onGone(() => {
    gone = true;
    wake();
  });
  end.onDrain(() => wake());
  for await (const message of route.handle(request, context)) {
    if (gone) return;
    if (!end.write(message)) await new Promise<void>((resolve) => (wake = resolve));
  }
}

/** A method as the server decodes and encodes it. */
export function serverCodec(method: Method<unknown, unknown>) {
  return {
    encode: (message: unknown) => method.responsePieces?.(message) ?? [method.responseSerialize(message)],
    decode: (bytes: Uint8Array) => method.requestDeserialize(bytes),
  };
}

export function noSuchRoute(path: string): QuorumError {
  return new QuorumError({ code: "internal", message: `the server does not know ${path}` });
}
