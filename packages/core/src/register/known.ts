import type { NodeId } from "../ids.js";
import { type Electorate, hasQuorum } from "../quorum/electorate.js";
import { type Ballot, compareBallots, isZeroBallot, sameBallot, zeroBallot } from "./ballot.js";
import type { ReplicaState } from "./messages.js";
import { type Value, hasContent } from "./value.js";

/** What a set of replies says about a file. */
export interface Finding {
  /** Highest ballot at which any of them accepted a value; zero if none did. */
  readonly accepted: Ballot;
  /** The value of that ballot, with its content if any reply brought that. */
  readonly value: Value | undefined;
  /** The highest floor among them. */
  readonly floor: number;
}

export type Replies = ReadonlyMap<NodeId, ReplicaState>;

export function highestAccepted(replies: Replies): Finding {
  let accepted = zeroBallot;
  let value: Value | undefined;
  let floor = 0;
  for (const reply of replies.values()) {
    floor = Math.max(floor, reply.floor);
    const order = compareBallots(reply.accepted, accepted);
    if (order > 0 || (order === 0 && value && !hasContent(value) && reply.value)) {
      accepted = reply.accepted;
      value = reply.value;
    }
  }
  return { accepted, value, floor };
}

/**
 * Whether it is certain that what was found is chosen, so that nobody can ever see an older state: W replies carry it,
 * or some replica has been told so. What is not known yet may be half-written; it must be made chosen before anyone
 * hears of it.
 */
export function isKnown(finding: Finding, replies: Replies, voters: Electorate): boolean {
  if (isZeroBallot(finding.accepted)) return true;
  for (const reply of replies.values()) if (compareBallots(reply.committed, finding.accepted) >= 0) return true;
  return hasQuorum(voters, "write", (node) => {
    const reply = replies.get(node);
    return reply !== undefined && votedFor(finding, reply);
  });
}

/** A replica that has erased a tombstone still counts as its voter: its floor says that it went past that ballot. */
export function votedFor(finding: Finding, reply: ReplicaState): boolean {
  if (sameBallot(reply.accepted, finding.accepted)) return true;
  return finding.value?.kind === "tombstone" && isZeroBallot(reply.accepted) && reply.floor >= finding.accepted.counter;
}
