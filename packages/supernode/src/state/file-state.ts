/** What several nodes say about one path, as one line of a state query. Pure. */
import { type Ballot as CoreBallot, compareBallots, type NodeId, zeroBallot } from "@quorumfs/core";
import type { Ballot, RangeEntry } from "@quorumfs/proto";

export interface Copy {
  readonly node: NodeId;
  readonly entry: RangeEntry;
}

/** A file, and who holds it. */
export interface FoundFile {
  readonly path: string;
  /** Of the newest version. */
  readonly version: CoreBallot;
  readonly size: number;
  readonly etag: Uint8Array;
  readonly modifiedAtMs: number;
  /** By id. */
  readonly holders: readonly NodeId[];
  /** Who holds an older version, or a damaged record. */
  readonly behind: readonly NodeId[];
}

const noEtag = new Uint8Array(32);

/**
 * The newest version is the value of the highest accepted ballot. Who holds the same version at a lower ballot holds it
 * all the same: a value is accepted anew when a reader settles it.
 *
 * @param known a version that was on its way already a moment ago: who holds that one is not behind, for a newer one may be
 *   on its way to him now. Default: the newest version
 * @returns undefined for a file that is deleted, or of which nobody has a copy that counts
 */
export function fileOf(path: string, copies: readonly Copy[], known?: CoreBallot): FoundFile | undefined {
  const newest = newestOf(copies)?.entry.value;
  if (copies.length === 0 || newest?.tombstone) return undefined;
  const version = ballotOf(newest?.version);
  const needed = known && compareBallots(known, version) < 0 ? known : version;
  const holders: NodeId[] = [];
  const behind: NodeId[] = [];
  for (const { node, entry } of copies) {
    const holds = newest !== undefined && !entry.corrupt && compareBallots(ballotOf(entry.value?.version), needed) >= 0;
    // A tombstone below the newest value is no copy of it, whatever its number.
    (holds && entry.value?.tombstone !== true ? holders : behind).push(node);
  }
  return {
    path,
    version,
    size: newest?.size ?? 0,
    etag: newest?.etag ?? noEtag,
    modifiedAtMs: newest?.modifiedAtMs ?? 0,
    holders: holders.sort(byId),
    behind: behind.sort(byId),
  };
}

function newestOf(copies: readonly Copy[]): Copy | undefined {
  let newest: Copy | undefined;
  for (const copy of copies) {
    if (copy.entry.corrupt || !copy.entry.value) continue;
    if (!newest || compareBallots(ballotOf(copy.entry.accepted), ballotOf(newest.entry.accepted)) > 0) newest = copy;
  }
  return newest;
}

function byId(a: NodeId, b: NodeId): number {
  return a - b;
}

function ballotOf(ballot: Ballot | undefined): CoreBallot {
  return ballot ?? zeroBallot;
}
