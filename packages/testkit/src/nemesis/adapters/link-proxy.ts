/**
 * The network in front of one process: a TCP proxy on the address that it advertises. It finds out which process has
 * connected, so that what goes between two particular processes can be held, slowed down or cut in one direction only.
 */
import { createServer, type Server, type Socket, connect } from "node:net";
import { type Party } from "@quorumfs/local-cluster";
import type { Links } from "../bed/links.js";
import type { Connection } from "./connecting-process.js";

export interface LinkProxyOptions {
  readonly host: string;
  readonly port: number;
  /** Where the process listens itself. */
  readonly targetPort: number;
  readonly to: Party;
  readonly links: Links;
  /** Undefined if that process is gone, or none of ours. */
  readonly whoConnects: (connection: Connection) => Promise<Party | undefined>;
}

/** Held back for one direction of one connection; beyond it the sender is not read any more and feels it itself. */
const heldBytesMax = 256 * 1024;

export class LinkProxy {
  readonly #options: LinkProxyOptions;
  readonly #server: Server;
  readonly #crossings = new Set<Crossing>();
  readonly #unwatch: () => void;

  private constructor(options: LinkProxyOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#unwatch = options.links.watch(() => {
      for (const crossing of this.#crossings) crossing.onLinksChanged();
    });
  }

  static async start(options: LinkProxyOptions): Promise<LinkProxy> {
    const server = createServer({ pauseOnConnect: true, noDelay: true });
    const proxy = new LinkProxy(options, server);
    server.on("connection", (socket) => void proxy.#onConnection(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: options.host, port: options.port, exclusive: true }, resolve);
    });
    return proxy;
  }

  async close(): Promise<void> {
    this.#unwatch();
    for (const crossing of this.#crossings) crossing.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #onConnection(near: Socket): Promise<void> {
    near.on("error", () => undefined);
    const { remotePort, localPort } = near;
    const { host, targetPort, to, links, whoConnects } = this.#options;
    const from =
      remotePort === undefined || localPort === undefined ? undefined : await whoConnects({ remotePort, localPort });
    if (from === undefined || near.destroyed || !this.#server.listening) {
      near.destroy();
      return;
    }
    const far = connect({ host, port: targetPort, noDelay: true });
    const crossing = new Crossing({ near, far, from, to, links, onEnd: () => this.#crossings.delete(crossing) });
    this.#crossings.add(crossing);
    crossing.onLinksChanged();
  }
}

/** One connection through a proxy. */
class Crossing {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #there: OneWay;
  readonly #back: OneWay;
  readonly #isBroken: () => boolean;
  readonly #onEnd: () => void;

  constructor(options: { near: Socket; far: Socket; from: Party; to: Party; links: Links; onEnd: () => void }) {
    const { near, far, from, to, links, onEnd } = options;
    this.#near = near;
    this.#far = far;
    this.#onEnd = onEnd;
    const there = () => links.state(from, to);
    const back = () => links.state(to, from);
    this.#isBroken = () => there().passage === "broken" || back().passage === "broken";
    this.#there = new OneWay({ source: near, sink: far, state: there });
    this.#back = new OneWay({ source: far, sink: near, state: back });
    for (const socket of [near, far]) {
      socket.on("error", () => undefined);
      socket.once("close", () => this.#onSocketClosed());
    }
    near.resume();
  }

  onLinksChanged(): void {
    if (this.#isBroken()) this.end();
    else {
      this.#there.pump();
      this.#back.pump();
    }
  }

  end(): void {
    this.#near.destroy();
    this.#far.destroy();
    this.#onEnd();
  }

  /** The other side hears of it when what is on its way has arrived; while the link is held, it does not. */
  #onSocketClosed(): void {
    if (this.#near.destroyed && this.#far.destroyed) this.end();
  }
}

interface Held {
  /** Undefined: the end of the connection. */
  readonly bytes: Buffer | undefined;
  readonly dueMs: number;
}

/** One direction of a connection. */
class OneWay {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #state: () => ReturnType<Links["state"]>;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #busyUntilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFull = false;

  constructor(options: { source: Socket; sink: Socket; state: () => ReturnType<Links["state"]> }) {
    const { source, sink, state } = options;
    this.#source = source;
    this.#sink = sink;
    this.#state = state;
    source.on("data", (bytes) => this.#take(bytes));
    source.once("close", () => this.#take(undefined));
    sink.on("drain", () => {
      this.#isFull = false;
      this.pump();
    });
    sink.once("close", () => clearTimeout(this.#timer));
  }

  #take(bytes: Buffer | undefined): void {
    const { delayMs, bytesPerSecond } = this.#state();
    const nowMs = performance.now();
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs) + ((bytes?.length ?? 0) * 1000) / bytesPerSecond;
    this.#held.push({ bytes, dueMs: this.#busyUntilMs + delayMs });
    this.#heldBytes += bytes?.length ?? 0;
    this.pump();
    if (this.#heldBytes > heldBytesMax) this.#source.pause();
  }

  /** Hands on what is due. */
  pump(): void {
    clearTimeout(this.#timer);
    while (!this.#isFull && !this.#sink.destroyed && this.#state().passage === "open") {
      const next = this.#held[0];
      if (!next) break;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        break;
      }
      this.#held.shift();
      if (next.bytes === undefined) {
        this.#sink.destroy();
        return;
      }
      this.#heldBytes -= next.bytes.length;
      this.#isFull = !this.#sink.write(next.bytes);
    }
    if (this.#heldBytes <= heldBytesMax / 2) this.#source.resume();
  }
}
