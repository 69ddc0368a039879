import type { Machine } from "../world/machine.js";
import type { SimulatedProcess } from "../world/simulated-process.js";
import type { World } from "../world/world.js";
import type { Links } from "./links.js";

/** One end of a connection, with all calls that use it. */
export interface Side {
  readonly machine: Machine;
  /** Of the server: undefined until it has accepted. */
  process: SimulatedProcess | undefined;
  broken: boolean;
  /** Told when the connection breaks. */
  readonly calls: Set<{ lost(reason: string): void }>;
}

/** @param path of the method */
export type Observer = (path: string, message: unknown) => void;

/** Keeps one stream's frames in order: nothing arrives before what was sent earlier. */
export interface Order {
  lastDueMs: number;
}

/**
 * A TCP connection. Streams on it keep their order each; nothing is lost on it but with the connection itself, of which each end
 * learns in its own time.
 */
export class Connection {
  readonly client: Side;
  readonly server: Side;
  /** Bytes of a stream that its receiver has not taken up yet; more wait at the sender. */
  readonly windowBytes: number;
  /** Sees every message that is received. */
  readonly observe: Observer;
  readonly #links: Links;
  #open = false;
  readonly #waiting: (() => void)[] = [];

  constructor(options: {
    readonly links: Links;
    readonly from: SimulatedProcess;
    readonly to: Machine;
    readonly windowBytes: number;
    readonly observe: Observer;
  }) {
    const { links, from, to, windowBytes, observe } = options;
    this.#links = links;
    this.observe = observe;
    this.windowBytes = windowBytes;
    this.client = { machine: from.machine, process: from, broken: false, calls: new Set() };
    this.server = { machine: to, process: undefined, broken: false, calls: new Set() };
  }

  get world(): World {
    return this.#links.world;
  }

  /** Whether the server has accepted, as far as the client knows. */
  get isOpen(): boolean {
    return this.#open;
  }

  open(): void {
    if (this.client.broken) return;
    this.#open = true;
    for (const send of this.#waiting.splice(0)) send();
  }

  /** Lets something arrive at the other side, in order. */
  send(from: Side, order: Order, arrive: () => void): void {
    if (from.broken) return;
    const to = this.#other(from);
    const send = (): void => {
      this.#links.cross(from.machine, to.machine, (latencyMs) => {
        const { world } = this.#links;
        const dueMs = Math.max(order.lastDueMs, world.nowMs + latencyMs);
        order.lastDueMs = dueMs;
        // The system takes it in, and its process when that runs; a connection that nobody knows is answered by a reset.
        world.after(dueMs - world.nowMs, () => {
          if (!to.broken && to.process && !to.process.isDead) to.process.perform(arrive, () => to.broken);
          else if (to.machine.isOn) this.#answerByReset(to, from);
        });
      });
    };
    if (this.#open || from === this.server) send();
    else this.#waiting.push(send);
  }

  /** One side breaks it off, or its system does; the other one hears of it if the way is free. */
  reset(from: Side, reason: string): void {
    if (from.broken) return;
    this.tellOfEnd(from, reason);
    this.breakAt(from, reason);
  }

  /** The system of one side tells the other one that nothing more will come. */
  tellOfEnd(from: Side, reason: string): void {
    this.send(from, { lastDueMs: 0 }, () => this.breakAt(this.#other(from), reason));
  }

  #answerByReset(from: Side, to: Side): void {
    if (to.broken) return;
    this.#links.cross(from.machine, to.machine, (latencyMs) => {
      this.world.after(latencyMs, () => this.breakAt(to, "the connection was reset"), to.process);
    });
  }

  /** One side learns that it is broken. */
  breakAt(side: Side, reason: string): void {
    if (side.broken) return;
    side.broken = true;
    for (const call of [...side.calls]) call.lost(reason);
    side.calls.clear();
  }

  /** One side's process is gone and hears nothing any more. */
  vanish(side: Side): void {
    side.broken = true;
    side.calls.clear();
  }

  #other(side: Side): Side {
    return side === this.client ? this.server : this.client;
  }

  other(side: Side): Side {
    return this.#other(side);
  }
}
