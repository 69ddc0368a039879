/**
 * A linearizable read. The vote settles which version counts; the content then comes from any one replica that has it.
 *
 *   ask ──R replies, known──────────────────────────────────────▶ done       one round trip, no fsync
 *    └─R replies, not known, stragglers given a chance─▶ write back ─W votes─▶ done
 *                                                            └─too many NACKs─▶ identity round (a Mutation) ─▶ done
 *
 * Not drawn: replies from both sides of a tombstone's collection lead to the identity round as well; and while the partition
 * moves, whatever is not known.
 *
 * Returning a value that is not yet chosen is the classic mistake here: the next read might not see it any more. So
 * what is not known to be chosen is written back first (Attiya, Bar-Noy, Dolev 1995), at its own ballot, without
 * asking for a new promise.
 */
import { assert, unreachable } from "../assert.js";
import type { NodeId } from "../ids.js";
import { type Electorate, isJoint } from "../quorum/electorate.js";
import { Tally } from "../quorum/tally.js";
import { sameBallot } from "./ballot.js";
import type { CommonOutcome, Effect, Effects, RegisterOperation } from "./effects.js";
import { type Finding, highestAccepted, isKnown, isNewest, votedFor } from "./known.js";
import { type ReplicaReply, type ReplicaState, reasonOf } from "./messages.js";
import { Mutation, type MutationOutcome } from "./mutation.js";
import { type Value, hasContent } from "./value.js";

export interface ReadingRequest {
  readonly voters: Electorate;
  readonly self: { readonly node: NodeId; readonly incarnation: number };
  /** False for a stat: version and size only. */
  readonly withContent: boolean;
  /** For the identity round, should one be needed. */
  readonly counterHint: number;
  readonly requestId: Uint8Array;
  readonly nowMs: number;
}

export type ReadingOutcome =
  | {
      readonly kind: "found";
      readonly value: Value;
      /** Nodes that hold this version, as far as they were heard. */
      readonly holders: readonly NodeId[];
    }
  | { readonly kind: "not_found" }
  | CommonOutcome;

/** A content that was replaced while it was fetched is looked for this often; then writers are simply faster. */
const restartsMax = 5;

type Phase = "ask" | "fetch" | "write_back" | "identity" | "done";

export class Reading implements RegisterOperation<ReadingOutcome> {
  readonly #request: ReadingRequest;
  #phase: Phase = "ask";
  #round = 0;
  #timer = 0;
  #patienceArmed = false;
  #restarts = 0;
  #replies = new Map<NodeId, ReplicaState>();
  #tally: Tally;
  #finding: Finding | undefined;
  /** What to do once the content is there. */
  #afterFetch: "answer" | "write_back" = "answer";
  #holders: readonly NodeId[] = [];
  /** Highest counter with which a vote at the value's own ballot was refused. */
  #overtakenBy = 0;
  #identity: Mutation | undefined;

  constructor(request: ReadingRequest) {
    this.#request = request;
    this.#tally = new Tally(request.voters, "read");
  }

  start(): Effects<ReadingOutcome> {
    return this.#ask(this.#tally);
  }

  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<ReadingOutcome> {
    if (this.#phase === "done") return [];
    if (this.#identity) return this.#fromIdentity(this.#identity.onReply(round - this.#round, from, reply));
    if (round !== this.#round) return [];
    if (reply.kind === "stale_layout") {
      return this.#finish({ kind: "stale_layout", layout: reply.layout, mayHaveRun: false });
    }
    switch (this.#phase) {
      case "ask":
        return this.#onAskReply(from, reply);
      case "fetch":
        return this.#onFetchReply(from, reply);
      case "write_back":
        return this.#onWriteBackReply(from, reply);
      case "identity":
        return [];
    }
  }

  onFailure(round: number, from: NodeId, reason: string): Effects<ReadingOutcome> {
    if (this.#phase === "done") return [];
    if (this.#identity) return this.#fromIdentity(this.#identity.onFailure(round - this.#round, from, reason));
    return this.onReply(round, from, { kind: "refused", code: "unavailable", reason });
  }

  onTimer(timer: number): Effects<ReadingOutcome> {
    if (this.#phase === "done") return [];
    if (this.#identity) return this.#fromIdentity(this.#identity.onTimer(timer - this.#timer));
    if (timer !== this.#timer) return [];
    switch (this.#phase) {
      case "ask":
        return this.#settle();
      case "write_back":
        return this.#startIdentity();
      case "fetch":
      case "identity":
        return [];
    }
  }

  onDeadline(): Effects<ReadingOutcome> {
    if (this.#phase === "done") return [];
    return this.#finish({ kind: "quorum_unavailable", ...this.#tally.shortfall, nodes: this.#tally.failures });
  }

  #askAgain(): Effects<ReadingOutcome> {
    this.#replies = new Map();
    return this.#ask(new Tally(this.#request.voters, "read"));
  }

  #ask(tally: Tally): Effects<ReadingOutcome> {
    const { voters, self, withContent } = this.#request;
    this.#newRound("ask", tally);
    if (!withContent) return [this.#send(voters.members, false)];
    // One replica brings the content along with its vote: this node if it is one, for that costs nothing.
    const bringer = voters.members.includes(self.node) ? self.node : voters.members[0];
    const others = voters.members.filter((node) => node !== bringer);
    assert(bringer !== undefined, "a file has voters");
    return others.length === 0
      ? [this.#send([bringer], true)]
      : [this.#send([bringer], true), this.#send(others, false)];
  }

  #newRound(phase: Phase, tally: Tally): void {
    this.#phase = phase;
    this.#tally = tally;
    this.#round += 1;
    // A timer of an earlier round must not fire into this one.
    this.#timer += 1;
    this.#patienceArmed = false;
  }

  /** Once in a round: how long the stragglers may take. */
  #armPatience(): Effects<ReadingOutcome> {
    if (this.#patienceArmed) return [];
    this.#patienceArmed = true;
    this.#timer += 1;
    return [{ kind: "timer", timer: this.#timer, purpose: "patience", attempt: 1 }];
  }

  #onAskReply(from: NodeId, reply: ReplicaReply): Effects<ReadingOutcome> {
    if (reply.kind === "state") {
      if (!this.#tally.aye(from)) return [];
      this.#replies.set(from, reply);
    } else if (!this.#tally.no(from, reasonOf(reply))) return [];

    switch (this.#tally.result) {
      case "pending":
        return [];
      case "lost":
        return this.#finish({ kind: "quorum_unavailable", ...this.#tally.shortfall, nodes: this.#tally.failures });
      case "won":
        return this.#onQuorum();
    }
  }

  #onQuorum(): Effects<ReadingOutcome> {
    const finding = highestAccepted(this.#replies);
    const { voters } = this.#request;
    if (isNewest(finding, this.#replies, voters) && isKnown(finding, this.#replies, voters))
      return this.#answer(finding);
    return this.#tally.allAnswered ? this.#settle() : this.#armPatience();
  }

  /** A quorum has answered, nobody else is worth waiting for, and the newest value may be half-written, or not the newest. */
  #settle(): Effects<ReadingOutcome> {
    const finding = highestAccepted(this.#replies);
    const { voters } = this.#request;
    // The ballot may be one that only the old group has promised. In the new one it would be a vote that no later promise
    // there has to meet.
    if (isJoint(voters) || !isNewest(finding, this.#replies, voters)) return this.#startIdentity();
    assert(finding.value !== undefined, "an unknown state has a value");
    this.#finding = finding;
    if (hasContent(finding.value)) return this.#writeBack(finding, finding.value);
    return this.#fetch("write_back");
  }

  #answer(finding: Finding): Effects<ReadingOutcome> {
    const { value } = finding;
    if (value?.kind !== "live") return this.#finish({ kind: "not_found" });
    this.#finding = finding;
    this.#holders = this.#votersFor(finding);
    if (!this.#request.withContent || hasContent(value)) {
      return this.#finish({ kind: "found", value, holders: this.#holders });
    }
    return this.#fetch("answer");
  }

  #votersFor(finding: Finding): readonly NodeId[] {
    const nodes: NodeId[] = [];
    for (const [node, reply] of this.#replies) if (votedFor(finding, reply)) nodes.push(node);
    return nodes;
  }

  #fetch(then: "answer" | "write_back"): Effects<ReadingOutcome> {
    const holders = this.#votersFor(this.#expectFinding());
    this.#afterFetch = then;
    this.#newRound("fetch", new Tally(this.#request.voters, "read"));
    for (const node of this.#request.voters.members) {
      if (!holders.includes(node)) this.#tally.no(node, "does not hold the version");
    }
    return [this.#send(holders, true)];
  }

  #onFetchReply(from: NodeId, reply: ReplicaReply): Effects<ReadingOutcome> {
    const value = this.#expectFinding().value;
    const fetched = reply.kind === "state" ? reply.value : undefined;
    // The version's content never changes, even if the holder has voted for it again at a higher ballot.
    if (value && fetched && hasContent(fetched) && sameBallot(fetched.version, value.version)) {
      return this.#onContent({ ...value, content: fetched.content });
    }
    this.#tally.no(from, reply.kind === "state" ? "holds another version by now" : reasonOf(reply));
    if (!this.#tally.allAnswered) return [];
    this.#restarts += 1;
    if (this.#restarts > restartsMax) return this.#finish({ kind: "contended" });
    return this.#askAgain();
  }

  #onContent(value: Value): Effects<ReadingOutcome> {
    if (this.#afterFetch === "write_back") return this.#writeBack(this.#expectFinding(), value);
    return this.#finish({ kind: "found", value, holders: this.#holders });
  }

  /** Collects the votes that are missing, at the value's own ballot. */
  #writeBack(finding: Finding, value: Value): Effects<ReadingOutcome> {
    const { voters } = this.#request;
    this.#finding = { ...finding, value };
    this.#newRound("write_back", new Tally(voters, "write"));
    const holders = this.#votersFor(finding);
    for (const node of holders) this.#tally.aye(node);
    const missing = voters.members.filter((node) => !holders.includes(node));
    assert(this.#tally.result === "pending", "a value that W nodes voted for is known");
    const request = { kind: "accept", ballot: finding.accepted, value } as const;
    return [{ kind: "send", round: this.#round, to: missing, request }];
  }

  #onWriteBackReply(from: NodeId, reply: ReplicaReply): Effects<ReadingOutcome> {
    if (reply.kind === "ok") this.#tally.aye(from);
    else this.#tally.no(from, reasonOf(reply));
    if (reply.kind === "nack") {
      this.#overtakenBy = Math.max(this.#overtakenBy, reply.promised.counter, reply.floor);
    }
    switch (this.#tally.result) {
      case "pending":
        // Refused by one; the others may still make a quorum, unless one of them is dead and never answers.
        return this.#overtakenBy > 0 ? this.#armPatience() : [];
      case "won":
        return this.#answerWrittenBack();
      case "lost":
        if (this.#overtakenBy > 0) return this.#startIdentity();
        return this.#finish({ kind: "quorum_unavailable", ...this.#tally.shortfall, nodes: this.#tally.failures });
    }
  }

  #answerWrittenBack(): Effects<ReadingOutcome> {
    const { accepted, value } = this.#expectFinding();
    const commit: Effect<ReadingOutcome> = {
      kind: "send",
      round: 0,
      to: this.#request.voters.members,
      request: { kind: "commit", ballot: accepted },
    };
    if (value?.kind !== "live") return [commit, ...this.#finish({ kind: "not_found" })];
    return [commit, ...this.#finish({ kind: "found", value, holders: this.#tally.ayes })];
  }

  /** Somebody has promised a higher ballot: only a full round at a new ballot settles the value now. */
  #startIdentity(): Effects<ReadingOutcome> {
    const { voters, self, counterHint, requestId, nowMs } = this.#request;
    const { accepted, floor } = highestAccepted(this.#replies);
    this.#phase = "identity";
    this.#identity = new Mutation({
      voters,
      self,
      intent: { kind: "identity" },
      condition: { kind: "none" },
      requestId,
      mayHaveRun: false,
      mayBeRepeated: false,
      seenVersion: 0,
      counterHint: Math.max(counterHint, this.#overtakenBy, accepted.counter, floor),
      nowMs,
    });
    return this.#fromIdentity(this.#identity.start());
  }

  /** The inner machine numbers its rounds and timers from 1; shifted, they cannot be taken for our own. */
  #fromIdentity(effects: Effects<MutationOutcome>): Effects<ReadingOutcome> {
    return effects.flatMap((effect): Effects<ReadingOutcome> => {
      switch (effect.kind) {
        case "send":
          return [{ ...effect, round: effect.round === 0 ? 0 : effect.round + this.#round }];
        case "timer":
          return [{ ...effect, timer: effect.timer + this.#timer }];
        case "done":
          return this.#finish(readingOutcomeOf(effect.outcome));
        default:
          return unreachable(effect);
      }
    });
  }

  #send(to: readonly NodeId[], withContent: boolean): Effect<ReadingOutcome> {
    return { kind: "send", round: this.#round, to, request: { kind: "read", withContent } };
  }

  #expectFinding(): Finding {
    assert(this.#finding !== undefined, "content is fetched for a version that was found");
    return this.#finding;
  }

  #finish(outcome: ReadingOutcome): Effects<ReadingOutcome> {
    this.#phase = "done";
    return [{ kind: "done", outcome }];
  }
}

function readingOutcomeOf(outcome: MutationOutcome): ReadingOutcome {
  switch (outcome.kind) {
    case "applied":
      return outcome.value.kind === "live"
        ? { kind: "found", value: outcome.value, holders: outcome.acknowledged }
        : { kind: "not_found" };
    case "condition_failed":
      return { kind: "not_found" };
    case "unknown":
    case "unproven":
      // A read that could not be settled has changed nothing that anybody can see.
      return { kind: "contended" };
    case "contended":
    case "quorum_unavailable":
    case "stale_layout":
      return outcome;
  }
}
