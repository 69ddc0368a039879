import type { Prng } from "../../simulation/prng.js";
import type { Machine } from "../world/machine.js";
import type { World } from "../world/world.js";

/** Carries something over a link, once that lets it through; told how long it is on its way. */
type Crossing = (latencyMs: number) => void;

// What TCP waits before it sends again what nobody acknowledged, once the way is free.
const resendMs = 200;

/** One way between two machines. A blocked one holds what is sent: TCP sends it again until the way is free, or gives up. */
class Link {
  blocked = false;
  /** Counts the times that it was blocked. */
  blocks = 0;
  delayMs = 0;
  readonly held: Crossing[] = [];
}

/** Who reaches whom, and how fast. */
export class Links {
  readonly #world: World;
  readonly #random: Prng;
  readonly #links = new Map<string, Link>();
  readonly #baseMs: number;
  readonly #jitterMs: number;
  readonly #onBlocked: ((from: Machine, to: Machine, still: () => boolean) => void)[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#baseMs = this.#random.between(0.02, 0.5);
    this.#jitterMs = this.#random.between(0.02, 1);
  }

  onBlocked(listener: (from: Machine, to: Machine, still: () => boolean) => void): void {
    this.#onBlocked.push(listener);
  }

  cross(from: Machine, to: Machine, crossing: Crossing): void {
    const link = this.#between(from, to);
    if (link.blocked) link.held.push(crossing);
    else crossing(this.#latencyMs(link, from, to));
  }

  isBlocked(from: Machine, to: Machine): boolean {
    return this.#between(from, to).blocked;
  }

  block(from: Machine, to: Machine): void {
    const link = this.#between(from, to);
    if (link.blocked) return;
    link.blocked = true;
    link.blocks += 1;
    const { blocks } = link;
    for (const listener of this.#onBlocked) listener(from, to, () => link.blocked && link.blocks === blocks);
  }

  heal(from: Machine, to: Machine): void {
    const link = this.#between(from, to);
    if (!link.blocked) return;
    link.blocked = false;
    const resentMs = this.#random.between(0, resendMs);
    for (const crossing of link.held.splice(0)) crossing(resentMs + this.#latencyMs(link, from, to));
  }

  /** Everything on its way between two machines takes so much longer. */
  delay(from: Machine, to: Machine, delayMs: number): void {
    this.#between(from, to).delayMs = delayMs;
  }

  #latencyMs(link: Link, from: Machine, to: Machine): number {
    const usual = this.#baseMs + this.#random.fraction() * this.#jitterMs;
    const slowMs = link.delayMs + from.slowMs + to.slowMs;
    return slowMs === 0 ? usual : usual + slowMs * this.#random.between(0.5, 1);
  }

  #between(from: Machine, to: Machine): Link {
    const name = `${from.name}>${to.name}`;
    let link = this.#links.get(name);
    if (!link) {
      link = new Link();
      this.#links.set(name, link);
    }
    return link;
  }

  get world(): World {
    return this.#world;
  }
}
