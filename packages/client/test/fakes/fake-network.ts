import {
  type CallOptions,
  type Channel,
  type ConnectOptions,
  type Duplex,
  type Listener,
  type Method,
  type Network,
  QuorumError,
} from "@quorumfs/core";

/** A stream as the fake server at its other end sees it. */
export interface ServerEnd {
  onMessage: (message: unknown) => void;
  onEnd: () => void;
  send(message: unknown): void;
  break(): void;
}

/** What answers at an address. */
export interface FakeServer {
  unary?(path: string, request: unknown): Promise<unknown>;
  serverStream?(path: string, request: unknown, options: CallOptions): AsyncIterable<unknown>;
  duplex?(path: string): ServerEnd;
}

/** A network within the test: addresses either have a server or refuse connections. */
export class FakeNetwork implements Network {
  readonly servers = new Map<string, FakeServer>();

  connect(options: ConnectOptions): Channel {
    return new FakeChannel(options.address, this.servers);
  }

  listen(): Promise<Listener> {
    throw new Error("the client listens to nothing");
  }
}

class FakeChannel implements Channel {
  readonly address: string;
  readonly #servers: ReadonlyMap<string, FakeServer>;

  constructor(address: string, servers: ReadonlyMap<string, FakeServer>) {
    this.address = address;
    this.#servers = servers;
  }

  async unary<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    const response = await this.#server().unary?.(method.path, request);
    if (response === undefined) throw new Error(`no fake answer for ${method.path}`);
    return response as Response;
  }

  async *serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): AsyncGenerator<Response, void, undefined> {
    const stream = this.#server().serverStream?.(method.path, request, options);
    for await (const message of stream ?? []) yield message as Response;
  }

  duplex<Request, Response>(method: Method<Request, Response>): Duplex<Request, Response> {
    const server = this.#servers.get(this.address);
    const listeners = { message: (_: Response): void => undefined, end: (_: Error | undefined): void => undefined };
    let ended = false;
    const end = (error: Error | undefined): void => {
      if (ended) return;
      ended = true;
      setImmediate(() => listeners.end(error));
    };
    const far = server?.duplex?.(method.path);
    if (far) {
      far.send = (message) => {
        if (!ended) setImmediate(() => listeners.message(message as Response));
      };
      far.break = () => end(new Error("connection reset"));
    } else {
      end(refused(this.address));
    }
    return {
      write: (message) => {
        if (far && !ended) far.onMessage(message);
        return true;
      },
      end: () => end(undefined),
      cancel: () => {
        ended = true;
        far?.onEnd();
      },
      pause: () => undefined,
      resume: () => undefined,
      onMessage: (listener) => {
        listeners.message = listener;
      },
      onDrain: () => undefined,
      onEnd: (listener) => {
        listeners.end = listener;
      },
    };
  }

  #server(): FakeServer {
    const server = this.#servers.get(this.address);
    if (server) return server;
    throw refused(this.address);
  }

  close(): void {
    // Streams are closed by whoever opened them.
  }
}

function refused(address: string): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `${address}: connection refused`,
    details: { mayHaveRun: false },
  });
}
