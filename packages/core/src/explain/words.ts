/** A judgement in sentences, for people who want to understand what the vote on their file did. */
import { unreachable } from "../assert.js";
import type { NodeId } from "../ids.js";
import {
  type Electorate,
  hasQuorum,
  isJoint,
  quorumShortfall,
  type QuorumKind,
  quorumSize,
} from "../quorum/electorate.js";
import { compareBallots, formatBallot, isZeroBallot, zeroBallot } from "../register/ballot.js";
import type { Finding } from "../register/known.js";
import type { Value } from "../register/value.js";
import type { Judgement, Testimonies } from "./verdict.js";

export interface Explained {
  readonly voters: Electorate;
  readonly testimonies: Testimonies;
  readonly judgement: Judgement;
  /** Replicas whose record is sound and whose content is not: they vote, and cannot deliver. */
  readonly contentDamaged: readonly NodeId[];
}

/** Why the verdict is what it is: one sentence a step, in the order in which a read decides. */
export function reasonsOf(explained: Explained): readonly string[] {
  const { voters } = explained;
  return [
    isJoint(voters)
      ? jointSentence(voters)
      : `${sentence(nodes(voters.members))} ${has(voters.members)} the votes on this file.`,
    ...answerSentences(explained),
    ...findingSentences(explained),
    ...promiseSentences(explained),
    verdictSentence(explained),
  ];
}

/** What a linearizable read has to do now. */
export function readNeeds(explained: Explained): string {
  const { voters, judgement, contentDamaged } = explained;
  const { verdict, counted, holders, shortfall, finding } = judgement;
  const quorum = `needs ${ofEachGroup(voters, "read", "answer")}`;
  if (verdict === "no_quorum") {
    const others = voters.members.filter((node) => !counted.includes(node));
    const until = others.length === 1 ? `${nodes(others)} answers` : `more of ${nodes(others)} answer`;
    return `A read ${quorum}, and gets ${shortfall.got}: it fails until ${until}.`;
  }
  const parts = [`A read ${quorum}; ${spare(voters, "read", counted)}.`];
  if (verdict === "unsettled") {
    const missing = voters.members.filter((node) => !holders.includes(node));
    parts.push(
      isJoint(voters) || !judgement.isNewest
        ? "It then has to make the newest value chosen by a round of its own: promises first, then votes."
        : `It then writes ${versionOf(finding)} back to ${nodes(missing)}, until ${ofEachGroup(voters, "write", "replica")} ${quorumWord(voters, "write")} it.`,
    );
  } else if (verdict === "found") {
    const whole = holders.filter((node) => !contentDamaged.includes(node));
    parts.push(
      whole.length === 0
        ? "No replica that holds this version has its content undamaged: the content cannot be read until one is repaired."
        : `It takes one round trip; the content comes from ${whole.length === 1 ? "" : "one of "}${nodes(whole)}.`,
    );
  } else parts.push("It takes one round trip.");
  return parts.join(" ");
}

/** What a write has to do now. */
export function writeNeeds(explained: Explained): string {
  const { voters, judgement } = explained;
  const { counted } = judgement;
  const promise = ofEachGroup(voters, "promise", "promise");
  const votes = ofEachGroup(voters, "write", "acknowledgement");
  const needs = `A write needs ${promise} and then ${votes}`;
  for (const kind of ["promise", "write"] as const) {
    if (hasQuorum(voters, kind, (node) => counted.includes(node))) continue;
    const { needed, got } = quorumShortfall(voters, kind, (node) => counted.includes(node));
    const who = kind === "write" ? "that have to acknowledge it" : "that have to promise";
    return `${needs}; only ${replicasThere(got)} of the ${needed} ${who}: it fails.`;
  }
  return `${needs}; ${spare(voters, "write", counted)}. ${ballotSentence(explained)}`.trimEnd();
}

/** Whoever wrote last was promised its next ballot along with the votes. */
function ballotSentence(explained: Explained): string {
  const { voters } = explained;
  const { promised, by } = highestPromise(explained);
  if (isZeroBallot(promised)) return "";
  const text = formatBallot(promised);
  return hasQuorum(voters, "promise", (node) => by.includes(node))
    ? `Node ${promised.node} has enough promises for ballot ${text} already and may begin with the votes; any other node takes a ballot above that.`
    : `Its ballot has to be above ${text}.`;
}

function jointSentence({ groups }: Electorate): string {
  const [from, to] = groups.map(({ members }) => nodes(members));
  return `The file is moving from ${from ?? "nowhere"} to ${to ?? "nowhere"}: every quorum is needed in both groups.`;
}

function answerSentences({ voters, testimonies, judgement }: Explained): readonly string[] {
  const { counted } = judgement;
  const answered = counted.length === 0 ? "None of them answered." : `${sentence(nodes(counted))} answered.`;
  const others = voters.members.flatMap((node) => {
    const testimony = testimonies.get(node);
    switch (testimony?.kind) {
      case "abstains":
        return [`Node ${node} abstains: ${testimony.reason}.`];
      case "silent":
        return [`Node ${node} did not answer: ${testimony.reason}.`];
      case "state":
      case undefined:
        return [];
      default:
        return unreachable(testimony);
    }
  });
  return [answered, ...others];
}

function findingSentences(explained: Explained): readonly string[] {
  const { voters, testimonies, judgement } = explained;
  const { finding, holders, proof, counted } = judgement;
  if (counted.length === 0) return [];
  if (isZeroBallot(finding.accepted)) return ["None of them has anything of this file."];
  const what = `The highest ballot at which any of them accepted something is ${formatBallot(finding.accepted)}: ${valueText(finding.value)}, on ${nodes(holders)}.`;
  const older = counted.flatMap((node) => {
    const testimony = testimonies.get(node);
    if (holders.includes(node) || testimony?.kind !== "state") return [];
    const { accepted, value } = testimony.state;
    return isZeroBallot(accepted)
      ? [`Node ${node} has nothing of it.`]
      : [`Node ${node} still has ${valueText(value)}, from ballot ${formatBallot(accepted)}.`];
  });
  return [what, ...older, proofSentence({ voters, proof, holders })];
}

function proofSentence({
  voters,
  proof,
  holders,
}: Pick<Explained, "voters"> & Pick<Judgement, "proof" | "holders">): string {
  switch (proof?.kind) {
    case "votes":
      return `It has ${votesOf(holders.length)}, and a write needs ${quorumNumber(voters, "write")}: it is chosen, and nobody reads anything older any more.`;
    case "told":
      return `It has ${votesOf(holders.length)} among those that answered, but ${nodes(proof.nodes)} ${has(proof.nodes)} been told that it was chosen.`;
    case "nothing":
    case undefined:
      return `It has ${votesOf(holders.length)} of the ${quorumNumber(voters, "write")} that a write needs, and none of them was told that it was chosen: its write may be under way, or its coordinator stopped halfway.`;
  }
}

/** Who has promised a ballot above all that was accepted: somebody has begun something there. */
function promiseSentences(explained: Explained): readonly string[] {
  const { finding } = explained.judgement;
  const { promised, by } = highestPromise(explained);
  if (compareBallots(promised, finding.accepted) <= 0) return [];
  return [
    `${sentence(nodes(by))} ${has(by)} promised ballot ${formatBallot(promised)} to node ${promised.node}, ` +
      `which may write with it: a vote below that ballot is refused there.`,
  ];
}

function highestPromise({ testimonies }: Explained): { promised: typeof zeroBallot; by: readonly NodeId[] } {
  let promised = zeroBallot;
  let by: NodeId[] = [];
  for (const [node, testimony] of testimonies) {
    if (testimony.kind !== "state") continue;
    const order = compareBallots(testimony.promised, promised);
    if (order > 0) by = [];
    if (order >= 0) by.push(node);
    if (order > 0) promised = testimony.promised;
  }
  return { promised, by };
}

function verdictSentence({ voters, judgement }: Explained): string {
  const { verdict, finding, without, isNewest, shortfall } = judgement;
  switch (verdict) {
    case "found":
      return `So a read answers ${versionOf(finding)}.`;
    case "absent":
      return isZeroBallot(finding.accepted)
        ? "So a read answers that there is no such file."
        : "So a read answers that there is no such file: it was deleted.";
    case "no_quorum":
      return `So a read fails: it needs ${shortfall.needed} ${shortfall.needed === 1 ? "answer" : "answers"}${isJoint(voters) ? " in each group" : ""} and gets ${shortfall.got}.`;
    case "unsettled": {
      const first = isNewest
        ? `So a read that meets ${versionOf(finding)} makes it chosen before it answers it`
        : "A replica that has erased a tombstone cannot vouch for what was found, so a read has to make it chosen before it answers it";
      return without ? `${first}; one that does not meet it answers ${answerText(without)} at once.` : `${first}.`;
    }
    default:
      return unreachable(verdict);
  }
}

function answerText(finding: Finding): string {
  return finding.value?.kind === "live" ? versionOf(finding) : "that there is no such file";
}

function versionOf({ value }: Finding): string {
  if (!value) return "nothing";
  return value.kind === "live" ? `version ${value.version.counter}` : `the delete of version ${value.version.counter}`;
}

function valueText(value: Value | undefined): string {
  if (!value) return "nothing";
  const { counter } = value.version;
  return value.kind === "live" ? `version ${counter} of ${value.size} bytes` : `a delete, version ${counter}`;
}

/** `2 acknowledgements of 3`, or of each group. */
function ofEachGroup(voters: Electorate, kind: QuorumKind, what: string): string {
  const texts = voters.groups.map((group) => {
    const size = quorumSize(group, kind);
    return `${size} ${what}${size === 1 ? "" : "s"} of ${group.members.length}`;
  });
  const [first = "", second] = texts;
  if (second === undefined) return first;
  return first === second
    ? `${first} in each of both groups`
    : `${first} in the old group and ${second} in the new one`;
}

function quorumNumber(voters: Electorate, kind: QuorumKind): string {
  const sizes = [...new Set(voters.groups.map((group) => quorumSize(group, kind)))];
  const number = Math.max(...sizes);
  return isJoint(voters) ? `${number} in each group` : String(number);
}

function quorumWord(voters: Electorate, kind: QuorumKind): string {
  return voters.groups.every((group) => quorumSize(group, kind) === 1) ? "has" : "have";
}

/** How many more may be away: `3 answer, so 1 more node may be away`. */
function spare(voters: Electorate, kind: QuorumKind, there: readonly NodeId[]): string {
  const spares = voters.groups.map((group) => {
    const answering = group.members.filter((node) => there.includes(node)).length;
    const needed =
      kind === "write" ? Math.max(quorumSize(group, kind), quorumSize(group, "promise")) : quorumSize(group, kind);
    return answering - needed;
  });
  const count = Math.max(0, Math.min(...spares));
  const now = replicasThere(there.length);
  if (count === 0) return `${now}, and none of them may be away`;
  return `${now}, and ${count} more ${count === 1 ? "node" : "nodes"} may be away`;
}

function replicasThere(count: number): string {
  return `${count} ${count === 1 ? "replica is" : "replicas are"} there`;
}

function votesOf(count: number): string {
  return `${count} ${count === 1 ? "vote" : "votes"}`;
}

function nodes(list: readonly NodeId[]): string {
  const numbers = [...list].sort((a, b) => a - b).map(String);
  const last = numbers.pop();
  if (last === undefined) return "no node";
  return numbers.length === 0 ? `node ${last}` : `nodes ${numbers.join(", ")} and ${last}`;
}

function has(list: readonly NodeId[]): string {
  return list.length === 1 ? "has" : "have";
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
