/**
 * What a node that takes a partition over does about one of its files (PROTOCOL.md, "Taking a partition over").
 *
 * While a partition moves, whatever is voted on needs quorums of the old group *and* of the new one. What was chosen before
 * that has its votes in the old group only. Each node of the new group, those that stay included, sees to it that this is
 * not lost when the old group goes: it asks members of the old group who vote by the new layout already, and so take no
 * vote of the old one any more. R of them meet every write quorum that there was, or still may come about: one of them has
 * voted for it, and voted before it was asked.
 *
 * If the highest ballot among their answers is known to be chosen, its value is copied: given to the node's own replica as
 * ACCEPT(b, v). If it is not, it may have been chosen or not, and the copy could make it so behind the back of a proposal
 * that was promised above it. Then only a round at a new ballot can tell; see `Intent`, `transfer`.
 *
 * Refused: to copy the highest, whatever it is. And to leave what is not known alone where the node itself holds it: it has
 * its ballot from promises of the old group, which those of the new one need not meet, so that later on a second value could
 * be proposed at that ballot, or something older become chosen below it and be overwritten by it.
 */
import { assert } from "../assert.js";
import type { NodeId } from "../ids.js";
import type { VoterGroup } from "../quorum/electorate.js";
import { type Ballot, compareBallots, isZeroBallot, sameBallot, zeroBallot } from "./ballot.js";

/** What a member of the old group holds of a file, told when it followed the layout of the move. */
export type HeldState =
  | { readonly kind: "record"; readonly accepted: Ballot; readonly committed: Ballot }
  /** No record, or one that is a promise only. */
  | { readonly kind: "none" }
  /** The record is damaged: the node abstains. */
  | { readonly kind: "corrupt" };

export type Takeover =
  /** ACCEPT of the value that `holders` have at `ballot` is to be given to the own replica; a NACK makes it unsettled. */
  | { readonly kind: "chosen"; readonly ballot: Ballot; readonly holders: readonly NodeId[] }
  /** Nobody knows whether the highest value is chosen: a transfer round is to be run. */
  | { readonly kind: "unsettled" }
  /** Nothing is to be done. */
  | { readonly kind: "nothing" }
  /** Too few of the old group have answered to tell. */
  | { readonly kind: "short"; readonly needed: number; readonly got: number };

export interface TakeoverQuestion {
  readonly self: NodeId;
  /** S, with the quorums of the file's bucket. */
  readonly from: VoterGroup;
  /** At most one of each member of S; where `self` is one, its own among them. */
  readonly answers: ReadonlyMap<NodeId, HeldState>;
}

export function takeoverOf({ self, from, answers }: TakeoverQuestion): Takeover {
  assert(!from.members.includes(self) || answers.has(self), "who is in the old group counts its own record");
  let got = 0;
  let highest = zeroBallot;
  for (const node of from.members) {
    const held = answers.get(node);
    if (!held || held.kind === "corrupt") continue;
    got += 1;
    if (held.kind === "record" && compareBallots(held.accepted, highest) > 0) highest = held.accepted;
  }
  if (got < from.read) return { kind: "short", needed: from.read, got };
  if (isZeroBallot(highest)) return { kind: "nothing" };
  const holders: NodeId[] = [];
  let isTold = false;
  for (const node of from.members) {
    const held = answers.get(node);
    if (held?.kind !== "record") continue;
    if (sameBallot(held.accepted, highest)) holders.push(node);
    if (sameBallot(held.committed, highest)) isTold = true;
  }
  return isTold || holders.length >= from.write ? { kind: "chosen", ballot: highest, holders } : { kind: "unsettled" };
}
