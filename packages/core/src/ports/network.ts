/** What an `AbortSignal` offers of which the core needs to know; every `AbortSignal` is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A remote procedure: its path and how its messages become bytes. The generated service definitions are made of these. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(message: Request): Uint8Array;
  requestDeserialize(bytes: Uint8Array): Request;
  responseSerialize(message: Response): Uint8Array;
  responseDeserialize(bytes: Uint8Array): Response;
  /**
   * The same bytes in pieces, for messages that carry much: large fields are pieces as they are, and a stream sends them
   * without a copy. They must not be changed any more.
   */
  requestPieces?(message: Request): readonly Uint8Array[];
  responsePieces?(message: Response): readonly Uint8Array[];
}

export interface CallOptions {
  /** The call fails with `unavailable` when it took longer. Streams that are meant to stay open leave it out. */
  readonly timeoutMs?: number;
  readonly signal?: CancelSignal;
}

/** One direction of messages out, one in; ordered and reliable until `onEnd` is called, exactly once. */
export interface Duplex<Out, In> {
  /** Queues a message; `false` asks the caller to hold back until `onDrain`. Ignored after the end. */
  write(message: Out): boolean;
  /** Half-closes: nothing more is written, replies still arrive. */
  end(): void;
  /** Gives the stream up at once, in both directions. */
  cancel(): void;
  /** Stops and resumes the delivery of messages, holding back the sender by flow control. */
  pause(): void;
  resume(): void;
  onMessage(listener: (message: In) => void): void;
  onDrain(listener: () => void): void;
  /** `error` is a QuorumError if the stream broke, and undefined when it ended in order. */
  onEnd(listener: (error: Error | undefined) => void): void;
}

/** The server's end of a stream. */
export interface ServedDuplex<Out, In> extends Duplex<Out, In> {
  /**
   * As with every stream.
   *
   * @param onSent called once nothing looks at the message's memory any more, so that it may be used again. Perhaps never:
   *   not if the stream breaks before that
   */
  write(message: Out, onSent?: () => void): boolean;
  /** Ends the stream with what went wrong, which the caller is told just as with an ordinary call. */
  fail(error: unknown): void;
  /**
   * Says that nobody looks any more at the message that brought these bytes, so that its memory may hold a later one. For
   * bulk data; without it the garbage collector sees to that.
   */
  reuse?(bytes: Uint8Array): void;
}

/** A way to one peer. Connects when first used, reconnects by itself. */
export interface Channel {
  readonly address: string;
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response>;
  /** Reads one message at a time: a slow consumer holds the sender back. Leaving the loop cancels the call. */
  serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncIterable<Response>;
  duplex<Request, Response>(method: Method<Request, Response>, options: CallOptions): Duplex<Request, Response>;
  close(): void;
}

/** Who calls, as the server sees it. */
export interface CallContext {
  /** Address of the caller, for logs only. */
  readonly peer: string;
  /** What the caller's `ConnectOptions.identity` said; text, unverified until there is TLS. */
  readonly identity: ReadonlyMap<string, string>;
  /** Aborted when the caller has gone, has cancelled, or its deadline has passed. */
  readonly signal: CancelSignal;
}

/** One procedure that a server offers; `unary`, `serverStream` and `duplex` of this module make them. */
export type Route =
  | {
      readonly kind: "unary";
      readonly method: Method<unknown, unknown>;
      readonly handle: (request: unknown, context: CallContext) => Promise<unknown>;
    }
  | {
      readonly kind: "serverStream";
      readonly method: Method<unknown, unknown>;
      readonly handle: (request: unknown, context: CallContext) => AsyncIterable<unknown>;
    }
  | {
      readonly kind: "duplex";
      readonly method: Method<unknown, unknown>;
      readonly handle: (stream: ServedDuplex<unknown, unknown>, context: CallContext) => void;
    };

export function unaryRoute<Request, Response>(
  method: Method<Request, Response>,
  handle: (request: Request, context: CallContext) => Promise<Response>,
): Route {
  return { kind: "unary", method, handle } as Route;
}

export function serverStreamRoute<Request, Response>(
  method: Method<Request, Response>,
  handle: (request: Request, context: CallContext) => AsyncIterable<Response>,
): Route {
  return { kind: "serverStream", method, handle } as Route;
}

export function duplexRoute<Request, Response>(
  method: Method<Request, Response>,
  handle: (stream: ServedDuplex<Response, Request>, context: CallContext) => void,
): Route {
  return { kind: "duplex", method, handle } as Route;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
}

export interface Listener {
  /** `host:port` under which it was bound, with the real port. */
  readonly address: string;
  /** Stops accepting, lets running calls finish for `graceMs`, then cuts them. Never hangs. Idempotent. */
  close(graceMs: number): Promise<void>;
}

export interface ConnectOptions {
  /** `host:port`. */
  readonly address: string;
  /** Connections of different purposes share nothing, so that bulk data delays no vote. */
  readonly purpose: "votes" | "files" | "bulk" | "control";
  /** Sent with every call: cluster id, node id and the like (lower-case keys). */
  readonly identity: ReadonlyMap<string, string>;
}

/** The network as the services see it: grpc-js in production, a seeded one in the simulator. */
export interface Network {
  connect(options: ConnectOptions): Channel;
  listen(options: ListenOptions): Promise<Listener>;
}
