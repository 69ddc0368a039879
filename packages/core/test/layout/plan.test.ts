import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  destinations,
  firstLayout,
  holdings,
  idealShares,
  type NodeId,
  nodeId,
  partitionCount,
  type PlacementNode,
  planLayout,
  type Targets,
  unevenness,
  zoneSpread,
} from "../../src/index.js";

function nodes(count: number, parts: (id: number) => Partial<PlacementNode> = () => ({})): PlacementNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: nodeId(index + 1),
    zone: "a",
    weight: 1,
    ...parts(index + 1),
  }));
}

function first(among: readonly PlacementNode[], replicas = 3): Targets {
  return destinations(firstLayout(among, replicas));
}

/** Places that are a node's after, and were not before. */
function moves(before: Targets, after: Targets): number {
  return after.reduce((sum, list, index) => sum + list.filter((id) => !before[index]?.includes(id)).length, 0);
}

function heldBy(targets: Targets): Map<NodeId, number> {
  return new Map([...holdings(targets)].map(([id, { held }]) => [id, held]));
}

function sharesOf(among: readonly PlacementNode[], replicas: number): ReadonlyMap<NodeId, number> {
  return idealShares(among, { replicas, partitions: partitionCount });
}

/** Each node within one partition of its share, and of its part of the first places. */
function expectEven(targets: Targets, among: readonly PlacementNode[], replicas: number): void {
  const counts = holdings(targets);
  for (const [id, share] of sharesOf(among, replicas)) {
    const { held, first: preferred } = counts.get(id) ?? { held: 0, first: 0 };
    expect(Math.abs(held - share)).toBeLessThan(1.001);
    expect(Math.abs(preferred - held / replicas)).toBeLessThan(1.001);
  }
}

/** N different nodes for each partition, in as many zones as can be. */
function expectSpread(targets: Targets, among: readonly PlacementNode[], replicas: number): void {
  const zoneOf = new Map(among.map(({ id, zone }) => [id, zone]));
  const spread = [...zoneSpread(among, replicas)];
  const wrong = targets.filter((list) => {
    const isCrowded = spread.some(([zone, { min, max }]) => {
      const count = list.filter((id) => zoneOf.get(id) === zone).length;
      return count < min || count > max;
    });
    return isCrowded || new Set(list).size !== replicas;
  });
  expect(wrong).toEqual([]);
}

const anyNodes = fc
  .array(fc.record({ zone: fc.constantFrom("a", "b", "c", "d"), weight: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 5,
    maxLength: 16,
  })
  .map((list) => list.map((node, index) => ({ ...node, id: nodeId(index + 1) })));

describe("shares", () => {
  test("by weight", () => {
    const shares = sharesOf(
      nodes(4, (id) => ({ weight: id })),
      1,
    );
    expect([...shares.values()].map(Math.round)).toEqual([102, 205, 307, 410]);
  });

  test("a node cannot hold a partition twice: the others take what it cannot", () => {
    const shares = sharesOf(
      nodes(4, (id) => ({ weight: id === 1 ? 100 : 1 })),
      2,
    );
    expect([...shares.values()].map(Math.round)).toEqual([1024, 341, 341, 341]);
  });

  test("three zones and three replicas: each zone holds one of each partition, however small it is", () => {
    const zones = ["a", "a", "a", "b", "b", "c"];
    const shares = sharesOf(
      nodes(6, (id) => ({ zone: zones[id - 1] ?? "" })),
      3,
    );
    expect([...shares.values()].map(Math.round)).toEqual([341, 341, 341, 512, 512, 1024]);
  });

  test("two zones and three replicas: the larger one holds two of most", () => {
    const among = nodes(6, (id) => ({ zone: id <= 4 ? "a" : "b" }));
    expect([...zoneSpread(among, 3)]).toEqual([
      ["a", { min: 1, max: 2 }],
      ["b", { min: 1, max: 2 }],
    ]);
    expect([...sharesOf(among, 3).values()].map(Math.round)).toEqual([512, 512, 512, 512, 512, 512]);
  });

  test("they add up to all places", () => {
    fc.assert(
      fc.property(anyNodes, fc.integer({ min: 1, max: 5 }), (among, replicas) => {
        const sum = [...sharesOf(among, replicas).values()].reduce((total, share) => total + share, 0);
        expect(sum).toBeCloseTo(replicas * partitionCount, 3);
      }),
    );
  });
});

describe("plan", () => {
  test.each([3, 4, 7, 10, 25, 50])("%i equal nodes: the first layout is even", (count) => {
    const among = nodes(count);
    const targets = first(among);
    expectEven(targets, among, 3);
    expect(unevenness(heldBy(targets), sharesOf(among, 3))).toBeLessThan(0.05);
  });

  test.each([5, 12, 30, 50])("%i nodes of one to four times the capacity: even by weight", (count) => {
    const among = nodes(count, (id) => ({ weight: 1 + (id % 4) }));
    const targets = first(among);
    expectEven(targets, among, 3);
    expect(unevenness(heldBy(targets), sharesOf(among, 3))).toBeLessThan(0.05);
  });

  test.each([3, 4, 9, 24, 49])("an equal node joins %i: it gets its share, and nothing else moves", (count) => {
    const before = first(nodes(count));
    const among = nodes(count + 1);
    const after = planLayout({ current: before, nodes: among, replicas: 3 });
    expectEven(after, among, 3);
    expect(moves(before, after)).toBeLessThanOrEqual(Math.ceil((3 * partitionCount) / (count + 1)));
    const firsts = after.filter((list, index) => list[0] !== before[index]?.[0]).length;
    expect(firsts).toBeLessThanOrEqual(Math.ceil((1.5 * partitionCount) / (count + 1)) + 4);
  });

  test.each([4, 5, 10, 25, 50])("one of %i leaves: only its places move", (count) => {
    const before = first(nodes(count));
    const among = nodes(count).filter(({ id }) => id !== 2);
    const after = planLayout({ current: before, nodes: among, replicas: 3 });
    expectEven(after, among, 3);
    expect(moves(before, after)).toBe(before.filter((list) => list.includes(nodeId(2))).length);
  });

  test("from anything to anything: even, spread, and no more moved than the excess asks for", () => {
    fc.assert(
      fc.property(anyNodes, anyNodes, fc.integer({ min: 1, max: 5 }), (some, others, replicas) => {
        const before = first(some, replicas);
        const after = planLayout({ current: before, nodes: others, replicas });
        expectSpread(after, others, replicas);
        expectEven(after, others, replicas);
        expect(planLayout({ current: after, nodes: others, replicas })).toEqual(after);
      }),
      { numRuns: 12 },
    );
  });

  test("ten nodes become twenty: half of all places move", () => {
    const before = first(nodes(10));
    const after = planLayout({ current: before, nodes: nodes(20), replicas: 3 });
    expectEven(after, nodes(20), 3);
    expect(moves(before, after)).toBeLessThanOrEqual((3 * partitionCount) / 2 + 20);
  });

  test("the loss of a node is made good by all of the others", () => {
    const before = first(nodes(12));
    const lost = before.filter((list) => list.includes(nodeId(5)));
    const helpers = holdings(lost);
    for (const { id } of nodes(12)) expect(helpers.get(id)?.held ?? 0).toBeGreaterThan(10);
  });

  test("replaced: the new node takes exactly the places of the old one", () => {
    const before = first(nodes(5));
    const among = nodes(6).filter(({ id }) => id !== 2);
    const replacements = new Map([[nodeId(2), nodeId(6)]]);
    const after = planLayout({ current: before, nodes: among, replicas: 3, replacements, rebalance: false });
    expect(after).toEqual(before.map((list) => list.map((id) => (id === 2 ? 6 : id))));
  });

  test("without levelling, only the places of those that go are given anew", () => {
    const before = first(nodes(4));
    const among = nodes(9).filter(({ id }) => id !== 2);
    const after = planLayout({ current: before, nodes: among, replicas: 3, rebalance: false });
    expect(moves(before, after)).toBe(before.filter((list) => list.includes(nodeId(2))).length);
  });

  test("who may get nothing new keeps what it has", () => {
    const before = first(nodes(5));
    const noMore = new Set([nodeId(3)]);
    const after = planLayout({ current: before, nodes: nodes(6).slice(1), replicas: 3, noMore });
    for (const [index, list] of after.entries()) {
      if (list.includes(nodeId(3))) expect(before[index]).toContain(nodeId(3));
    }
    expect(heldBy(after).get(nodeId(3))).toBeGreaterThan(500);
  });

  test("who may get nothing new gets it all the same where too few others are left", () => {
    const before = first(nodes(4));
    const noMore = new Set([nodeId(3)]);
    const after = planLayout({ current: before, nodes: nodes(3), replicas: 3, noMore });
    expect(after.every((list) => [...list].sort().join() === "1,2,3")).toBe(true);
  });

  test("a third zone comes: every partition gets a replica there", () => {
    const zoneOf = (id: number): string => (id <= 3 ? "a" : id <= 6 ? "b" : "c");
    const before = first(nodes(6, (id) => ({ zone: zoneOf(id) })));
    const among = nodes(9, (id) => ({ zone: zoneOf(id) }));
    const after = planLayout({ current: before, nodes: among, replicas: 3 });
    expectSpread(after, among, 3);
    expectEven(after, among, 3);
    expect(moves(before, after)).toBeLessThanOrEqual(partitionCount + 50);
  });

  test("does not depend on the order in which nodes are given", () => {
    const before = first(nodes(5));
    const among = nodes(7, (id) => ({ zone: `z${id % 3}`, weight: id }));
    const one = planLayout({ current: before, nodes: among, replicas: 3 });
    expect(planLayout({ current: before, nodes: [...among].reverse(), replicas: 3 })).toEqual(one);
  });

  test("fewer nodes than replicas make none", () => {
    expect(() => planLayout({ current: [], nodes: nodes(2), replicas: 3 })).toThrow("as many nodes as replicas");
  });
});
