import { assert } from "../assert.js";
import type { NodeId } from "../ids.js";

/** The nodes that vote on a file, and how many of them it takes. */
export interface VoterGroup {
  readonly members: readonly NodeId[];
  readonly read: number;
  readonly write: number;
}

/**
 * Who decides about a file: one group as a rule; two while its partition moves, and then every quorum is needed in
 * both (PROTOCOL.md, "Layout change").
 */
export interface Electorate {
  readonly groups: readonly VoterGroup[];
  /** Every voter once, in order of preference as coordinator. */
  readonly members: readonly NodeId[];
}

export function electorate(groups: readonly VoterGroup[]): Electorate {
  const first = groups[0];
  if (groups.length === 1 && first) return { groups, members: first.members };
  return { groups, members: [...new Set(groups.flatMap((group) => group.members))] };
}

/**
 * The voters of a transfer round in a partition that moves: promises of both groups, votes of the second only. The first
 * one is asked for all that may have been chosen in it, and stopped from choosing anything below; whether it can still choose
 * anything at all does not matter, so that a node which is lost for good can be replaced where W = N.
 */
export function transferVoters(joint: Electorate): Electorate {
  const [from, to, ...more] = joint.groups;
  assert(from !== undefined && to !== undefined && more.length === 0, "a partition moves from one group to another");
  return { groups: [{ ...from, write: 0 }, to], members: joint.members };
}

/** Whether the partition moves, and every quorum is needed in two groups. */
export function isJoint(voters: Electorate): boolean {
  return voters.groups.length > 1;
}

/**
 * What is asked of a quorum. `read`: to meet every write. `write`: to make a value chosen. `promise`: to meet every
 * write, and every other promise of the same ballot too, so that a ballot which two operations of one coordinator
 * happen to pick serves one of them at most. With R below a majority (5/2/4) R promises alone would not see to that; the
 * majority costs nothing, for then W, which the operation needs next, is a majority anyway.
 */
export type QuorumKind = "read" | "write" | "promise";

export function quorumSize(group: VoterGroup, kind: QuorumKind): number {
  switch (kind) {
    case "read":
      return group.read;
    case "write":
      return group.write;
    case "promise":
      return Math.max(group.read, Math.floor(group.members.length / 2) + 1);
  }
}

/** Whether the nodes for which `votes` holds make a quorum in every group. */
export function hasQuorum(voters: Electorate, kind: QuorumKind, votes: (node: NodeId) => boolean): boolean {
  for (const group of voters.groups) {
    let count = 0;
    for (const node of group.members) if (votes(node)) count += 1;
    if (count < quorumSize(group, kind)) return false;
  }
  return true;
}

/** What the least served group needs and has: the figures that an error message shows. */
export function quorumShortfall(
  voters: Electorate,
  kind: QuorumKind,
  votes: (node: NodeId) => boolean,
): { readonly needed: number; readonly got: number } {
  let worst = { needed: 0, got: 0 };
  for (const group of voters.groups) {
    const got = group.members.filter(votes).length;
    const needed = quorumSize(group, kind);
    if (needed - got > worst.needed - worst.got || worst.needed === 0) worst = { needed, got };
  }
  return worst;
}
