import { assert } from "../assert.js";
import type { NodeFailure } from "../errors.js";
import type { NodeId } from "../ids.js";
import { type Electorate, type QuorumKind, quorumShortfall, quorumSize } from "./electorate.js";

export type TallyResult = "pending" | "won" | "lost";

/**
 * Counts the answers to one question that was put to every voter. A node counts once, whatever it sends; the first
 * answer stands.
 */
export class Tally {
  readonly #voters: Electorate;
  readonly #kind: QuorumKind;
  // Arrays: with at most replicasMax entries they are quicker than sets, and each round of each operation has a tally.
  readonly #ayes: NodeId[] = [];
  readonly #noes: { readonly node: NodeId; readonly reason: string }[] = [];

  constructor(voters: Electorate, kind: QuorumKind) {
    this.#voters = voters;
    this.#kind = kind;
  }

  /** False if the node had answered already or is no voter. */
  aye(node: NodeId): boolean {
    if (!this.#mayAnswer(node)) return false;
    this.#ayes.push(node);
    return true;
  }

  /** `reason` is for people: why this node did not help. */
  no(node: NodeId, reason: string): boolean {
    if (!this.#mayAnswer(node)) return false;
    this.#noes.push({ node, reason });
    return true;
  }

  #mayAnswer(node: NodeId): boolean {
    return !this.#saidAye(node) && !this.#saidNo(node) && this.#voters.members.includes(node);
  }

  #saidAye(node: NodeId): boolean {
    return this.#ayes.includes(node);
  }

  #saidNo(node: NodeId): boolean {
    for (const no of this.#noes) if (no.node === node) return true;
    return false;
  }

  /** `lost` when the nodes that have not answered yet cannot make up a quorum any more. */
  get result(): TallyResult {
    let result: TallyResult = "won";
    for (const group of this.#voters.groups) {
      let ayes = 0;
      let noes = 0;
      for (const node of group.members) {
        if (this.#saidAye(node)) ayes += 1;
        else if (this.#saidNo(node)) noes += 1;
      }
      const needed = quorumSize(group, this.#kind);
      if (group.members.length - noes < needed) return "lost";
      if (ayes < needed) result = "pending";
    }
    return result;
  }

  get allAnswered(): boolean {
    const answered = this.#ayes.length + this.#noes.length;
    assert(answered <= this.#voters.members.length, "a node that is no voter was counted");
    return answered === this.#voters.members.length;
  }

  get ayes(): readonly NodeId[] {
    return [...this.#ayes];
  }

  get failures(): readonly NodeFailure[] {
    return [...this.#noes];
  }

  get shortfall(): { readonly needed: number; readonly got: number } {
    return quorumShortfall(this.#voters, this.#kind, (node) => this.#saidAye(node));
  }
}
