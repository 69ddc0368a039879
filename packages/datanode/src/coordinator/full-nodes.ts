import type { Clock, NodeId } from "@quorumfs/core";
import type { NodeLoad } from "@quorumfs/proto";

// Beats and loads are about so old at most, with one of them lost; freed space is noticed when this is over.
const fullForMs = 3000;

/**
 * Which replicas have no room for new values: as their loads said, or their own refusals, a moment ago. Where they leave no
 * write quorum, a put is refused before anybody has voted for it: afterwards nobody could say whether it takes effect.
 */
export class FullNodes {
  readonly #clock: Clock;
  readonly #until = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  refused(node: number): void {
    this.#until.set(node, this.#clock.nowMs() + fullForMs);
  }

  told(loads: readonly NodeLoad[]): void {
    for (const { node, load } of loads) if (load?.full === true) this.refused(node);
  }

  has(node: NodeId): boolean {
    const untilMs = this.#until.get(node);
    if (untilMs === undefined) return false;
    if (this.#clock.nowMs() < untilMs) return true;
    this.#until.delete(node);
    return false;
  }
}
