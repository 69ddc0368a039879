/**
 * What a linearizable read would make of a file's replicas as they are now. It asks the same functions as `register/reading.ts`,
 * so that what people are told is what a read does; but it hears everybody before it says anything, and changes nothing.
 *
 * A read ends with the first quorum that settles the matter. So where the newest value is on few replicas, and not known
 * to be chosen, a read that does not meet it may answer an older one at once; {@link Judgement.without} tells which.
 */
import type { NodeId } from "../ids.js";
import { type Electorate, hasQuorum, quorumShortfall } from "../quorum/electorate.js";
import { Tally } from "../quorum/tally.js";
import { type Ballot, isZeroBallot, sameBallot } from "../register/ballot.js";
import { type Finding, highestAccepted, isKnown, isNewest, votedFor } from "../register/known.js";
import type { ReplicaState } from "../register/messages.js";

/** What came of asking one replica. */
export type Testimony =
  | {
      readonly kind: "state";
      /** As it answers a read. */
      readonly state: ReplicaState;
      /** Its highest promise; zero if it has given none. */
      readonly promised: Ballot;
    }
  /** It is there, and says nothing about the file: what it has is damaged. */
  | { readonly kind: "abstains"; readonly reason: string }
  | { readonly kind: "silent"; readonly reason: string };

export type Testimonies = ReadonlyMap<NodeId, Testimony>;

export type VerdictKind =
  /** A read answers what was found. */
  | "found"
  /** A read answers that there is no such file. */
  | "absent"
  /** What was found is not known to be chosen, or not to be the newest: a read that meets it has to see to that first. */
  | "unsettled"
  /** A read fails: too few replicas answer. */
  | "no_quorum";

/** Why it is certain that what was found is chosen. */
export type Proof =
  /** W replicas have voted for it. */
  | { readonly kind: "votes" }
  /** These were told that it is chosen. */
  | { readonly kind: "told"; readonly nodes: readonly NodeId[] }
  /** Nobody has anything. */
  | { readonly kind: "nothing" };

export interface Judgement {
  readonly verdict: VerdictKind;
  readonly finding: Finding;
  /** Replicas whose answers count. */
  readonly counted: readonly NodeId[];
  /** Those of them that have voted for what was found, and still hold it. */
  readonly holders: readonly NodeId[];
  /** Undefined: what was found is not known to be chosen. */
  readonly proof: Proof | undefined;
  /** Whether a read quorum vouches that nothing newer was chosen. */
  readonly isNewest: boolean;
  /** If `unsettled`: what a read answers that does not meet what was found; undefined if there is no such read. */
  readonly without: Finding | undefined;
  /** For a read, of the group that has the least. */
  readonly shortfall: { readonly needed: number; readonly got: number };
}

export function judge(voters: Electorate, testimonies: Testimonies): Judgement {
  const replies = new Map<NodeId, ReplicaState>();
  const tally = new Tally(voters, "read");
  for (const node of voters.members) {
    const testimony = testimonies.get(node);
    if (testimony?.kind !== "state") tally.no(node, testimony?.reason ?? "was not asked");
    else if (tally.aye(node)) replies.set(node, testimony.state);
  }
  const finding = highestAccepted(replies);
  const known = isKnown(finding, replies, voters);
  const newest = isNewest(finding, replies, voters);
  const holders = isZeroBallot(finding.accepted)
    ? []
    : [...replies].filter(([, reply]) => votedFor(finding, reply)).map(([node]) => node);
  const verdict = verdictOf({ hasAnswers: tally.result === "won", isSettled: known && newest, finding });
  return {
    verdict,
    finding,
    counted: tally.ayes,
    holders,
    proof: known ? proofOf(finding, replies, voters) : undefined,
    isNewest: newest,
    without: verdict === "unsettled" ? answerWithout(finding, replies, voters) : undefined,
    shortfall: quorumShortfall(voters, "read", (node) => replies.has(node)),
  };
}

function verdictOf(options: { hasAnswers: boolean; isSettled: boolean; finding: Finding }): VerdictKind {
  const { hasAnswers, isSettled, finding } = options;
  if (!hasAnswers) return "no_quorum";
  if (!isSettled) return "unsettled";
  return finding.value?.kind === "live" ? "found" : "absent";
}

function proofOf(finding: Finding, replies: ReadonlyMap<NodeId, ReplicaState>, voters: Electorate): Proof {
  if (isZeroBallot(finding.accepted)) return { kind: "nothing" };
  const hasVoted = (node: NodeId): boolean => {
    const reply = replies.get(node);
    return reply !== undefined && votedFor(finding, reply);
  };
  if (hasQuorum(voters, "write", hasVoted)) return { kind: "votes" };
  const told = [...replies].filter(([, { committed }]) => sameBallot(committed, finding.accepted));
  return { kind: "told", nodes: told.map(([node]) => node) };
}

/** What a read finds at once whose quorum leaves out those that hold the newest value. */
function answerWithout(
  finding: Finding,
  replies: ReadonlyMap<NodeId, ReplicaState>,
  voters: Electorate,
): Finding | undefined {
  const others = new Map([...replies].filter(([, reply]) => !votedFor(finding, reply)));
  if (!hasQuorum(voters, "read", (node) => others.has(node))) return undefined;
  const older = highestAccepted(others);
  return isNewest(older, others, voters) && isKnown(older, others, voters) ? older : undefined;
}
