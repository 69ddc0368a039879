import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type RequestMark,
  type Value,
  findMark,
  isRefusal,
  mayBeForgotten,
  refusalOf,
  ringSizeMax,
  withMark,
} from "../../src/index.js";
import { ballot, live } from "./values.js";

function id(number: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? number : 0));
}

/** @param firstVersion what the file had before */
function valueAfter(marks: readonly RequestMark[], firstVersion = 0): Value {
  return marks.reduce(
    (value, mark) =>
      live({ ring: withMark(value, mark), version: isRefusal(mark) ? value.version : ballot(mark.counter) }),
    live({ version: ballot(firstVersion) }),
  );
}

/** What happened to a file: applied mutations with growing counters, and refusals in between. */
const anyMarks = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: 3 }), refused: fc.boolean() }), { maxLength: 20 })
  .map((steps) => {
    let counter = 0;
    return steps.map(({ step, refused }, index): RequestMark => {
      counter += step;
      return refused ? refusalOf(id(index)) : { requestId: id(index), counter };
    });
  });

describe("request ring", () => {
  test("holds the last marks, oldest first", () => {
    fc.assert(
      fc.property(anyMarks, (marks) => {
        expect(valueAfter(marks).ring).toEqual(marks.slice(-ringSizeMax));
      }),
    );
  });

  test("finds a mark by its id", () => {
    const value = valueAfter([{ requestId: id(1), counter: 4 }, refusalOf(id(2))]);
    expect(findMark(value, id(1))).toEqual({ requestId: id(1), counter: 4 });
    expect(findMark(value, id(2))?.counter).toBe(0);
    expect(findMark(value, id(3))).toBeUndefined();
    expect(findMark(undefined, id(1))).toBeUndefined();
  });

  test("never says that a mutation cannot have run if it has", () => {
    fc.assert(
      fc.property(anyMarks, (marks) => {
        const value = valueAfter(marks);
        for (const mark of marks.slice(0, -ringSizeMax).filter((one) => !isRefusal(one))) {
          expect(mayBeForgotten({ value, floor: 0, lowest: mark.counter })).toBe(true);
          expect(mayBeForgotten({ value, floor: 0, lowest: 1 })).toBe(true);
        }
      }),
    );
  });

  test("never says so of what was collected either: the floor is as high as what was lost", () => {
    fc.assert(
      fc.property(anyMarks, fc.integer({ min: 1, max: 30 }), (marks, floor) => {
        const since = marks.map((mark) => (isRefusal(mark) ? mark : { ...mark, counter: mark.counter + floor }));
        // Whatever is made anew is above the floor.
        expect(mayBeForgotten({ value: valueAfter(since, floor + 1), floor, lowest: floor })).toBe(true);
      }),
    );
  });

  const refusals = Array.from({ length: ringSizeMax }, (_, index) => refusalOf(id(index)));
  const counters = (...list: number[]) => valueAfter(list.map((counter) => ({ requestId: id(counter), counter })));
  test.each([
    ["an absent file without a floor", undefined, 0, 1, false],
    ["an absent file, collected before", undefined, 4, 5, false],
    ["an absent file, collected since", undefined, 5, 5, true],
    ["a short ring without a floor", counters(6, 7), 0, 5, false],
    ["a short ring, collected since", counters(6, 7), 5, 5, true],
    ["a short ring that reaches back, whatever the partition's floor", counters(3, 7), 100, 5, false],
    ["a full ring that does not reach back", counters(6, 7, 8, 9, 10, 11, 12, 13), 0, 5, true],
    ["a ring full of refusals, nothing made since", valueAfter(refusals, 4), 0, 5, false],
    ["a ring full of refusals, something made since", valueAfter(refusals, 5), 0, 5, true],
    ["a full ring that does", counters(5, 7, 8, 9, 10, 11, 12, 13), 0, 5, false],
  ])("%s", (_, value, floor, lowest, expected) => {
    expect(mayBeForgotten({ value, floor, lowest })).toBe(expected);
  });
});
