import {
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  type Network,
  QuorumError,
  type Route,
} from "@quorumfs/core";
import type { Prng } from "../../simulation/prng.js";
import type { Machine } from "../world/machine.js";
import type { SimulatedProcess } from "../world/simulated-process.js";
import type { World } from "../world/world.js";
import { type AnyCallEnd, CallEnd } from "./call-end.js";
import { Connection, type Observer, type Side } from "./connection.js";
import { Links } from "./links.js";
import { noSuchRoute, serve, serverCodec } from "./served-calls.js";
import { SimulatedChannel } from "./simulated-channel.js";

/** As of the production network: who gets no connection by then gives it up. */
const connectTimeoutMs = 3_000;
/** As there: a peer that says nothing, not even to a ping, is taken for dead within this time. */
const silenceMs = { min: 10_000, max: 13_000 };

interface OpenListener {
  readonly process: SimulatedProcess;
  readonly routes: ReadonlyMap<string, Route>;
  readonly connections: Set<Connection>;
}

/** The network that all machines share. Every process gets its own {@link Network} of it. */
export class SimulatedNetwork {
  readonly links: Links;
  /** Told of every message that is received. */
  observe: Observer = () => undefined;
  readonly #world: World;
  readonly #random: Prng;
  readonly #machines = new Map<string, Machine>();
  readonly #listeners = new Map<string, OpenListener>();
  readonly #connections = new Set<Connection>();
  readonly #windowBytes: number;
  #nextPort = 20_000;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.links = new Links(world);
    this.#windowBytes = this.#random.pick([2 ** 20, 2 ** 20, 64 * 1024, 4 * 1024]);
    this.links.onBlocked((from, to, still) => this.#breakWhenSilent(from, to, still));
  }

  addMachine(machine: Machine): void {
    this.#machines.set(machine.name, machine);
  }

  /** The network as a process sees it. Its host is its machine's name. */
  of(process: SimulatedProcess): Network {
    process.onDeath((power) => this.#onDeath(process, power));
    return {
      connect: (options) => this.#connect(process, options),
      listen: async (options) => this.#listen(process, options),
    };
  }

  /** Breaks a connection at random, as a middlebox may that forgets it; what is on its way is lost. */
  breakAny(): void {
    const open = [...this.#connections].filter(({ client, server }) => !client.broken && !server.broken);
    if (open.length === 0) return;
    const connection = this.#random.pick(open);
    this.#world.say(
      () => `a connection from ${connection.client.machine.name} to ${connection.server.machine.name} breaks`,
    );
    this.#breakSoon(connection, connection.client, this.#random.between(0, 5));
    this.#breakSoon(connection, connection.server, this.#random.between(0, 5));
  }

  #connect(process: SimulatedProcess, options: ConnectOptions): SimulatedChannel {
    const identity = new Map(options.identity);
    return new SimulatedChannel({
      ...options,
      process,
      dial: () => this.#dial(process, options.address),
      announce: (connection, end, { path, timeoutMs }) => {
        end.announce(() => {
          const { process: server } = connection.server;
          const listener = this.#listeners.get(options.address);
          if (server === undefined || listener?.process !== server) {
            end.lost("connection refused");
            return;
          }
          this.#accept(listener, connection, end, { path, timeoutMs, identity, peer: process.machine.name });
        });
      },
    });
  }

  #dial(from: SimulatedProcess, address: string): Connection {
    // A name that nobody has: where nobody listens, either.
    const to = this.#machines.get(address.slice(0, address.lastIndexOf(":"))) ?? from.machine;
    const connection = new Connection({
      links: this.links,
      from,
      to,
      windowBytes: this.#windowBytes,
      observe: (path, message) => this.observe(path, message),
    });
    for (const old of this.#connections) if (old.client.broken && old.server.broken) this.#connections.delete(old);
    this.#connections.add(connection);
    const refuse = (reason: string): void => {
      if (!connection.isOpen) this.#drop(connection, connection.client, reason);
    };
    const cancelTimeout = from.clock.after(connectTimeoutMs, () => refuse(`no answer within ${connectTimeoutMs} ms`));
    this.links.cross(from.machine, to, (thereMs) => {
      this.#world.after(thereMs, () => {
        if (!to.isOn) return;
        const listener = this.#listeners.get(address);
        if (listener && !connection.client.broken) {
          connection.server.process = listener.process;
          listener.connections.add(connection);
        }
        this.links.cross(to, from.machine, (backMs) => {
          const answered = (): void => {
            cancelTimeout();
            if (listener) connection.open();
            else refuse("connection refused");
          };
          this.#world.after(backMs, answered, from);
        });
      });
    });
    return connection;
  }

  #accept(
    listener: OpenListener,
    connection: Connection,
    client: AnyCallEnd,
    call: {
      readonly path: string;
      readonly timeoutMs: number | undefined;
      readonly identity: ReadonlyMap<string, string>;
      readonly peer: string;
    },
  ): void {
    const route = listener.routes.get(call.path);
    const codec = route ? serverCodec(route.method) : { encode: () => [], decode: () => undefined };
    const end = new CallEnd<unknown, unknown>({
      ...codec,
      path: call.path,
      connection,
      side: connection.server,
      lostError: (reason) => new QuorumError({ code: "unavailable", message: reason }),
    });
    end.peer = client;
    client.peer = end;
    if (!route) {
      end.fail(noSuchRoute(call.path));
      return;
    }
    if (call.timeoutMs !== undefined) {
      const expire = (): void => end.fail(new QuorumError({ code: "unavailable", message: "deadline exceeded" }));
      end.onGone(listener.process.clock.after(call.timeoutMs, expire));
    }
    serve(route, end, { peer: call.peer, identity: call.identity });
  }

  async #listen(process: SimulatedProcess, { port, routes }: ListenOptions): Promise<Listener> {
    const address = `${process.machine.name}:${port === 0 ? (this.#nextPort += 1) : port}`;
    if (this.#listeners.has(address)) {
      throw new QuorumError({ code: "unavailable", message: `${address} is in use` });
    }
    const listener: OpenListener = {
      process,
      routes: new Map(routes.map((route) => [route.method.path, route])),
      connections: new Set(),
    };
    this.#listeners.set(address, listener);
    let closing: Promise<void> | undefined;
    return { address, close: (graceMs) => (closing ??= this.#closeListener(address, listener, graceMs)) };
  }

  async #closeListener(address: string, listener: OpenListener, graceMs: number): Promise<void> {
    const { clock } = listener.process;
    this.#listeners.delete(address);
    const isIdle = () => [...listener.connections].every(({ server }) => server.calls.size === 0);
    const untilMs = clock.nowMs() + graceMs;
    while (!isIdle() && clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => void clock.after(5, resolve));
    }
    for (const connection of listener.connections) connection.reset(connection.server, "the server closed");
  }

  #onDeath(process: SimulatedProcess, power: boolean): void {
    for (const [address, listener] of this.#listeners) {
      if (listener.process === process) this.#listeners.delete(address);
    }
    for (const connection of this.#connections) {
      for (const side of [connection.client, connection.server]) {
        if (side.process !== process) continue;
        const other = connection.other(side);
        if (!power) connection.tellOfEnd(side, "the connection was lost");
        connection.vanish(side);
        if (power) {
          this.#breakSoon(connection, other, this.#random.between(silenceMs.min, silenceMs.max));
        }
      }
      if (connection.client.broken && connection.server.broken) this.#connections.delete(connection);
    }
  }

  #breakWhenSilent(from: Machine, to: Machine, still: () => boolean): void {
    this.#world.after(silenceMs.min, () => {
      if (!still()) return;
      for (const connection of this.#connections) {
        const { client, server } = connection;
        const machines = [client.machine, server.machine];
        if (!machines.includes(from) || !machines.includes(to)) continue;
        for (const side of [client, server]) {
          this.#breakSoon(connection, side, this.#random.between(0, silenceMs.max - silenceMs.min), still);
        }
      }
    });
  }

  #breakSoon(connection: Connection, side: Side, delayMs: number, still: () => boolean = () => true): void {
    const run = (): void => {
      if (still()) this.#drop(connection, side, "the connection was lost");
    };
    this.#world.after(delayMs, run, side.process);
  }

  #drop(connection: Connection, side: Side, reason: string): void {
    connection.breakAt(side, reason);
    const { client, server } = connection;
    if (client.broken && (server.broken || server.process === undefined)) this.#connections.delete(connection);
  }
}
