import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Ballot, compareBallots, isZeroBallot, maxBallot, sameBallot, zeroBallot } from "../../src/index.js";

// Few different numbers, so that equal parts are common.
const anyBallot: fc.Arbitrary<Ballot> = fc.record({
  counter: fc.oneof(fc.nat(3), fc.constant(2 ** 53 - 1)),
  node: fc.oneof(fc.nat(3), fc.constant(2 ** 32 - 1)),
  incarnation: fc.nat(3),
});

/** The order written out: as text of fixed width. */
function sortKey({ counter, node, incarnation }: Ballot): string {
  return [counter, node, incarnation].map((part) => String(part).padStart(20, "0")).join(".");
}

describe("ballot", () => {
  test("the order is that of counter, then node, then incarnation", () => {
    fc.assert(
      fc.property(anyBallot, anyBallot, (a, b) => {
        const expected = sortKey(a) < sortKey(b) ? -1 : sortKey(a) > sortKey(b) ? 1 : 0;
        expect(Math.sign(compareBallots(a, b))).toBe(expected);
        expect(sameBallot(a, b)).toBe(expected === 0);
        expect(maxBallot(a, b)).toEqual(expected >= 0 ? a : b);
      }),
    );
  });

  test("zero is below all others", () => {
    fc.assert(
      fc.property(anyBallot, (ballot) => {
        fc.pre(ballot.counter > 0);
        expect(compareBallots(zeroBallot, ballot)).toBeLessThan(0);
        expect(isZeroBallot(ballot)).toBe(false);
      }),
    );
    expect(isZeroBallot(zeroBallot)).toBe(true);
  });
});
