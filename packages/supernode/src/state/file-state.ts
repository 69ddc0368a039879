/** What several nodes say about one path, as one line of a state query. Pure. */
import { type Ballot as CoreBallot, compareBallots, type NodeId, zeroBallot } from "@quorumfs/core";
import type { Ballot, FileState, RangeEntry } from "@quorumfs/proto";

export interface Copy {
  readonly node: NodeId;
  readonly entry: RangeEntry;
}

/**
 * The newest version is the value of the highest accepted ballot. Who holds the same version at a lower ballot holds it
 * all the same: a value is accepted anew when a reader settles it.
 *
 * @returns undefined for a file that is deleted, or of which nobody has a copy that counts
 */
export function fileStateOf(bucket: string, path: string, copies: readonly Copy[]): FileState | undefined {
  const newest = newestOf(copies)?.entry.value;
  if (copies.length === 0 || newest?.tombstone) return undefined;
  const version = ballotOf(newest?.version);
  const holders: number[] = [];
  const behind: number[] = [];
  for (const { node, entry } of copies) {
    const holds =
      newest !== undefined && !entry.corrupt && compareBallots(ballotOf(entry.value?.version), version) === 0;
    (holds ? holders : behind).push(node);
  }
  return {
    bucket,
    path,
    version: version.counter,
    size: newest?.size ?? 0,
    etag: newest?.etag ?? new Uint8Array(0),
    holders,
    behind,
    modifiedAtMs: newest?.modifiedAtMs ?? 0,
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

function ballotOf(ballot: Ballot | undefined): CoreBallot {
  return ballot ?? zeroBallot;
}
