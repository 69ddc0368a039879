import { describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { Absences } from "../../src/layout/absences.js";

const [a, b] = [nodeId(1), nodeId(2)];

describe("absences", () => {
  test("time counts while a node is seen to be away, from the first time", () => {
    const absences = new Absences();
    absences.look([], 0);
    absences.look([a], 1000);
    for (const nowMs of [2000, 3000, 4000]) absences.look([a, b], nowMs);
    expect(absences.longerThan(3000)).toEqual([a]);
    expect(absences.longerThan(2000)).toEqual([a, b]);
  });

  test("who comes back begins anew", () => {
    const absences = new Absences();
    for (const nowMs of [0, 1000, 2000]) absences.look([a], nowMs);
    absences.look([], 3000);
    for (const nowMs of [4000, 5000]) absences.look([a], nowMs);
    expect(absences.longerThan(1001)).toEqual([]);
  });

  test("who is excused may stay away, until it has been back", () => {
    const absences = new Absences();
    for (const nowMs of [0, 1000, 2000]) absences.look([a, b], nowMs);
    absences.excuse([a]);
    absences.look([a, b], 3000);
    expect(absences.longerThan(1000)).toEqual([b]);
    absences.look([], 4000);
    for (const nowMs of [5000, 6000]) absences.look([a], nowMs);
    expect(absences.longerThan(1000)).toEqual([a]);
  });

  test("a gap is time that this process did not see", () => {
    const absences = new Absences();
    for (const nowMs of [0, 1000, 900_000, 901_000]) absences.look([a], nowMs);
    expect(absences.longerThan(2000)).toEqual([a]);
    expect(absences.longerThan(2001)).toEqual([]);
  });
});
