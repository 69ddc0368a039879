import {
  type Effects,
  type NodeFailure,
  type NodeId,
  type ReadingOutcome,
  type RegisterOperation,
  type ReplicaReply,
  reasonOf,
} from "@quorumfs/core";

/**
 * One replica's word, with no vote: as fast as a read can be, and perhaps stale. The replicas are asked one after another, the
 * next one when one fails or is late, until one can say something.
 */
export class RelaxedReading implements RegisterOperation<ReadingOutcome> {
  readonly #nodes: readonly NodeId[];
  readonly #withContent: boolean;
  readonly #failures: NodeFailure[] = [];
  /** How many were asked; each in a round of its own. */
  #asked = 0;

  /** @param options.nodes in the order in which they are asked */
  constructor(options: { readonly nodes: readonly NodeId[]; readonly withContent: boolean }) {
    this.#nodes = options.nodes;
    this.#withContent = options.withContent;
  }

  start(): Effects<ReadingOutcome> {
    return this.#askNext();
  }

  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<ReadingOutcome> {
    if (reply.kind !== "state") return this.onFailure(round, from, reasonOf(reply));
    if (reply.value?.kind !== "live") return [{ kind: "done", outcome: { kind: "not_found" } }];
    return [{ kind: "done", outcome: { kind: "found", value: reply.value, holders: [from] } }];
  }

  onFailure(round: number, from: NodeId, reason: string): Effects<ReadingOutcome> {
    this.#failures.push({ node: from, reason });
    if (this.#failures.length === this.#nodes.length) return this.#giveUp();
    return round === this.#asked ? this.#askNext() : [];
  }

  onTimer(timer: number): Effects<ReadingOutcome> {
    return timer === this.#asked ? this.#askNext() : [];
  }

  onDeadline(): Effects<ReadingOutcome> {
    return this.#giveUp();
  }

  #askNext(): Effects<ReadingOutcome> {
    const node = this.#nodes[this.#asked];
    if (node === undefined) return this.#asked === 0 ? this.#giveUp() : [];
    this.#asked += 1;
    const request = { kind: "read", withContent: this.#withContent } as const;
    const asking = { kind: "send", round: this.#asked, to: [node], request } as const;
    if (this.#asked === this.#nodes.length) return [asking];
    return [asking, { kind: "timer", timer: this.#asked, purpose: "patience", attempt: this.#asked }];
  }

  #giveUp(): Effects<ReadingOutcome> {
    return [{ kind: "done", outcome: { kind: "quorum_unavailable", needed: 1, got: 0, nodes: this.#failures } }];
  }
}
