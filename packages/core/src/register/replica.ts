/**
 * The replica's side of the protocol: what a DataNode answers about one file, and what it must have on disk before
 * the answer leaves. Pure: the DataNode calls it with what LMDB holds, the simulator with what its own disk holds.
 *
 * See PROTOCOL.md, "What a replica answers". Equal ballots are refused by PREPARE, since a promise that is given twice
 * for one ballot could be counted by two coordinators; ACCEPT takes them, since its sender was promised exactly that.
 */
import { type Ballot, compareBallots, counterJumpMax, maxBallot, sameBallot, zeroBallot } from "./ballot.js";
import type { ReplicaReply, ReplicaRequest } from "./messages.js";
import { type Value, withoutContent } from "./value.js";

/** What a replica keeps of a file on disk. */
export interface Register {
  /** No ballot below it is voted for any more. */
  readonly promised: Ballot;
  /** Ballot of `value`; zero as long as there is none. */
  readonly accepted: Ballot;
  readonly value: Value | undefined;
}

/** All that a replica knows of a record of its own that it cannot read. See `ceiling.ts`. */
export interface Forgotten {
  /** No ballot that it has promised or voted for has a counter above it; undefined if even that is lost. */
  readonly ceiling: number | undefined;
}

/** Everything that decides an answer. */
export interface ReplicaView {
  /** Undefined: no record, unless there is one that was `forgotten`. */
  readonly register: Register | undefined;
  /** There is a record, and it is damaged. */
  readonly forgotten?: Forgotten | undefined;
  /** The partition's floor on this node. */
  readonly floor: number;
  /** Highest ballot known to be chosen for this file; volatile. */
  readonly committed: Ballot;
}

/** The answer, and what has to happen first. */
export interface ReplicaStep {
  readonly reply: ReplicaReply;
  /** To be durable before the reply leaves. */
  readonly store?: Register;
  /** To be durable, in one piece, before the reply leaves: the record is gone and the partition's floor is this. */
  readonly erase?: { readonly floor: number };
  /** New hint; kept in memory only. */
  readonly committed?: Ballot;
}

const ok: ReplicaReply = Object.freeze({ kind: "ok" });
const corrupt: ReplicaReply = Object.freeze({ kind: "corrupt" });

export function answer(view: ReplicaView, request: ReplicaRequest): ReplicaStep {
  if (view.forgotten && request.kind !== "commit") return answerForgetful(view.forgotten, request);
  switch (request.kind) {
    case "read":
      return { reply: stateOf(view, request.withContent) };
    case "prepare":
      return prepare(view, request.ballot);
    case "accept":
      return accept(view, request);
    case "commit":
      return { reply: ok, committed: maxBallot(view.committed, request.ballot) };
    case "erase":
      return erase(view, request.ballot);
  }
}

function stateOf(view: ReplicaView, withContent: boolean): ReplicaReply {
  const { register, committed, floor } = view;
  const value = register?.value;
  return {
    kind: "state",
    accepted: register?.accepted ?? zeroBallot,
    value: value && !withContent ? withoutContent(value) : value,
    committed,
    floor,
  };
}

function prepare(view: ReplicaView, ballot: Ballot): ReplicaStep {
  const promised = view.register?.promised ?? zeroBallot;
  if (jumpsTooFar(view, ballot)) return refuseJump(view, ballot);
  if (isBelowFloor(view, ballot) || compareBallots(ballot, promised) <= 0) return nack(view);
  const register: Register = {
    promised: ballot,
    accepted: view.register?.accepted ?? zeroBallot,
    value: view.register?.value,
  };
  return { reply: stateOf({ ...view, register }, false), store: register };
}

function accept(view: ReplicaView, request: Extract<ReplicaRequest, { kind: "accept" }>): ReplicaStep {
  const { ballot, value, next } = request;
  const { promised, accepted } = view.register ?? { promised: zeroBallot, accepted: zeroBallot };
  if (jumpsTooFar(view, ballot)) return refuseJump(view, ballot);
  if (next && next.counter > ballot.counter + 1) return refuseJump(view, next);
  if (isBelowFloor(view, ballot)) return nack(view);
  // Voted for already: the vote stands, whatever was promised since; a reader who writes back needs no more. With `next`
  // the answer would be a promise as well, and that may be somebody else's by now.
  if (!next && sameBallot(ballot, accepted)) return { reply: ok };
  if (compareBallots(ballot, promised) < 0 || compareBallots(ballot, accepted) < 0) return nack(view);
  const promise = maxBallot(promised, next ? maxBallot(ballot, next) : ballot);
  return { reply: ok, store: { promised: promise, accepted: ballot, value } };
}

/** Abstains until a vote comes that is above all it can have forgotten: what that leaves depends on nothing before it. */
function answerForgetful({ ceiling }: Forgotten, request: ReplicaRequest): ReplicaStep {
  if (request.kind !== "accept" || ceiling === undefined) return { reply: corrupt };
  const step = accept({ register: undefined, floor: ceiling, committed: zeroBallot }, request);
  return step.reply.kind === "nack" ? { reply: corrupt } : step;
}

/** Takes the floor from `promised`, not `accepted`: an ACCEPT under way below the promise must not bring the file back. */
function erase(view: ReplicaView, ballot: Ballot): ReplicaStep {
  const register = view.register;
  if (!register || !sameBallot(register.accepted, ballot)) return { reply: ok };
  return { reply: ok, erase: { floor: Math.max(view.floor, register.promised.counter) } };
}

function isBelowFloor(view: ReplicaView, ballot: Ballot): boolean {
  return !view.register && ballot.counter <= view.floor;
}

function jumpsTooFar(view: ReplicaView, ballot: Ballot): boolean {
  const highest = Math.max(view.register?.promised.counter ?? 0, view.floor);
  return !Number.isSafeInteger(ballot.counter) || ballot.counter < 1 || ballot.counter > highest + counterJumpMax;
}

function refuseJump(view: ReplicaView, ballot: Ballot): ReplicaStep {
  const highest = Math.max(view.register?.promised.counter ?? 0, view.floor);
  const reason = `the ballot's counter ${ballot.counter} jumps too far from ${highest}`;
  return { reply: { kind: "refused", code: "invalid_argument", reason } };
}

function nack(view: ReplicaView): ReplicaStep {
  return { reply: { kind: "nack", promised: view.register?.promised ?? zeroBallot, floor: view.floor } };
}
