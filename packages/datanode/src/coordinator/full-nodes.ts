import type { Clock, NodeId } from "@quorumfs/core";

// Long enough that a full cluster is not asked with every put, short enough that nobody waits long for freed space.
const refusedForMs = 1000;

/**
 * Which replicas have refused new values for lack of room a moment ago. Where they leave no write quorum, a put is refused
 * before anybody has voted for it: afterwards nobody could say whether it takes effect.
 */
export class FullNodes {
  readonly #clock: Clock;
  readonly #until = new Map<NodeId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  refused(node: NodeId): void {
    this.#until.set(node, this.#clock.nowMs() + refusedForMs);
  }

  has(node: NodeId): boolean {
    const untilMs = this.#until.get(node);
    if (untilMs === undefined) return false;
    if (this.#clock.nowMs() < untilMs) return true;
    this.#until.delete(node);
    return false;
  }
}
