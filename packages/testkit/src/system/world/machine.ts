import type { World } from "./world.js";

/** The wall clock of all machines when a run begins: 14 November 2023. */
const wallStartMs = 1_700_000_000_000;

/** What outlives the processes that run on it: its name in the network, its wall clock, how fast it is. */
export class Machine {
  readonly name: string;
  readonly world: World;
  /** How long a turn of the event loop lasts: what arrives in one is handled together. */
  readonly turnMs: number;
  /** Whether it has power: without, it does not even refuse connections. */
  isOn = true;
  /** How much longer than others its messages are on their way. */
  slowMs = 0;
  #wallSkewMs = 0;

  constructor(options: { readonly name: string; readonly world: World; readonly turnMs: number }) {
    this.name = options.name;
    this.world = options.world;
    this.turnMs = options.turnMs;
  }

  wallMs(): number {
    return wallStartMs + Math.floor(this.world.nowMs) + this.#wallSkewMs;
  }

  /** Somebody sets the clock, forwards or back. */
  jump(byMs: number): void {
    this.#wallSkewMs += byMs;
  }
}
