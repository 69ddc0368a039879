import type { NodeId } from "@quorumfs/core";
import type { Follower } from "../follow/follower.js";
import type { Hedge } from "./hedges.js";
import type { Vote } from "./vote-links.js";
import type { VoteCounts } from "./vote-meter.js";

/**
 * The nodes that one round of reading puts its question to: as many as a quorum takes at once, the others only when
 * those do not settle it or take too long. The answer of an extra one would mostly come too late to matter, and it
 * costs as much as one that counts.
 */
export class ReadWave implements Hedge {
  readonly round: number;
  readonly #counts: VoteCounts;
  readonly #follower: Follower | undefined;
  #ask: ((node: NodeId, vote: Vote) => void) | undefined;
  #held: { readonly node: NodeId; readonly vote: Vote }[] = [];
  #asked = 0;
  #answered = 0;

  constructor(
    of: { readonly round: number; readonly counts: VoteCounts; readonly follower: Follower | undefined },
    ask: (node: NodeId, vote: Vote) => void,
  ) {
    this.round = of.round;
    this.#counts = of.counts;
    this.#follower = of.follower;
    this.#ask = ask;
  }

  get asked(): number {
    return this.#asked;
  }

  ask(node: NodeId, vote: Vote): void {
    this.#asked += 1;
    this.#ask?.(node, vote);
  }

  hold(node: NodeId, vote: Vote): void {
    this.#held.push({ node, vote });
  }

  get holds(): boolean {
    return this.#held.length > 0;
  }

  onAnswer(): void {
    this.#answered += 1;
  }

  /** Whether everybody who was asked has answered, and others are left. */
  get isSpent(): boolean {
    return this.#held.length > 0 && this.#answered >= this.#asked;
  }

  /** Asks those that are left. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const { node, vote } of held) this.ask(node, vote);
  }

  hedge(): void {
    if (this.holds) {
      this.#counts.hedged += 1;
      this.#follower?.hedged();
    }
    this.release();
  }

  /** Nothing is asked any more; nothing of the operation stays in memory on account of its wave. */
  end(): void {
    this.#ask = undefined;
    this.#held = [];
  }
}
