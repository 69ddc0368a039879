/**
 * Joins what several replicas say about a range of paths into what is true of each path.
 *
 * Each replica answers with a sorted page that may end early. A path counts as answered by a replica when its page got
 * that far, with or without an entry for it. So only paths up to the least far of the pages are settled here; the next
 * pages start behind that. Nothing is listed that is not known to be chosen: what may be half-written comes back as
 * `unknown`, to be read by a vote of its own (PROTOCOL.md, "List").
 */
import { comparePaths } from "../file/path.js";
import type { NodeId } from "../ids.js";
import { type Electorate, hasQuorum } from "../quorum/electorate.js";
import { type Ballot, compareBallots, sameBallot, zeroBallot } from "../register/ballot.js";
import type { Value } from "../register/value.js";

/** What one replica holds of one path. */
export type RangeEntry =
  | {
      readonly kind: "record";
      readonly path: string;
      readonly accepted: Ballot;
      /** Without content. */
      readonly value: Value;
      readonly committed: Ballot;
    }
  /** The record is damaged: the replica abstains for this path. */
  | { readonly kind: "corrupt"; readonly path: string };

/** What one replica holds of a range. */
export interface RangePage {
  /** In byte order of path, each path once. */
  readonly entries: readonly RangeEntry[];
  /** Whether there may be more behind `lastPath`. */
  readonly truncated: boolean;
  /** When truncated: everything up to and including this path has been said. */
  readonly lastPath: string;
  /** The highest floor of any partition on the node: it may have forgotten votes up to there. */
  readonly floor: number;
}

export type MergedEntry =
  | { readonly kind: "live"; readonly path: string; readonly value: Value }
  /** Too few votes to tell: this path has to be read. */
  | { readonly kind: "unknown"; readonly path: string };

export interface MergedRange {
  /** In byte order of path; deleted files are left out. */
  readonly entries: readonly MergedEntry[];
  /** How far the pages reach together, inclusive; undefined: to the end of the range. */
  readonly upTo: string | undefined;
}

/** How far one page has been merged. */
interface Cursor {
  readonly node: NodeId;
  readonly entries: readonly RangeEntry[];
  readonly floor: number;
  next: number;
  /** The entry at the path that is being decided, if the page has one. */
  entry: RangeEntry | undefined;
}

/**
 * @param options.pages at least a read quorum of the voters of every path in the range
 * @param options.votersOf the electorate of a path
 */
export function mergeRange(options: {
  readonly pages: ReadonlyMap<NodeId, RangePage>;
  readonly votersOf: (path: string) => Electorate;
}): MergedRange {
  const upTo = reachOf(options.pages.values());
  const cursors = [...options.pages].map(([node, { entries, floor }]): Cursor => ({
    node,
    entries,
    floor,
    next: 0,
    entry: undefined,
  }));
  const merged: MergedEntry[] = [];
  for (;;) {
    const path = advance(cursors);
    if (path === undefined || (upTo !== undefined && comparePaths(path, upTo) > 0)) return { entries: merged, upTo };
    const entry = decide(path, cursors, options.votersOf(path));
    if (entry) merged.push(entry);
  }
}

function reachOf(pages: Iterable<RangePage>): string | undefined {
  let reach: string | undefined;
  for (const { truncated, lastPath } of pages) {
    if (truncated && (reach === undefined || comparePaths(lastPath, reach) < 0)) reach = lastPath;
  }
  return reach;
}

/** Moves to the lowest path that any page still has, and points every cursor at its entry for that path. */
function advance(cursors: readonly Cursor[]): string | undefined {
  let lowest: string | undefined;
  for (const cursor of cursors) {
    const head = cursor.entries[cursor.next]?.path;
    if (head !== undefined && (lowest === undefined || comparePaths(head, lowest) < 0)) lowest = head;
  }
  for (const cursor of cursors) {
    const head = cursor.entries[cursor.next];
    cursor.entry = head?.path === lowest ? head : undefined;
    if (cursor.entry) cursor.next += 1;
  }
  return lowest;
}

function decide(path: string, cursors: readonly Cursor[], voters: Electorate): MergedEntry | undefined {
  const newest = newestOf(cursors, voters);
  const counter = newest?.accepted.counter ?? Infinity;
  const answers = (node: NodeId) => cursors.some((cursor) => cursor.node === node && vouches(cursor, counter));
  if (!hasQuorum(voters, "read", answers)) return { kind: "unknown", path };
  if (!newest) return undefined;
  if (!isKnown(newest.accepted, cursors, voters)) return { kind: "unknown", path };
  return newest.value.kind === "live" ? { kind: "live", path, value: newest.value } : undefined;
}

/** As for a read of one file: who has no entry, and may have erased one since, cannot say that a lower ballot is the newest. */
function vouches({ entry, floor }: Cursor, counter: number): boolean {
  return entry ? entry.kind === "record" : floor < counter;
}

type RecordEntry = Extract<RangeEntry, { kind: "record" }>;

/** The entry with the highest ballot; what is left on a node that does not vote on the file any more says nothing. */
function newestOf(cursors: readonly Cursor[], voters: Electorate): RecordEntry | undefined {
  let newest: RecordEntry | undefined;
  for (const { node, entry } of cursors) {
    if (entry?.kind !== "record" || !voters.members.includes(node)) continue;
    if (!newest || compareBallots(entry.accepted, newest.accepted) > 0) newest = entry;
  }
  return newest;
}

/** As for a read of one file: W votes for this ballot, or a voter that has been told that it is chosen. */
function isKnown(accepted: Ballot, cursors: readonly Cursor[], voters: Electorate): boolean {
  const entryOf = (node: NodeId) => {
    const entry = cursors.find((cursor) => cursor.node === node)?.entry;
    return entry?.kind === "record" ? entry : undefined;
  };
  const isVote = (node: NodeId) => sameBallot(entryOf(node)?.accepted ?? zeroBallot, accepted);
  const isTold = (node: NodeId) => sameBallot(entryOf(node)?.committed ?? zeroBallot, accepted);
  return hasQuorum(voters, "write", isVote) || voters.members.some(isTold);
}
