/**
 * The network as one member of a local cluster sees it: a decorator around a real one. Every message to and from the
 * member's peers meets the shared {@link FaultTable}, and all of it ends at once when the member's {@link Power} is cut.
 */
import {
  type CallContext,
  type Channel,
  type Clock,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  type Network,
  type Route,
  type ServedDuplex,
} from "@quorumfs/core";
import type { FaultTable } from "./fault-table.js";
import { FaultyChannel } from "./faulty-channel.js";
import type { Party } from "./party.js";
import { type Power, forever } from "./power.js";

export interface FaultyNetworkOptions {
  readonly inner: Network;
  readonly self: Party;
  /** Who listens where; shared by all members, each of which enters itself. */
  readonly parties: Map<string, Party>;
  readonly faults: FaultTable;
  readonly clock: Clock;
  readonly power: Power;
}

export class FaultyNetwork implements Network {
  readonly #options: FaultyNetworkOptions;
  readonly #closing: Promise<void>[] = [];

  constructor(options: FaultyNetworkOptions) {
    this.#options = options;
  }

  connect(options: ConnectOptions): Channel {
    const { inner, self, parties, faults, clock, power } = this.#options;
    const crossing = () => ({ self, peer: parties.get(options.address), faults, clock });
    return new FaultyChannel(inner.connect(options), crossing, power);
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const { inner, self, parties, power } = this.#options;
    const routes = options.routes.map((route) => poweredRoute(route, power));
    const listener = await inner.listen({ ...options, routes });
    parties.set(listener.address, self);
    power.onCut(() => this.#closing.push(listener.close(0)));
    return listener;
  }

  /** Resolves when the ports of a member whose power was cut are free again. */
  async released(): Promise<void> {
    await Promise.all(this.#closing);
  }
}

/** The route of a member that answers nothing any more once its power is cut. */
function poweredRoute(route: Route, power: Power): Route {
  switch (route.kind) {
    case "unary":
      return {
        ...route,
        handle: async (request: unknown, context: CallContext) => {
          try {
            const response = await route.handle(request, context);
            return power.off ? await forever() : response;
          } catch (error) {
            if (power.off) await forever();
            throw error;
          }
        },
      };
    case "serverStream":
      return {
        ...route,
        handle: (request: unknown, context: CallContext) => poweredStream(route.handle(request, context), power),
      };
    case "duplex":
      return {
        ...route,
        handle: (stream: ServedDuplex<unknown, unknown>, context: CallContext) =>
          route.handle(new PoweredDuplex(stream, power), context),
      };
  }
}

async function* poweredStream(messages: AsyncIterable<unknown>, power: Power): AsyncGenerator<unknown> {
  for await (const message of messages) {
    if (power.off) await forever();
    yield message;
  }
  if (power.off) await forever();
}

class PoweredDuplex implements ServedDuplex<unknown, unknown> {
  readonly #inner: ServedDuplex<unknown, unknown>;
  readonly #power: Power;

  constructor(inner: ServedDuplex<unknown, unknown>, power: Power) {
    this.#inner = inner;
    this.#power = power;
  }

  write(message: unknown, onSent?: () => void): boolean {
    return !this.#power.off && this.#inner.write(message, onSent);
  }

  end(): void {
    if (!this.#power.off) this.#inner.end();
  }

  cancel(): void {
    if (!this.#power.off) this.#inner.cancel();
  }

  fail(error: unknown): void {
    if (!this.#power.off) this.#inner.fail(error);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#inner.onMessage((message) => {
      if (!this.#power.off) listener(message);
    });
  }

  onDrain(listener: () => void): void {
    this.#inner.onDrain(() => {
      if (!this.#power.off) listener();
    });
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#inner.onEnd((error) => {
      if (!this.#power.off) listener(error);
    });
  }
}
