/**
 * A write, a delete, a conditional write, or an identity round (which makes the current value chosen at a new ballot):
 * CASPaxos with flexible quorums, as in PROTOCOL.md, "Write, delete, conditional write".
 *
 *   kept promise? ──yes──────────────┐
 *    no                              ▼
 *    └▶ prepare ──promised────▶ decide ──▶ accept ours ──W votes──▶ applied
 *         ▲                       ├──▶ fetch content ─▶ accept current ──W votes──▶ condition failed / applied before
 *         │                       └──▶ unknown
 *         └──back off── NACK, in any phase, at most five times
 *
 * Not drawn: a mark of this mutation in the current value ends it as that mark says.
 *
 * The hard part is not the vote but the answer. Once an ACCEPT with our value has left, the value may become chosen by
 * anybody who finds it, at any time, until a value without it is chosen at a higher ballot. Until then neither "failed"
 * nor "condition not met" may be said. The same goes for other attempts of this mutation, which may still be running at
 * another coordinator: what one of them was told stands in the value's ring for the others to find.
 */
import { assert } from "../assert.js";
import type { NodeId } from "../ids.js";
import type { Electorate, QuorumKind } from "../quorum/electorate.js";
import { Tally } from "../quorum/tally.js";
import { type Ballot, sameBallot, zeroBallot } from "./ballot.js";
import { type Condition, conditionHolds } from "./condition.js";
import type { CommonOutcome, Effect, Effects, Kept, RegisterOperation } from "./effects.js";
import { type Finding, highestAccepted, isKnown } from "./known.js";
import { type ReplicaReply, type ReplicaState, reasonOf } from "./messages.js";
import { findMark, isRefusal, mayBeForgotten, refusalOf, withMark } from "./request-ring.js";
import { type Content, type RequestMark, type Value, hasContent, withoutContent } from "./value.js";

/** What a mutation does to a file. */
export type Intent =
  | {
      readonly kind: "put";
      readonly size: number;
      readonly etag: Uint8Array;
      readonly content: Content;
      readonly attributes: ReadonlyMap<string, string>;
    }
  | { readonly kind: "delete" }
  | {
      readonly kind: "identity";
      /** Where nothing was ever chosen, or all of it is erased, a tombstone becomes chosen instead of nothing. */
      readonly orTombstone?: boolean;
      /**
       * A transfer round: the voters are those of {@link transferVoters}, and W votes of the group that takes over end it.
       * For those who vote in both groups that proves nothing, so it leaves no hint and keeps no promise.
       */
      readonly transfer?: boolean;
    };

export interface MutationRequest {
  readonly voters: Electorate;
  readonly self: { readonly node: NodeId; readonly incarnation: number };
  readonly intent: Intent;
  readonly condition: Condition;
  /** 16 bytes; the same in every attempt. */
  readonly requestId: Uint8Array;
  /** An earlier attempt, through this or another coordinator, may have taken effect. */
  readonly mayHaveRun: boolean;
  /**
   * The client may send the request again while this attempt still lives: somewhere in the network, in a queue, in a
   * pause. So this attempt must not take effect after that other one, unless it can see that it would.
   */
  readonly mayBeRepeated: boolean;
  /** Counter of a version that existed before the first attempt; 0 if the client knew none. */
  readonly seenVersion: number;
  /** Highest counter that this node knows of the file: saves the round in which a lower ballot is refused. */
  readonly counterHint: number;
  /** Kept from this coordinator's own last write to the file. */
  readonly kept?: Kept;
  readonly nowMs: number;
}

export type MutationOutcome =
  | {
      readonly kind: "applied";
      /** The value that is chosen now. */
      readonly value: Value;
      /** The ballot at which it is. */
      readonly ballot: Ballot;
      /** Counter of the version that the mutation made; the value's own unless others wrote after an earlier attempt. */
      readonly version: number;
      /** What the mutation found and replaced, without content; undefined if there was nothing, or if it is not known. */
      readonly replaced: Value | undefined;
      readonly acknowledged: readonly NodeId[];
      /** For this coordinator's next write to the file, if enough nodes promised it. */
      readonly kept: Kept | undefined;
    }
  /** Final: the condition did not hold, and no attempt of this mutation has taken or will take effect. */
  | {
      readonly kind: "condition_failed";
      /** What the file holds, and what the condition was found not to hold of, unless `before`. */
      readonly current: Value | undefined;
      /** An earlier attempt was refused; the file may have changed since, and the condition hold of `current`. */
      readonly before: boolean;
    }
  /**
   * Too much has happened to the file since `seenVersion` to prove that no other attempt of this mutation has run. This
   * one has changed nothing. A client that has made no other attempt makes the next one with the version given here.
   */
  | { readonly kind: "unproven"; readonly version: number }
  | CommonOutcome;

/** Six ballots in all; who loses that often to others reports contention, and the client's retry spreads them out. */
const retriesMax = 5;

type Phase = "prepare" | "backoff" | "fetch" | "accept" | "done";

/** What an ACCEPT is for, and so what its W votes mean. */
type Proposal =
  | { readonly kind: "ours"; readonly value: Value; readonly replaced: Value | undefined }
  | { readonly kind: "current"; readonly value: Value; readonly then: "condition_failed"; readonly before: boolean }
  | { readonly kind: "current"; readonly value: Value; readonly then: "applied"; readonly version: number };

type CurrentProposal = Extract<Proposal, { kind: "current" }>;

export class Mutation implements RegisterOperation<MutationOutcome> {
  readonly #request: MutationRequest;
  #phase: Phase = "prepare";
  #round = 0;
  #timer = 0;
  #retries = 0;
  #patienceArmed = false;
  #highestCounter: number;
  #ballot: Ballot = zeroBallot;
  #replies = new Map<NodeId, ReplicaState>();
  #tally: Tally;
  #proposal: Proposal | undefined;
  /** Someone holds a promise that is higher than ours, as far as this round has heard. */
  #overtaken = false;
  /** The value of ours that was sent last. */
  #sent: Value | undefined;
  /** Counter of the first ballot at which a value of ours was sent: from then on one may become chosen behind our back. */
  #sentSince: number | undefined;

  constructor(request: MutationRequest) {
    this.#request = request;
    this.#highestCounter = request.counterHint;
    this.#tally = new Tally(request.voters, "promise");
  }

  start(): Effects<MutationOutcome> {
    const { kept, mayHaveRun, counterHint } = this.#request;
    // A retry must see what its earlier attempt left behind, so it asks everybody. And a promise that is known to be
    // overtaken would only put a vote out there to be in doubt about.
    if (!kept || mayHaveRun || counterHint > kept.next.counter) return this.#prepare();
    this.#ballot = kept.next;
    this.#highestCounter = Math.max(this.#highestCounter, kept.next.counter);
    return this.#decideFromKept(kept.current);
  }

  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<MutationOutcome> {
    if (this.#phase === "done") return [];
    this.#learn(reply);
    if (round !== this.#round) return [];
    switch (reply.kind) {
      case "stale_layout":
        return this.#finish({ kind: "stale_layout", layout: reply.layout, mayHaveRun: this.#mayTakeEffect });
      case "nack":
        this.#overtaken = true;
        return this.#onNo(from, reasonOf(reply));
      case "corrupt":
      case "refused":
        return this.#onNo(from, reasonOf(reply));
      case "state":
        return this.#onState(from, reply);
      case "ok":
        return this.#onVote(from);
    }
  }

  onFailure(round: number, from: NodeId, reason: string): Effects<MutationOutcome> {
    if (this.#phase === "done" || round !== this.#round) return [];
    return this.#onNo(from, reason);
  }

  onTimer(timer: number): Effects<MutationOutcome> {
    if (this.#phase === "done" || timer !== this.#timer) return [];
    if (this.#phase === "backoff") return this.#prepare();
    return this.#retry();
  }

  onDeadline(): Effects<MutationOutcome> {
    if (this.#phase === "done") return [];
    return this.#giveUp("the deadline passed");
  }

  /** Late replies of an earlier round, too, say how high the next ballot has to be. */
  #learn(reply: ReplicaReply): void {
    if (reply.kind !== "nack" && reply.kind !== "state") return;
    const heard = reply.kind === "nack" ? [reply.promised.counter] : [reply.accepted.counter, reply.committed.counter];
    this.#highestCounter = Math.max(this.#highestCounter, reply.floor, ...heard);
  }

  /**
   * Whether a value of ours is out there that could still become chosen. NACKs do not settle that, be they from all: a
   * message that arrived twice may have been voted for the first time and refused the second.
   */
  get #inDoubt(): boolean {
    return this.#sentSince !== undefined;
  }

  /** The same, counting in what an earlier attempt may have sent. */
  get #mayTakeEffect(): boolean {
    return this.#inDoubt || this.#request.mayHaveRun;
  }

  #prepare(): Effects<MutationOutcome> {
    const { voters, self } = this.#request;
    this.#phase = "prepare";
    this.#newRound("promise");
    this.#ballot = { counter: this.#highestCounter + 1, ...self };
    this.#highestCounter = this.#ballot.counter;
    return [this.#send(voters.members, { kind: "prepare", ballot: this.#ballot })];
  }

  /** Nobody is in the way, so there is nothing to wait for. */
  #prepareHigher(): Effects<MutationOutcome> {
    this.#overtaken = true;
    if (this.#retries === retriesMax) return this.#giveUp("other coordinators kept overtaking this one");
    this.#retries += 1;
    return this.#prepare();
  }

  #newRound(quorum: QuorumKind): void {
    this.#round += 1;
    // A timer of an earlier round must not fire into this one.
    this.#timer += 1;
    this.#patienceArmed = false;
    this.#overtaken = false;
    this.#replies = new Map();
    this.#tally = new Tally(this.#request.voters, quorum);
  }

  #onState(from: NodeId, reply: ReplicaState): Effects<MutationOutcome> {
    if (this.#phase === "fetch") return this.#onFetched(from, reply);
    if (this.#phase !== "prepare" || !this.#tally.aye(from)) return [];
    this.#replies.set(from, reply);
    return this.#tally.result === "won" ? this.#decide() : [];
  }

  #onVote(from: NodeId): Effects<MutationOutcome> {
    if (this.#phase !== "accept" || !this.#tally.aye(from)) return [];
    return this.#tally.result === "won" ? this.#chosen() : [];
  }

  #onNo(from: NodeId, reason: string): Effects<MutationOutcome> {
    if (!this.#tally.no(from, reason)) return [];
    if (this.#phase === "fetch") return this.#tally.allAnswered ? this.#retry() : [];
    if (this.#tally.result === "lost") return this.#onLost();
    if (!this.#overtaken || this.#patienceArmed) return [];
    // Refused by one; the others may still make a quorum, unless one of them is dead and never answers.
    this.#patienceArmed = true;
    this.#timer += 1;
    return [{ kind: "timer", timer: this.#timer, purpose: "patience", attempt: 1 }];
  }

  #onLost(): Effects<MutationOutcome> {
    // Nobody overtook us: the nodes are away, and without a vote of ours out there that can be said at once.
    if (!this.#overtaken && this.#phase === "prepare" && !this.#inDoubt) return this.#giveUp("too few nodes answered");
    return this.#retry();
  }

  #retry(): Effects<MutationOutcome> {
    if (this.#retries === retriesMax) return this.#giveUp("other coordinators or missing nodes kept preventing it");
    this.#retries += 1;
    this.#phase = "backoff";
    this.#round += 1;
    this.#timer += 1;
    return [{ kind: "timer", timer: this.#timer, purpose: "backoff", attempt: this.#retries }];
  }

  #giveUp(reason: string): Effects<MutationOutcome> {
    if (this.#inDoubt) return this.#finish({ kind: "unknown", reason });
    if (this.#overtaken) return this.#finish({ kind: "contended" });
    const { shortfall, failures } = this.#tally;
    return this.#finish({ kind: "quorum_unavailable", ...shortfall, nodes: failures });
  }

  #decideFromKept(current: Value): Effects<MutationOutcome> {
    const { condition, requestId } = this.#request;
    // What was kept may be overtaken by now. It is good enough to propose on, since the vote then fails; it is not
    // good enough to refuse on.
    if (findMark(current, requestId) || !conditionHolds(condition, current)) return this.#prepare();
    if (this.#isUnproven(current, 0)) return this.#finish({ kind: "unproven", version: current.version.counter });
    return this.#proposeOurs(current);
  }

  /** A quorum has promised: nobody below our ballot can change the file any more, and this is what it holds. */
  #decide(): Effects<MutationOutcome> {
    const { voters, requestId, condition, intent } = this.#request;
    const finding = highestAccepted(this.#replies);
    const current = finding.value;
    if (intent.kind === "identity") return this.#decideIdentity(finding, intent.orTombstone ?? false);
    // New versions are above every floor that a quorum knows of, also where the file has a record and another file
    // raised the floor. And users see only the counter of a version, so it is above that of what it replaces, though the
    // ballot would be higher by its node alone.
    if (Math.max(finding.floor, finding.accepted.counter) >= this.#ballot.counter) return this.#prepareHigher();

    const lowest = this.#lowestPossibleVersion();
    const known = isKnown(finding, this.#replies, voters);
    const mark = findMark(current, requestId);
    if (mark && current) return this.#settleMarked({ finding, known, current, mark });
    if (lowest !== undefined && mayBeForgotten({ value: current, floor: finding.floor, lowest })) {
      return this.#finish({ kind: "unknown", reason: "too much has happened to the file since to tell" });
    }
    if (conditionHolds(condition, current)) {
      if (!this.#isUnproven(current, finding.floor)) return this.#proposeOurs(current);
      // What another attempt makes from now on, it makes above the ballot that a quorum has promised to this one.
      return this.#finish({ kind: "unproven", version: this.#ballot.counter - 1 });
    }
    if (known && !this.#mayTakeEffect) return this.#finish({ kind: "condition_failed", current, before: false });
    const value = this.#refusing(current);
    return this.#proposeCurrent(finding, { kind: "current", value, then: "condition_failed", before: false });
  }

  #decideIdentity(finding: Finding, orTombstone: boolean): Effects<MutationOutcome> {
    if (!finding.value && !orTombstone) {
      return this.#finish({ kind: "condition_failed", current: undefined, before: false });
    }
    // A tombstone that is made here is a new version, above every floor that a quorum knows of like any other.
    if (!finding.value && finding.floor >= this.#ballot.counter) return this.#prepareHigher();
    const value = finding.value ?? this.#tombstone();
    const version = value.version.counter;
    return this.#proposeCurrent(finding, { kind: "current", value, then: "applied", version });
  }

  /** An earlier attempt, or one that runs beside this one, has come to an end already; what is left is to make that known. */
  #settleMarked(options: {
    finding: Finding;
    known: boolean;
    current: Value;
    mark: RequestMark;
  }): Effects<MutationOutcome> {
    const { finding, known, current, mark } = options;
    if (isRefusal(mark)) {
      if (known) return this.#finish({ kind: "condition_failed", current, before: true });
      return this.#proposeCurrent(finding, {
        kind: "current",
        value: current,
        then: "condition_failed",
        before: true,
      });
    }
    const version = mark.counter;
    if (!known) return this.#proposeCurrent(finding, { kind: "current", value: current, then: "applied", version });
    const acknowledged = this.#holders(finding);
    return this.#finish({
      kind: "applied",
      value: current,
      ballot: finding.accepted,
      version,
      replaced: undefined,
      acknowledged,
      kept: undefined,
    });
  }

  /** Lowest counter of a version that this mutation may have made already; undefined if it cannot have made any. */
  #lowestPossibleVersion(): number | undefined {
    const { mayHaveRun, seenVersion } = this.#request;
    return mayHaveRun ? seenVersion + 1 : this.#sentSince;
  }

  /**
   * Whether an attempt that the client has given up for another, and that comes late, could take this very moment for its
   * first: the other's mark may have been pushed out of the ring since. Only a version from before both attempts can tell.
   */
  #isUnproven(value: Value | undefined, floor: number): boolean {
    const { mayBeRepeated, mayHaveRun, seenVersion } = this.#request;
    if (!mayBeRepeated || mayHaveRun || this.#inDoubt) return false;
    return mayBeForgotten({ value, floor, lowest: seenVersion + 1 });
  }

  #holders(finding: Finding): readonly NodeId[] {
    return [...this.#replies].filter(([, reply]) => sameBallot(reply.accepted, finding.accepted)).map(([node]) => node);
  }

  #proposeOurs(current: Value | undefined): Effects<MutationOutcome> {
    this.#sent = this.#newValue(current);
    this.#sentSince ??= this.#ballot.counter;
    return this.#accept({ kind: "ours", value: this.#sent, replaced: current && withoutContent(current) });
  }

  /**
   * The current state with a mark that this mutation has been refused, so that no other attempt of it, paused somewhere
   * until the condition holds again, takes effect after its client was told that it did not. Where there is no file, a
   * tombstone says so.
   */
  #refusing(current: Value | undefined): Value {
    const ring = withMark(current, refusalOf(this.#request.requestId));
    return current ? { ...current, ring } : { ...this.#tombstone(), ring };
  }

  #newValue(current: Value | undefined): Value {
    const { intent, requestId, nowMs } = this.#request;
    const version = this.#ballot;
    const ring = withMark(current, { requestId, counter: version.counter });
    assert(intent.kind !== "identity", "an identity round proposes what is there");
    if (intent.kind === "put") {
      const { size, etag, content, attributes } = intent;
      return { kind: "live", version, size, etag, content, attributes, modifiedAtMs: nowMs, ring };
    }
    return { ...this.#tombstone(), ring };
  }

  #tombstone(): Value {
    return {
      kind: "tombstone",
      version: this.#ballot,
      size: 0,
      etag: new Uint8Array(0),
      content: { kind: "none" },
      attributes: new Map(),
      modifiedAtMs: this.#request.nowMs,
      ring: [],
    };
  }

  #proposeCurrent(finding: Finding, proposal: CurrentProposal): Effects<MutationOutcome> {
    if (hasContent(proposal.value)) return this.#accept(proposal);
    if (this.#sent && sameBallot(this.#sent.version, proposal.value.version)) {
      return this.#accept({ ...proposal, value: { ...proposal.value, content: this.#sent.content } });
    }
    const holders = this.#holders(finding);
    this.#phase = "fetch";
    this.#newRound("read");
    this.#proposal = proposal;
    for (const node of this.#request.voters.members) {
      if (!holders.includes(node)) this.#tally.no(node, "does not hold the version");
    }
    return [this.#send(holders, { kind: "read", withContent: true })];
  }

  #onFetched(from: NodeId, reply: ReplicaState): Effects<MutationOutcome> {
    const proposal = this.#proposal;
    assert(proposal?.kind === "current", "content is fetched only for a current value");
    const { value } = reply;
    if (value && hasContent(value) && sameBallot(value.version, proposal.value.version)) {
      return this.#accept({ ...proposal, value: { ...proposal.value, content: value.content } });
    }
    this.#tally.no(from, "holds another version by now");
    return this.#tally.allAnswered ? this.#retry() : [];
  }

  #accept(proposal: Proposal): Effects<MutationOutcome> {
    this.#phase = "accept";
    this.#newRound("write");
    this.#proposal = proposal;
    const request = { kind: "accept", ballot: this.#ballot, value: proposal.value } as const;
    const { members } = this.#request.voters;
    return [this.#send(members, this.#isTransfer ? request : { ...request, next: this.#next })];
  }

  get #isTransfer(): boolean {
    const { intent } = this.#request;
    return intent.kind === "identity" && intent.transfer === true;
  }

  get #next(): Ballot {
    return { counter: this.#ballot.counter + 1, ...this.#request.self };
  }

  /** W replicas have voted: the linearization point. */
  #chosen(): Effects<MutationOutcome> {
    const proposal = this.#proposal;
    assert(proposal !== undefined, "votes come for something that was proposed");
    if (this.#isTransfer) return this.#finish(this.#outcomeOf(proposal));
    const commit: Effect<MutationOutcome> = {
      kind: "send",
      round: 0,
      to: this.#request.voters.members,
      request: { kind: "commit", ballot: this.#ballot },
    };
    return [commit, ...this.#finish(this.#outcomeOf(proposal))];
  }

  #outcomeOf(proposal: Proposal): MutationOutcome {
    const { value } = proposal;
    const acknowledged = this.#tally.ayes;
    const ballot = this.#ballot;
    // W nodes have promised `next` along with their votes. That is enough: every promise quorum meets them, so nobody
    // can have been promised a ballot in between.
    const kept = this.#isTransfer ? undefined : { next: this.#next, current: withoutContent(value) };
    if (proposal.kind === "ours") {
      const { replaced } = proposal;
      return { kind: "applied", value, ballot, version: value.version.counter, replaced, acknowledged, kept };
    }
    // What is chosen now is above every ballot of ours, so those can never be chosen any more; and its mark stops every
    // other attempt.
    if (proposal.then === "condition_failed") {
      return { kind: "condition_failed", current: value, before: proposal.before };
    }
    return { kind: "applied", value, ballot, version: proposal.version, replaced: undefined, acknowledged, kept };
  }

  #send(
    to: readonly NodeId[],
    request: Extract<Effect<MutationOutcome>, { kind: "send" }>["request"],
  ): Effect<MutationOutcome> {
    return { kind: "send", round: this.#round, to, request };
  }

  #finish(outcome: MutationOutcome): Effects<MutationOutcome> {
    this.#phase = "done";
    return [{ kind: "done", outcome }];
  }
}
