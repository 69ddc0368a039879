/**
 * Collects a tombstone: makes it chosen anew at a ballot of its own, sees to it that all N replicas have voted for that
 * very ballot, and has it erased everywhere (PROTOCOL.md, "Collecting tombstones").
 *
 *   identity round ──chosen, a tombstone, by W──▶ ACCEPT to the others ──all N have voted──▶ ERASE all N
 *
 * Why all N: as long as one replica holds something older, and the others have forgotten the tombstone, a reader may
 * meet that older value and bring the file back. No clock can say when that is over; N votes can.
 *
 * Not while the partition moves: all N would be all of both groups, for one of the new group may have copied the file before
 * and have missed its deletion.
 */
import type { NodeId } from "../ids.js";
import { type Electorate, isJoint } from "../quorum/electorate.js";
import { type Ballot, zeroBallot } from "./ballot.js";
import type { CommonOutcome, Effects, RegisterOperation } from "./effects.js";
import { type ReplicaReply, reasonOf } from "./messages.js";
import { Mutation, type MutationOutcome } from "./mutation.js";

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
  /** The file exists. */
  | { readonly kind: "nothing_to_collect" }
  /** A replica is away, or somebody wrote meanwhile: the tombstone stays for another time. */
  | { readonly kind: "postponed"; readonly reason: string }
  | Extract<CommonOutcome, { kind: "stale_layout" }>;

type Phase = "identity" | "complete" | "done";

export class Collection implements RegisterOperation<CollectionOutcome> {
  readonly #request: CollectionRequest;
  readonly #identity: Mutation;
  #phase: Phase = "identity";
  /** Rounds of the identity come first, that of the missing votes behind them. */
  #round = 0;
  #ballot: Ballot = zeroBallot;
  #voted = new Set<NodeId>();

  constructor(request: CollectionRequest) {
    this.#request = request;
    this.#identity = new Mutation({
      ...request,
      // What only this node has left, the promises may come together without. Then a new tombstone is made; an ERASE of that
      // takes the old one along.
      intent: { kind: "identity", orTombstone: true },
      condition: { kind: "none" },
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
    });
  }

  start(): Effects<CollectionOutcome> {
    if (isJoint(this.#request.voters)) return this.#finish({ kind: "postponed", reason: "the partition moves" });
    return this.#fromIdentity(this.#identity.start());
  }

  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<CollectionOutcome> {
    switch (this.#phase) {
      case "identity":
        return this.#fromIdentity(this.#identity.onReply(round, from, reply));
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
    if (outcome.kind === "stale_layout") return this.#finish(outcome);
    if (outcome.kind !== "applied") return this.#finish({ kind: "postponed", reason: outcome.kind });
    const { value, ballot, acknowledged } = outcome;
    if (value.kind === "live") return this.#finish({ kind: "nothing_to_collect" });
    this.#phase = "complete";
    this.#ballot = ballot;
    this.#voted = new Set(acknowledged);
    this.#round += 1;
    const missing = this.#request.voters.members.filter((node) => !this.#voted.has(node));
    if (missing.length === 0) return this.#erase();
    return [{ kind: "send", round: this.#round, to: missing, request: { kind: "accept", ballot, value } }];
  }

  #onVote(from: NodeId, reply: ReplicaReply): Effects<CollectionOutcome> {
    if (reply.kind === "stale_layout") {
      return this.#finish({ kind: "stale_layout", layout: reply.layout, mayHaveRun: false });
    }
    if (reply.kind !== "ok") return this.#finish({ kind: "postponed", reason: reasonOf(reply) });
    this.#voted.add(from);
    return this.#erase();
  }

  #erase(): Effects<CollectionOutcome> {
    const { members } = this.#request.voters;
    if (this.#voted.size < members.length) return [];
    const ballot = this.#ballot;
    return [
      { kind: "send", round: 0, to: members, request: { kind: "erase", ballot } },
      ...this.#finish({ kind: "erasing", ballot }),
    ];
  }

  #finish(outcome: CollectionOutcome): Effects<CollectionOutcome> {
    this.#phase = "done";
    return [{ kind: "done", outcome }];
  }
}
