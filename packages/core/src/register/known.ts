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
 * or some replica has been told so of exactly this ballot. What is not known yet may be half-written; it must be made
 * chosen before anyone hears of it.
 *
 * A hint of a *higher* ballot proves nothing about this one: the replies are no snapshot. One replica may have answered
 * with a dangling value before the other ballot, which never built on that value, was chosen.
 *
 * Neither does "no record" with a high floor prove a vote for a tombstone: the floor is the partition's, and another
 * file may have raised it. Where a tombstone is erased on some replicas only, an identity round settles it.
 */
export function isKnown(finding: Finding, replies: Replies, voters: Electorate): boolean {
  if (isZeroBallot(finding.accepted)) return true;
  for (const reply of replies.values()) if (sameBallot(reply.committed, finding.accepted)) return true;
  return hasQuorum(voters, "write", (node) => {
    const reply = replies.get(node);
    return reply !== undefined && votedFor(finding, reply);
  });
}

/**
 * Whether a read quorum vouches that nothing above what was found had been chosen when the first of them was asked. A
 * replica that has erased a tombstone since then cannot: it has forgotten what it had voted for. So replies from before
 * and from behind a collection, taken together, may show a value that was overwritten long ago. Promises need no such
 * care: a replica that has erased refuses the ballot that the others have promised.
 */
export function isNewest(finding: Finding, replies: Replies, voters: Electorate): boolean {
  if (isZeroBallot(finding.accepted)) return true;
  return hasQuorum(voters, "read", (node) => {
    const reply = replies.get(node);
    if (!reply) return false;
    return !isZeroBallot(reply.accepted) || reply.floor < finding.accepted.counter;
  });
}

export function votedFor(finding: Finding, reply: ReplicaState): boolean {
  return sameBallot(reply.accepted, finding.accepted);
}
