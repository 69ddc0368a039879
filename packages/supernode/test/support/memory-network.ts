import {
  type CallContext,
  type CallOptions,
  type CancelSignal,
  type Channel,
  type ConnectOptions,
  type Duplex,
  type Listener,
  type ListenOptions,
  type Method,
  type Network,
  QuorumError,
  type Route,
  type ServedDuplex,
} from "@quorumfs/core";

/** Calls within this process; messages are encoded and decoded, so that nobody shares an object. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<string, readonly Route[]>();
  readonly #calls = new Set<{ readonly address: string; readonly cut: () => void }>();
  /** Addresses that let calls in, and never answer. */
  readonly mute = new Set<string>();
  #nextPort = 10_000;

  async listen({ host, port, routes }: ListenOptions): Promise<Listener> {
    const address = `${host}:${port === 0 ? (this.#nextPort += 1) : port}`;
    if (this.#listeners.has(address)) {
      throw new QuorumError({ code: "unavailable", message: `${address} is in use` });
    }
    this.#listeners.set(address, routes);
    return { address, close: async () => this.#close(address) };
  }

  connect({ address, identity }: ConnectOptions): Channel {
    const open = new Set<() => void>();
    const start = (method: { path: string }, options: CallOptions) => {
      const route = this.#listeners.get(address)?.find((one) => one.method.path === method.path);
      if (!route) throw unavailable(`${address}: connection refused`);
      const gone = new AbortController();
      const entry = { address, cut: () => gone.abort() };
      const end = (): void => {
        open.delete(entry.cut);
        this.#calls.delete(entry);
        gone.abort();
      };
      this.#calls.add(entry);
      open.add(entry.cut);
      if (options.signal?.aborted) end();
      options.signal?.addEventListener("abort", end, { once: true });
      const context: CallContext = { peer: "test", identity, signal: gone.signal };
      return { route, context, end };
    };
    return {
      address,
      unary: async (method, request, options) => {
        const { route, context, end } = start(method, options);
        try {
          if (route.kind !== "unary") throw new Error("not unary");
          if (this.mute.has(address)) await broken(context.signal);
          return response(method, await route.handle(sent(method, request), context));
        } finally {
          end();
        }
      },
      serverStream: (method, request, options) => this.#stream(method, request, () => start(method, options), address),
      duplex: (method, options) => {
        const { route, context, end } = start(method, options);
        if (route.kind !== "duplex") throw new Error("not duplex");
        const [client, server] = pipe(method, context.signal, end);
        route.handle(server, context);
        return client;
      },
      close: () => {
        for (const cut of [...open]) cut();
      },
    };
  }

  async *#stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    start: () => { route: Route; context: CallContext; end: () => void },
    address: string,
  ): AsyncGenerator<Response> {
    const { route, context, end } = start();
    let messages: AsyncIterator<unknown> | undefined;
    try {
      if (route.kind !== "serverStream") throw new Error("not a server stream");
      const gone = broken(context.signal);
      if (this.mute.has(address)) await gone;
      messages = route.handle(sent(method, request), context)[Symbol.asyncIterator]();
      for (;;) {
        const next = await Promise.race([messages.next(), gone]);
        if (next.done) return;
        yield response(method, next.value);
      }
    } finally {
      end();
      messages?.return?.().catch(() => undefined);
    }
  }

  #close(address: string): void {
    this.#listeners.delete(address);
    for (const call of [...this.#calls]) if (call.address === address) call.cut();
  }
}

function sent<Request, Response>(method: Method<Request, Response>, request: Request): Request {
  return method.requestDeserialize(Buffer.from(method.requestSerialize(request)));
}

function response<Request, Response>(method: Method<Request, Response>, message: unknown): Response {
  return method.responseDeserialize(Buffer.from(method.responseSerialize(message as Response)));
}

/** Rejects when the call is cut. */
function broken(signal: CancelSignal): Promise<never> {
  const gone = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(unavailable("the stream broke")), { once: true });
  });
  gone.catch(() => undefined);
  return gone;
}

function unavailable(message: string): QuorumError {
  return new QuorumError({ code: "unavailable", message });
}

/** The two ends of a duplex stream. */
function pipe<Request, Response>(
  method: Method<Request, Response>,
  gone: CancelSignal,
  end: () => void,
): [Duplex<Request, Response>, ServedDuplex<unknown, unknown>] {
  const client = new End<Request, Response>((message) => server.deliver(sent(method, message)), end);
  const server = new End<unknown, unknown>((message) => client.deliver(response(method, message)), end);
  const finish = (): void => {
    client.finish(unavailable("the stream broke"));
    server.finish(unavailable("the stream broke"));
  };
  if (gone.aborted) setImmediate(finish);
  gone.addEventListener("abort", finish, { once: true });
  return [client, server];
}

class End<Out, In> implements ServedDuplex<Out, In> {
  readonly #send: (message: Out) => void;
  readonly #end: () => void;
  #onMessage: (message: In) => void = () => undefined;
  #onEnd: (error: Error | undefined) => void = () => undefined;
  #ended = false;

  constructor(send: (message: Out) => void, end: () => void) {
    this.#send = send;
    this.#end = end;
  }

  write(message: Out): boolean {
    if (!this.#ended) setImmediate(() => this.#send(message));
    return true;
  }

  end(): void {
    this.#end();
  }

  cancel(): void {
    this.#end();
  }

  fail(): void {
    this.#end();
  }

  pause(): void {}

  resume(): void {}

  onMessage(listener: (message: In) => void): void {
    this.#onMessage = listener;
  }

  onDrain(): void {}

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener;
  }

  deliver(message: In): void {
    if (!this.#ended) this.#onMessage(message);
  }

  finish(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(error);
  }
}
