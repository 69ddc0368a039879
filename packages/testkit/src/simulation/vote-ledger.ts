import {
  type Ballot,
  type Electorate,
  type NodeId,
  type PartitionAssignment,
  type QuorumSettings,
  type Value,
  compareBallots,
  formatBallot,
  hasQuorum,
  sameBallot,
  votersOf,
} from "@quorumfs/core";
import { formatValue } from "./format.js";
import { Violation } from "./violation.js";

interface Entry {
  readonly ballot: Ballot;
  readonly value: Value;
  readonly votes: Map<NodeId, CastVote>;
  chosen: boolean;
}

/** A vote counts for the layouts from that under which it was cast to that under which its replica dropped it. */
interface CastVote {
  readonly from: number;
  readonly until: number;
}

interface Published {
  readonly layout: number;
  readonly voters: Electorate;
}

/**
 * Sees every vote of every replica at the moment when it becomes durable, and knows more than any coordinator: which
 * values are chosen. Checks while the history runs, so that a violation is caught where it happens and not where it
 * first shows to a client.
 *
 * A value is chosen when it has the write quorum of some layout, by votes under that layout or older ones. So one that has
 * the votes of the new group only is chosen at the moment when that group is alone.
 */
export class VoteLedger {
  readonly #quorum: QuorumSettings;
  readonly #layouts: Published[] = [];
  readonly #entries = new Map<string, Entry>();
  readonly #chosen: Entry[] = [];
  readonly #chosenVersions = new Set<string>();

  constructor(quorum: QuorumSettings, first: PartitionAssignment) {
    this.#quorum = quorum;
    this.onPublished(first);
  }

  onPublished(assignment: PartitionAssignment): void {
    const published = { layout: assignment.layout, voters: votersOf(assignment, this.#quorum) };
    this.#layouts.push(published);
    for (const entry of this.#entries.values()) this.#count(entry, published);
  }

  onVote(vote: { node: NodeId; ballot: Ballot; value: Value; layout: number }): void {
    const { node, ballot, value, layout } = vote;
    const key = formatBallot(ballot);
    let entry = this.#entries.get(key);
    if (entry && !isSameValue(entry.value, value)) {
      if (this.#mayBeMet(entry)) {
        throw new Violation(`two values at ballot ${key}: ${formatValue(entry.value)} and ${formatValue(value)}`);
      }
      entry = undefined;
    }
    if (!entry) {
      entry = { ballot, value, votes: new Map(), chosen: false };
      this.#entries.set(key, entry);
    }
    if (entry.votes.get(node)?.until !== Infinity) entry.votes.set(node, { from: layout, until: Infinity });
    for (const published of this.#layouts) if (published.layout >= layout) this.#count(entry, published);
  }

  /** Under this layout a replica has dropped all that it had. */
  onDropped(node: NodeId, layout: number): void {
    for (const { votes } of this.#entries.values()) {
      const cast = votes.get(node);
      if (cast?.until === Infinity) votes.set(node, { ...cast, until: layout });
    }
  }

  /** Whether anybody who is asked now, or will be, holds it: what only nodes hold that have left is dropped before they return. */
  #mayBeMet({ chosen, votes }: Entry): boolean {
    const members = this.#layouts.at(-1)?.voters.members ?? [];
    return chosen || members.some((node) => votes.get(node)?.until === Infinity);
  }

  #count(entry: Entry, { layout, voters }: Published): void {
    if (entry.chosen) return;
    const { votes } = entry;
    const counts = (node: NodeId) => {
      const cast = votes.get(node);
      return cast !== undefined && cast.from <= layout && layout < cast.until;
    };
    if (!hasQuorum(voters, "write", counts)) return;
    entry.chosen = true;
    this.#onChosen(entry);
  }

  /** Values that anybody may have heard of: a later ballot's value comes from an earlier one's by mutation. */
  #onChosen(entry: Entry): void {
    for (const other of this.#chosen) {
      const [earlier, later] = compareBallots(other.ballot, entry.ballot) < 0 ? [other, entry] : [entry, other];
      const from = earlier.value.version;
      const to = later.value.version;
      if (to.counter > from.counter || sameBallot(to, from)) continue;
      throw new Violation(
        `versions must grow: ${formatValue(later.value)} was chosen at ${formatBallot(later.ballot)}, ` +
          `after ${formatValue(earlier.value)} at ${formatBallot(earlier.ballot)}`,
      );
    }
    this.#chosen.push(entry);
    this.#chosenVersions.add(formatBallot(entry.value.version));
  }

  /** Nobody may hear of a version before it is chosen. */
  expectChosen(value: Value): void {
    if (this.#chosenVersions.has(formatBallot(value.version))) return;
    throw new Violation(`told of ${formatValue(value)} though it is not chosen`);
  }
}

function isSameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || !sameBallot(a.version, b.version) || a.ring.length !== b.ring.length) return false;
  return a.ring.every((mark, index) => mark.counter === b.ring[index]?.counter) && formatValue(a) === formatValue(b);
}
