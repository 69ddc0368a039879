import {
  type Ballot,
  type Electorate,
  type NodeId,
  type Value,
  compareBallots,
  formatBallot,
  hasQuorum,
  sameBallot,
} from "@quorumfs/core";
import { formatValue } from "./format.js";
import { Violation } from "./violation.js";

interface Entry {
  readonly ballot: Ballot;
  readonly value: Value;
  readonly voters: Set<NodeId>;
  chosen: boolean;
}

/**
 * Sees every vote of every replica at the moment when it becomes durable, and knows more than any coordinator: which
 * values are chosen. Checks while the history runs, so that a violation is caught where it happens and not where it
 * first shows to a client.
 */
export class VoteLedger {
  readonly #voters: Electorate;
  readonly #entries = new Map<string, Entry>();
  readonly #chosen: Entry[] = [];
  readonly #chosenVersions = new Set<string>();

  constructor(voters: Electorate) {
    this.#voters = voters;
  }

  onVote(node: NodeId, ballot: Ballot, value: Value): void {
    const key = formatBallot(ballot);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { ballot, value, voters: new Set(), chosen: false };
      this.#entries.set(key, entry);
    } else if (!isSameValue(entry.value, value)) {
      throw new Violation(`two values at ballot ${key}: ${formatValue(entry.value)} and ${formatValue(value)}`);
    }
    entry.voters.add(node);
    const { voters } = entry;
    if (entry.chosen || !hasQuorum(this.#voters, "write", (voter) => voters.has(voter))) return;
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
