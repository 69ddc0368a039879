import { assert, type CancelTimer, type Clock, type Random } from "@quorumfs/core";
import type { Prng } from "../../simulation/prng.js";
import type { Machine } from "./machine.js";
import type { World } from "./world.js";

/**
 * One run of a program on a machine. Killed, it does nothing ever again: its events are dropped, and promises that it waits
 * for never settle. Paused, it stands still while the world goes on; then what fell due happens in its order.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly machine: Machine;
  readonly world: World;
  readonly clock: Clock;
  readonly random: Random;
  #state: "running" | "paused" | "dead" = "running";
  #backlog: { readonly action: () => void; readonly isCancelled: () => boolean }[] = [];
  readonly #onDeath: ((power: boolean) => void)[] = [];

  constructor(options: { readonly name: string; readonly machine: Machine; readonly world: World }) {
    const { name, machine, world } = options;
    this.name = name;
    this.machine = machine;
    this.world = world;
    this.random = new SeededRandom(world.random.fork());
    this.clock = new ProcessClock(this, world.random.below(1_000_000));
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  perform(action: () => void, isCancelled: () => boolean): void {
    if (this.#state === "dead") return;
    if (this.#state === "paused") this.#backlog.push({ action, isCancelled });
    else action();
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const { action, isCancelled } of backlog) {
      this.world.after(0, () => this.perform(() => !isCancelled() && action(), isCancelled));
    }
  }

  /** @param how by kill -9, after which the system closes its connections, or with its machine's power, after which nobody hears of it. */
  kill(how: "killed" | "power"): void {
    assert(this.#state !== "dead", "a process dies once");
    this.#state = "dead";
    this.#backlog = [];
    for (const listener of this.#onDeath.splice(0)) listener(how === "power");
  }

  onDeath(listener: (power: boolean) => void): void {
    this.#onDeath.push(listener);
  }
}

/** No timer of Node fires earlier. */
const timerMsMin = 1;

class ProcessClock implements Clock {
  readonly #process: SimulatedProcess;
  readonly #startedAtMs: number;

  constructor(process: SimulatedProcess, startedAtMs: number) {
    this.#process = process;
    this.#startedAtMs = startedAtMs;
  }

  nowMs(): number {
    return this.#startedAtMs + this.#process.world.nowMs;
  }

  wallMs(): number {
    return this.#process.machine.wallMs();
  }

  after(delayMs: number, action: () => void): CancelTimer {
    return this.#process.world.after(Math.max(timerMsMin, delayMs), action, this.#process);
  }

  endOfTurn(action: () => void): void {
    const { world, machine } = this.#process;
    world.after(machine.turnMs, action, this.#process);
  }
}

class SeededRandom implements Random {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  fraction(): number {
    return this.#prng.fraction();
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#prng.below(256));
  }
}
