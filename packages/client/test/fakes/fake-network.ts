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
  /** The client has said all. Without it, the stream ends there and then. */
  onHalfClose?: () => void;
  /** Asks the client to hold back until `drain`. */
  full?: boolean;
  send(message: unknown): void;
  drain?(): void;
  /** Ends the stream in order. */
  end?(): void;
  break(error?: Error): void;
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
  /** Grows whenever something travels. */
  activity = 0;

  connect(options: ConnectOptions): Channel {
    return new FakeChannel(options.address, this.servers, () => (this.activity += 1));
  }

  listen(): Promise<Listener> {
    throw new Error("the client listens to nothing");
  }
}

class FakeChannel implements Channel {
  readonly address: string;
  readonly #servers: ReadonlyMap<string, FakeServer>;
  readonly #onActivity: () => void;

  constructor(address: string, servers: ReadonlyMap<string, FakeServer>, onActivity: () => void) {
    this.address = address;
    this.#servers = servers;
    this.#onActivity = onActivity;
  }

  async unary<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    this.#onActivity();
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
    const listeners = {
      message: (_: Response): void => undefined,
      end: (_: Error | undefined): void => undefined,
      drain: (): void => undefined,
    };
    let ended = false;
    const later = (action: () => void): void => {
      this.#onActivity();
      setImmediate(action);
    };
    const end = (error: Error | undefined): void => {
      if (ended) return;
      ended = true;
      later(() => listeners.end(error));
    };
    const far = server?.duplex?.(method.path);
    if (far) {
      far.send = (message) => {
        if (!ended) later(() => listeners.message(message as Response));
      };
      far.drain = () => later(() => listeners.drain());
      far.end = () => end(undefined);
      far.break = (error = connectionLost(this.address)) => end(error);
    } else {
      end(refused(this.address));
    }
    return {
      write: (message) => {
        this.#onActivity();
        if (far && !ended) far.onMessage(message);
        return far?.full !== true;
      },
      end: () => {
        if (far?.onHalfClose) far.onHalfClose();
        else end(undefined);
      },
      cancel: () => {
        ended = true;
        far?.onEnd();
      },
      pause: () => undefined,
      resume: () => undefined,
      onMessage: (listener) => {
        listeners.message = listener;
      },
      onDrain: (listener) => {
        listeners.drain = listener;
      },
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

function connectionLost(address: string): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `${address}: the connection was lost`,
    details: { mayHaveRun: true },
  });
}

function refused(address: string): QuorumError {
  return new QuorumError({
    code: "unavailable",
    message: `${address}: connection refused`,
    details: { mayHaveRun: false },
  });
}
