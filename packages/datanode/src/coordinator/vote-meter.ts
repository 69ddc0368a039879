/** What coordinating costs: rounds and votes by kind of operation. Numbers only grow; metrics read them. */
import type { ReplicaReply } from "@quorumfs/core";
import { Histogram } from "@quorumfs/telemetry";

/** `settle`: identity rounds of repair, of handover and of looking after chunks; `collect`: of tombstones. */
export const votedOperations = ["read", "relaxed_read", "write", "settle", "collect"] as const;
export type VotedOperation = (typeof votedOperations)[number];

/** `lost`: the replica could not be reached, or did not answer in time. */
export const voteAnswers = ["given", "nack", "damaged", "stale_layout", "refused", "lost"] as const;
export type VoteAnswer = (typeof voteAnswers)[number];

/** One round trip, two, and more: then others were in the way. */
export const roundBounds = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24];

/** Of one kind of operation. */
export class VoteCounts {
  /** Round trips that operations took, one after the other, under their last layout. */
  readonly rounds = new Histogram(roundBounds);
  readonly answers: Record<VoteAnswer, number> = {
    given: 0,
    nack: 0,
    damaged: 0,
    stale_layout: 0,
    refused: 0,
    lost: 0,
  };
  /** Questions put to single replicas. */
  asked = 0;
  /** Rounds that asked for votes on a value. */
  proposed = 0;
  /** Further replicas were asked because the first ones were late. */
  hedged = 0;
  /** Pauses because another coordinator was in the way. */
  backedOff = 0;
  /** Given up because others kept overtaking. */
  contended = 0;
  /** Begun anew because the replicas follow another layout. */
  restarted = 0;

  answered(reply: ReplicaReply | undefined): void {
    this.answers[reply ? answerOf(reply) : "lost"] += 1;
  }
}

export class VoteMeter {
  readonly #counts: Readonly<Record<VotedOperation, VoteCounts>> = {
    read: new VoteCounts(),
    relaxed_read: new VoteCounts(),
    write: new VoteCounts(),
    settle: new VoteCounts(),
    collect: new VoteCounts(),
  };

  /** The same object whenever it is asked for. */
  of(operation: VotedOperation): VoteCounts {
    return this.#counts[operation];
  }
}

function answerOf(reply: ReplicaReply): VoteAnswer {
  switch (reply.kind) {
    case "ok":
    case "state":
      return "given";
    case "nack":
      return "nack";
    case "corrupt":
      return "damaged";
    case "stale_layout":
      return "stale_layout";
    case "refused":
      return "refused";
  }
}
