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
 * One replica's word, with no vote: as fast as a read can be, and perhaps stale. The replicas are asked one after
 * another until one can say something.
 */
export class RelaxedReading implements RegisterOperation<ReadingOutcome> {
  readonly #nodes: readonly NodeId[];
  readonly #withContent: boolean;
  readonly #failures: NodeFailure[] = [];
  #round = 0;

  /** @param options.nodes in the order in which they are asked */
  constructor(options: { readonly nodes: readonly NodeId[]; readonly withContent: boolean }) {
    this.#nodes = options.nodes;
    this.#withContent = options.withContent;
  }

  start(): Effects<ReadingOutcome> {
    return this.#askNext();
  }

  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<ReadingOutcome> {
    if (round !== this.#round) return [];
    if (reply.kind !== "state") return this.onFailure(round, from, reasonOf(reply));
    if (reply.value?.kind !== "live") return [{ kind: "done", outcome: { kind: "not_found" } }];
    return [{ kind: "done", outcome: { kind: "found", value: reply.value, holders: [from] } }];
  }

  onFailure(round: number, from: NodeId, reason: string): Effects<ReadingOutcome> {
    if (round !== this.#round) return [];
    this.#failures.push({ node: from, reason });
    return this.#askNext();
  }

  onTimer(): Effects<ReadingOutcome> {
    return [];
  }

  onDeadline(): Effects<ReadingOutcome> {
    return this.#giveUp();
  }

  #askNext(): Effects<ReadingOutcome> {
    const node = this.#nodes[this.#round];
    if (node === undefined) return this.#giveUp();
    this.#round += 1;
    return [
      { kind: "send", round: this.#round, to: [node], request: { kind: "read", withContent: this.#withContent } },
    ];
  }

  #giveUp(): Effects<ReadingOutcome> {
    return [{ kind: "done", outcome: { kind: "quorum_unavailable", needed: 1, got: 0, nodes: this.#failures } }];
  }
}
