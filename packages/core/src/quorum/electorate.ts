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

/** Whether the nodes for which `votes` holds make a quorum in every group. */
export function hasQuorum(voters: Electorate, kind: "read" | "write", votes: (node: NodeId) => boolean): boolean {
  for (const group of voters.groups) {
    let count = 0;
    for (const node of group.members) if (votes(node)) count += 1;
    if (count < group[kind]) return false;
  }
  return true;
}

/** What the least served group needs and has: the figures that an error message shows. */
export function quorumShortfall(
  voters: Electorate,
  kind: "read" | "write",
  votes: (node: NodeId) => boolean,
): { readonly needed: number; readonly got: number } {
  let worst = { needed: 0, got: 0 };
  for (const group of voters.groups) {
    const got = group.members.filter(votes).length;
    const needed = group[kind];
    if (needed - got > worst.needed - worst.got || worst.needed === 0) worst = { needed, got };
  }
  return worst;
}
