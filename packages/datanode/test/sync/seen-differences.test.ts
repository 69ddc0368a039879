import { describe, expect, test } from "@jest/globals";
import { SubRangeSet, subRangeDigestsBytes } from "@quorumfs/core";
import type { DigestDifference } from "../../src/sync/compare-digests.js";
import { SeenDifferences } from "../../src/sync/seen-differences.js";

/** A partition of which some sub-ranges differ; `state` stands for all that is in it. */
function difference(partition: number, subRanges: readonly number[], state = 1): DigestDifference {
  const ours = new Uint8Array(subRangeDigestsBytes);
  const theirs = new Uint8Array(subRangeDigestsBytes);
  for (const subRange of subRanges) theirs[subRange * 8] = state;
  return { partition, layout: 1, subRanges: SubRangeSet.of(subRanges), ours, theirs };
}

function shown({ confirmed, pending }: ReturnType<SeenDifferences["confirm"]>) {
  return { confirmed: confirmed.map(({ partition, subRanges }) => [partition, ...subRanges]), pending };
}

const later = { atOnce: false };

describe("what differs", () => {
  test("at one look only was on its way", () => {
    const seen = new SeenDifferences();
    expect(shown(seen.confirm([difference(3, [1, 2])], later))).toEqual({ confirmed: [], pending: true });
    expect(shown(seen.confirm([difference(3, [7])], later))).toEqual({ confirmed: [], pending: true });
    expect(shown(seen.confirm([], later))).toEqual({ confirmed: [], pending: false });
  });

  test("at two looks one after the other counts, in the sub-ranges of both", () => {
    const seen = new SeenDifferences();
    seen.confirm([difference(3, [1, 2]), difference(4, [9])], later);
    const second = seen.confirm([difference(3, [2, 5]), difference(4, [9])], later);
    expect(shown(second)).toEqual({
      confirmed: [
        [3, 2],
        [4, 9],
      ],
      pending: true,
    });
  });

  test("counts at once where nothing is known yet", () => {
    const seen = new SeenDifferences();
    expect(shown(seen.confirm([difference(3, [1])], { atOnce: true }))).toEqual({
      confirmed: [[3, 1]],
      pending: false,
    });
  });

  test("and was looked at in vain is not looked at again before it changes", () => {
    const seen = new SeenDifferences();
    seen.wereVain([difference(3, [1, 2])]);
    expect(shown(seen.confirm([difference(3, [1, 2])], { atOnce: true }))).toEqual({ confirmed: [], pending: false });
    const changed = seen.confirm([difference(3, [1, 2], 5)], { atOnce: true });
    expect(shown(changed)).toEqual({ confirmed: [[3, 1, 2]], pending: false });
    seen.wereVain([difference(3, [1])]);
    seen.forget();
    expect(shown(seen.confirm([difference(3, [1])], { atOnce: true }))).toEqual({
      confirmed: [[3, 1]],
      pending: false,
    });
  });
});
