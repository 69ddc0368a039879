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

/** Whether a message may pass now: `from` is the sender's node number as its identity says, "" for none. */
export type Gate = (message: { readonly from: string; readonly to: string; readonly path: string }) => boolean;

/**
 * A network in this process: messages are encoded and decoded as on a wire, and arrive in a later turn. Requests that the
 * gate holds back wait in order until {@link release}; a host that is down refuses, and loses what was open.
 */
export class MemoryNetwork implements Network {
  readonly #hosts = new Map<string, Host>();
  readonly #held: (() => void)[] = [];
  #portsGiven = 0;
  gate: Gate = () => true;

  connect(options: ConnectOptions): Channel {
    return new MemoryChannel(this, options);
  }

  async listen({ host, port, routes }: ListenOptions): Promise<Listener> {
    const address = `${host}:${port === 0 ? 20_000 + (this.#portsGiven += 1) : port}`;
    const opened: Host = { routes: new Map(routes.map((route) => [route.method.path, route])), open: new Set() };
    this.#hosts.set(address, opened);
    return {
      address,
      close: async () => this.#takeDown(address, opened),
    };
  }

  /** Lets through what was held back, and everything from now on. */
  release(): void {
    this.gate = () => true;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  /** Cuts every stream to and from a host and refuses new ones. */
  kill(address: string): void {
    const host = this.#hosts.get(address);
    if (host) this.#takeDown(address, host);
  }

  host(address: string): Host | undefined {
    return this.#hosts.get(address);
  }

  /** Delivers a message now, or when the gate opens. */
  send(message: { readonly from: string; readonly to: string; readonly path: string }, deliver: () => void): void {
    const later = () => void setImmediate(deliver);
    if (this.gate(message)) later();
    else this.#held.push(later);
  }

  #takeDown(address: string, host: Host): void {
    if (this.#hosts.get(address) === host) this.#hosts.delete(address);
    for (const cut of [...host.open]) cut();
  }
}

interface Host {
  readonly routes: ReadonlyMap<string, Route>;
  /** Cuts a stream that is open here. */
  readonly open: Set<() => void>;
}

class MemoryChannel implements Channel {
  readonly address: string;
  readonly #network: MemoryNetwork;
  readonly #identity: ReadonlyMap<string, string>;

  constructor(network: MemoryNetwork, options: ConnectOptions) {
    this.#network = network;
    this.address = options.address;
    this.#identity = options.identity;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const route = this.#route(method.path, "unary");
    const bytes = method.requestSerialize(request);
    const { signal, end } = this.#callOf(options.signal);
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(lost(this.address)), { once: true });
      this.#network.send(this.#message(method.path), resolve);
    });
    try {
      const answer = await route.handle(route.method.requestDeserialize(bytes), this.#context(signal));
      return method.responseDeserialize(route.method.responseSerialize(answer));
    } catch (error) {
      throw QuorumError.from(error);
    } finally {
      end();
    }
  }

  async *serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response> {
    if (this.#network.host(this.address)?.routes.get(method.path)?.kind === "duplex") {
      yield* this.#streamed(method, request, options);
      return;
    }
    const route = this.#route(method.path, "serverStream");
    const { signal, end } = this.#callOf(options.signal);
    try {
      const answers = route.handle(
        route.method.requestDeserialize(method.requestSerialize(request)),
        this.#context(signal),
      );
      for await (const answer of answers) {
        if (signal.aborted) throw lost(this.address);
        yield method.responseDeserialize(route.method.responseSerialize(answer));
      }
      if (signal.aborted) throw lost(this.address);
    } finally {
      end();
    }
  }

  /** On the wire the one looks like the other. */
  async *#streamed<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response> {
    const stream = this.duplex(method, options);
    const answers: Response[] = [];
    let over = false;
    let failure: Error | undefined;
    let wake = () => {};
    stream.onMessage((answer) => {
      answers.push(answer);
      wake();
    });
    stream.onEnd((error) => {
      over = true;
      failure = error;
      wake();
    });
    stream.write(request);
    stream.end();
    try {
      for (;;) {
        const answer = answers.shift();
        if (answer !== undefined) yield answer;
        else if (failure) throw failure;
        else if (over) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      if (!over) stream.cancel();
    }
  }

  duplex<Request, Response>(method: Method<Request, Response>, options: CallOptions): Duplex<Request, Response> {
    const client = new End<Request, Response>();
    const server = new End<unknown, unknown>();
    const { signal, end } = this.#callOf(options.signal);
    const finish = (error: Error | undefined) => {
      end();
      client.finish(error);
      server.finish(error);
    };
    client.onCancel = () => finish(new QuorumError({ code: "cancelled", message: "cancelled" }));
    server.onCancel = () => finish(lost(this.address));
    // Behind what was sent before.
    server.onFail = (error) => void setImmediate(finish, error);
    signal.addEventListener("abort", () => finish(lost(this.address)), { once: true });
    client.onWrite = (message) => {
      const bytes = method.requestSerialize(message);
      this.#network.send(this.#message(method.path), () => server.receive(method.requestDeserialize(bytes)));
    };
    server.onWrite = (message) => {
      const bytes = this.#route(method.path, "duplex").method.responseSerialize(message);
      setImmediate(() => client.receive(method.responseDeserialize(bytes)));
    };
    client.onHalfClose = () => this.#network.send(this.#message(method.path), () => server.receiveEnd());
    server.onHalfClose = () => void setImmediate(finish, undefined);
    setImmediate(() => {
      try {
        this.#route(method.path, "duplex").handle(server, this.#context(signal));
      } catch (error) {
        finish(QuorumError.from(error));
      }
    });
    return client;
  }

  close(): void {}

  #message(path: string) {
    return { from: this.#identity.get("quorumfs-node") ?? "", to: this.address, path };
  }

  #route<Kind extends Route["kind"]>(path: string, kind: Kind): Extract<Route, { kind: Kind }> {
    const host = this.#network.host(this.address);
    if (!host) throw lost(this.address);
    const route = host.routes.get(path);
    if (!route || !isKind(route, kind)) throw new QuorumError({ code: "internal", message: `no route ${path}` });
    return route;
  }

  #callOf(signal: CancelSignal | undefined): { readonly signal: CancelSignal; readonly end: () => void } {
    const abort = new AbortController();
    const host = this.#network.host(this.address);
    const cut = () => abort.abort();
    host?.open.add(cut);
    signal?.addEventListener("abort", cut, { once: true });
    const end = () => {
      host?.open.delete(cut);
      signal?.removeEventListener("abort", cut);
    };
    return { signal: abort.signal, end };
  }

  #context(signal: CancelSignal): CallContext {
    return { peer: "memory", identity: this.#identity, signal };
  }
}

function isKind<Kind extends Route["kind"]>(route: Route, kind: Kind): route is Extract<Route, { kind: Kind }> {
  return route.kind === kind;
}

function lost(address: string): QuorumError {
  return new QuorumError({ code: "unavailable", message: `${address} cannot be reached` });
}

/** One end of a stream. */
class End<Out, In> implements ServedDuplex<Out, In> {
  #message: (message: In) => void = () => undefined;
  #end: (error: Error | undefined) => void = () => undefined;
  #ended = false;
  #heardAll = false;
  onWrite: (message: Out) => void = () => undefined;
  onCancel: () => void = () => undefined;
  onFail: (error: QuorumError) => void = () => undefined;
  onHalfClose: () => void = () => undefined;

  write(message: Out): boolean {
    if (!this.#ended) this.onWrite(message);
    return true;
  }

  end(): void {
    this.onHalfClose();
  }

  cancel(): void {
    this.onCancel();
  }

  fail(error: unknown): void {
    this.onFail(QuorumError.from(error));
  }

  pause(): void {}

  resume(): void {}

  onMessage(listener: (message: In) => void): void {
    this.#message = listener;
  }

  onDrain(): void {}

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#end = listener;
  }

  receive(message: In): void {
    if (!this.#ended) this.#message(message);
  }

  /** The other end says no more, and still listens. */
  receiveEnd(): void {
    if (this.#ended || this.#heardAll) return;
    this.#heardAll = true;
    this.#end(undefined);
  }

  finish(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#heardAll) setImmediate(() => this.#end(error));
  }
}
