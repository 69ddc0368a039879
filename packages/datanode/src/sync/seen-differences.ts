import { Buffer } from "node:buffer";
import { subRangeCount, SubRangeSet, subRangeDigestsBytes } from "@quorumfs/core";
import type { DigestDifference } from "./compare-digests.js";

const digestBytes = subRangeDigestsBytes / subRangeCount;

/** Some 8 MiB for a peer; more are looked at again now and then. */
const vainMax = 65_536;

/** What comparisons with one peer have shown, so that only what is worth it is pulled. */
export class SeenDifferences {
  /** Sub-ranges that differed at the last look, by partition. */
  #suspects = new Map<number, SubRangeSet>();
  /** Digests, on both sides, of sub-ranges that were pulled and of which nothing was lacking here. */
  readonly #vain = new Map<number, string>();

  /**
   * What of it is to be pulled: what differed at the look before, too, and so is more than a write that is on its way; not
   * what was pulled already and has not changed since.
   *
   * @param options.atOnce everything counts as seen before
   */
  confirm(
    differences: readonly DigestDifference[],
    options: { readonly atOnce: boolean },
  ): { readonly confirmed: readonly DigestDifference[]; readonly pending: boolean } {
    const suspects = this.#suspects;
    this.#suspects = new Map();
    const confirmed: DigestDifference[] = [];
    let pending = false;
    for (const difference of differences) {
      const { partition } = difference;
      const news = [...difference.subRanges].filter((subRange) => !this.#isVain(difference, subRange));
      if (news.length > 0) this.#suspects.set(partition, SubRangeSet.of(news));
      const seen = news.filter((subRange) => options.atOnce || suspects.get(partition)?.has(subRange) === true);
      if (seen.length > 0) confirmed.push({ ...difference, subRanges: SubRangeSet.of(seen) });
      if (seen.length < news.length) pending = true;
    }
    return { confirmed, pending };
  }

  /** These were pulled, and nothing is lacking: the other side is behind, or has what nobody needs. */
  wereVain(differences: readonly DigestDifference[]): void {
    for (const difference of differences) {
      for (const subRange of difference.subRanges) {
        if (this.#vain.size >= vainMax) this.#vain.clear();
        this.#vain.set(keyOf(difference, subRange), digestsOf(difference, subRange));
      }
    }
  }

  /** The layout is another, or the peer has started anew. */
  forget(): void {
    this.#suspects.clear();
    this.#vain.clear();
  }

  #isVain(difference: DigestDifference, subRange: number): boolean {
    return this.#vain.get(keyOf(difference, subRange)) === digestsOf(difference, subRange);
  }
}

function keyOf({ partition }: DigestDifference, subRange: number): number {
  return partition * subRangeCount + subRange;
}

function digestsOf({ ours, theirs }: DigestDifference, subRange: number): string {
  const start = subRange * digestBytes;
  const end = start + digestBytes;
  return Buffer.concat([ours.subarray(start, end), theirs.subarray(start, end)]).toString("latin1");
}
