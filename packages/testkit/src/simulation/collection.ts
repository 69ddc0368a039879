/**
 * Collects a tombstone: makes it chosen anew at a ballot of its own, sees to it that all N replicas have voted for that
 * very ballot, and has it erased everywhere (PROTOCOL.md, "Deletes that stay deleted").
 *
 *   identity round ──chosen, a tombstone──▶ survey: READ all N ──all hold it──▶ ERASE all N
 *                                              └──some do not──▶ ACCEPT to those ──all voted──▶ ERASE all N
 *
 * Why all N: as long as one replica holds something older, and the others have forgotten the tombstone, a reader may
 * meet that older value and bring the file back. No clock can say when that is over; N votes can.
 */
import {
  type Effect,
  type Effects,
  type Electorate,
  Mutation,
  type MutationOutcome,
  type NodeId,
  type RegisterOperation,
  type ReplicaReply,
  type Value,
  type Ballot,
  assert,
  reasonOf,
  sameBallot,
} from "@quorumfs/core";

export interface CollectionRequest {
  readonly voters: Electorate;
  readonly self: { readonly node: NodeId; readonly incarnation: number };
  readonly requestId: Uint8Array;
  readonly counterHint: number;
  readonly nowMs: number;
}

export type CollectionOutcome =
  /** ERASE is on its way to all. */
  | { readonly kind: "erasing"; readonly ballot: Ballot }
  /** The file exists, or never did. */
  | { readonly kind: "nothing_to_collect" }
  /** A replica is away, or somebody wrote meanwhile: the tombstone stays for another time. */
  | { readonly kind: "postponed"; readonly reason: string };

type Phase = "identity" | "survey" | "complete" | "done";

export class Collection implements RegisterOperation<CollectionOutcome> {
  readonly #request: CollectionRequest;
  readonly #identity: Mutation;
  #phase: Phase = "identity";
  /** Rounds of the identity come first, those of the survey behind them. */
  #round = 0;
  #tombstone: { readonly ballot: Ballot; readonly value: Value } | undefined;
  readonly #voted = new Set<NodeId>();
  readonly #missing = new Set<NodeId>();

  constructor(request: CollectionRequest) {
    this.#request = request;
    this.#identity = new Mutation({
      ...request,
      intent: { kind: "identity" },
      condition: { kind: "none" },
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
    });
  }

  start(): Effects<CollectionOutcome> {
    return this.#fromIdentity(this.#identity.start());
  }

  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<CollectionOutcome> {
    switch (this.#phase) {
      case "identity":
        return this.#fromIdentity(this.#identity.onReply(round, from, reply));
      case "survey":
        return round === this.#round ? this.#onSurveyed(from, reply) : [];
      case "complete":
        return round === this.#round ? this.#onVote(from, reply) : [];
      case "done":
        return [];
    }
  }

  onFailure(round: number, from: NodeId, reason: string): Effects<CollectionOutcome> {
    if (this.#phase === "identity") return this.#fromIdentity(this.#identity.onFailure(round, from, reason));
    if (this.#phase === "done" || round !== this.#round) return [];
    return this.#finish({ kind: "postponed", reason });
  }

  onTimer(timer: number): Effects<CollectionOutcome> {
    return this.#phase === "identity" ? this.#fromIdentity(this.#identity.onTimer(timer)) : [];
  }

  onDeadline(): Effects<CollectionOutcome> {
    return this.#phase === "done" ? [] : this.#finish({ kind: "postponed", reason: "the deadline passed" });
  }

  #fromIdentity(effects: Effects<MutationOutcome>): Effects<CollectionOutcome> {
    return effects.flatMap((effect): Effects<CollectionOutcome> => {
      if (effect.kind === "done") return this.#onIdentity(effect.outcome);
      if (effect.kind === "send") this.#round = Math.max(this.#round, effect.round);
      return [effect];
    });
  }

  #onIdentity(outcome: MutationOutcome): Effects<CollectionOutcome> {
    if (outcome.kind === "condition_failed") return this.#finish({ kind: "nothing_to_collect" });
    if (outcome.kind !== "applied") return this.#finish({ kind: "postponed", reason: outcome.kind });
    if (outcome.value.kind === "live") return this.#finish({ kind: "nothing_to_collect" });
    this.#phase = "survey";
    this.#round += 1;
    return [this.#send(this.#request.voters.members, { kind: "read", withContent: true })];
  }

  #onSurveyed(from: NodeId, reply: ReplicaReply): Effects<CollectionOutcome> {
    if (reply.kind !== "state") return this.#finish({ kind: "postponed", reason: reasonOf(reply) });
    const { accepted, value } = reply;
    if (value?.kind === "tombstone" && !this.#tombstone) this.#tombstone = { ballot: accepted, value };
    const isVote = this.#tombstone && sameBallot(accepted, this.#tombstone.ballot);
    (isVote ? this.#voted : this.#missing).add(from);
    if (this.#voted.size + this.#missing.size < this.#request.voters.members.length) return [];
    if (!this.#tombstone) return this.#finish({ kind: "postponed", reason: "overwritten meanwhile" });
    if (this.#missing.size === 0) return this.#erase();
    this.#phase = "complete";
    this.#round += 1;
    return [this.#send([...this.#missing], { kind: "accept", ...this.#tombstone })];
  }

  #onVote(from: NodeId, reply: ReplicaReply): Effects<CollectionOutcome> {
    if (reply.kind !== "ok") return this.#finish({ kind: "postponed", reason: reasonOf(reply) });
    this.#voted.add(from);
    return this.#erase();
  }

  #erase(): Effects<CollectionOutcome> {
    const { members } = this.#request.voters;
    if (this.#voted.size < members.length) return [];
    assert(this.#tombstone !== undefined, "replicas voted for a tombstone");
    const { ballot } = this.#tombstone;
    return [
      { kind: "send", round: 0, to: members, request: { kind: "erase", ballot } },
      ...this.#finish({ kind: "erasing", ballot }),
    ];
  }

  #send(
    to: readonly NodeId[],
    request: Extract<Effect<CollectionOutcome>, { kind: "send" }>["request"],
  ): Effect<CollectionOutcome> {
    return { kind: "send", round: this.#round, to, request };
  }

  #finish(outcome: CollectionOutcome): Effects<CollectionOutcome> {
    this.#phase = "done";
    return [{ kind: "done", outcome }];
  }
}
