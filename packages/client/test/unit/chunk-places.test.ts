import { describe, expect, test } from "@jest/globals";
import { type ChunkPlaces, isPrevented, isSafe, isWanted, worstOf } from "../../src/cluster/chunk-places.js";

const one: ChunkPlaces = { groups: [{ nodes: [1, 2, 3], needed: 2 }], nodes: [1, 2, 3] };
const moving: ChunkPlaces = {
  groups: [
    { nodes: [1, 2, 3], needed: 2 },
    { nodes: [3, 4, 5], needed: 2 },
  ],
  nodes: [1, 2, 3, 4, 5],
};
const among =
  (...nodes: readonly number[]) =>
  (node: number) =>
    nodes.includes(node);

describe("where a chunk is safe", () => {
  const rows: readonly (readonly [string, ChunkPlaces, readonly number[], boolean])[] = [
    ["W of one group", one, [1, 3], true],
    ["less than W", one, [1], false],
    ["W of the old group of a partition that moves, and not of the new one", moving, [1, 2, 3], false],
    ["W of the new group, and not of the old one", moving, [3, 4, 5], false],
    ["W of both, one node in each", moving, [1, 3, 4], true],
    ["nobody knows where it belongs", { groups: [], nodes: [] }, [1, 2, 3], false],
  ];
  test.each(rows)("%s", (_name, places, holders, safe) => {
    expect(isSafe(places, among(...holders))).toBe(safe);
  });

  test("a copy is wanted by a group that lacks one, from a node that has none", () => {
    const wanted = (node: number) => isWanted(moving, node, among(1, 2));
    expect([1, 2, 3, 4, 5].filter(wanted)).toEqual([3, 4, 5]);
  });

  test("the group that lacks most is the one to tell of", () => {
    expect(worstOf(moving, among(1, 2))).toEqual({ needed: 2, got: 0 });
    expect(worstOf(moving, among(3, 4))).toEqual({ needed: 2, got: 1 });
  });

  test("nodes that refuse prevent it if one group cannot do without them", () => {
    expect(isPrevented(moving, among(1))).toBe(false);
    expect(isPrevented(moving, among(4, 5))).toBe(true);
  });
});
