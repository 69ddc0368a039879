import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type NodeId,
  type PlacementNode,
  assignmentOf,
  bucketId,
  firstLayout,
  nodeId,
  partitionCount,
  partitionId,
  partitionOf,
  placePartition,
  votersOf,
} from "../../src/index.js";

function nodes(count: number, parts: (id: number) => Partial<PlacementNode> = () => ({})): PlacementNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: nodeId(index + 1),
    zone: "a",
    weight: 1,
    ...parts(index + 1),
  }));
}

function placeAll(among: readonly PlacementNode[], replicas: number): readonly (readonly NodeId[])[] {
  return Array.from({ length: partitionCount }, (_, partition) =>
    placePartition({ partition: partitionId(partition), nodes: among, replicas }),
  );
}

function shares(placed: readonly (readonly NodeId[])[]): Map<NodeId, number> {
  const counts = new Map<NodeId, number>();
  for (const node of placed.flat()) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

const anyCluster = fc.record({ count: fc.integer({ min: 1, max: 12 }), replicas: fc.integer({ min: 1, max: 5 }) });

describe("placement", () => {
  // Not part of the storage format, but a change would move data about in every cluster that is upgraded.
  test.each([
    [0, [5, 4, 1]],
    [1, [2, 4, 5]],
    [2, [1, 3, 5]],
    [3, [3, 1, 4]],
    [511, [1, 3, 5]],
    [1023, [5, 2, 3]],
  ])("partition %i of five equal nodes lies on %j", (partition, expected) => {
    expect(placeAll(nodes(5), 3)[partition]).toEqual(expected);
  });

  test("as many different nodes as replicas, or all that there are", () => {
    fc.assert(
      fc.property(anyCluster, ({ count, replicas }) => {
        const [first] = firstLayout(nodes(Math.max(count, replicas)), replicas).partitions;
        expect(new Set(first?.nodes).size).toBe(replicas);
      }),
      { numRuns: 15 },
    );
    expect(placePartition({ partition: anyPartition(), nodes: nodes(2), replicas: 3 })).toHaveLength(2);
    expect(placePartition({ partition: anyPartition(), nodes: [], replicas: 3 })).toEqual([]);
  });

  test("does not depend on the order in which nodes are given", () => {
    const given = nodes(9, (id) => ({ zone: `z${id % 3}`, weight: 1 + (id % 2) }));
    fc.assert(
      fc.property(fc.shuffledSubarray(given, { minLength: given.length }), (shuffled) => {
        expect(placeAll(shuffled, 3)).toEqual(placeAll(given, 3));
      }),
      { numRuns: 5 },
    );
  });

  test.each([3, 5, 10, 50])("%i equal nodes: equal shares, as replicas and as preferred coordinators", (count) => {
    const placed = placeAll(nodes(count), 3);
    const expected = (3 * partitionCount) / count;
    // Five standard deviations of a random choice.
    const slack = 5 * Math.sqrt(expected);
    for (const share of shares(placed).values()) expect(Math.abs(share - expected)).toBeLessThan(slack);
    const preferred = shares(placed.map((list) => list.slice(0, 1)));
    expect(preferred.size).toBe(count);
    const expectedFirst = partitionCount / count;
    for (const share of preferred.values()) {
      expect(Math.abs(share - expectedFirst)).toBeLessThan(5 * Math.sqrt(expectedFirst));
    }
  });

  test("a node that leaves moves only what it held, one that comes only what it gets", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 12 }), fc.nat(), (count, pick) => {
        const all = nodes(count, (id) => ({ weight: 1 + (id % 3) }));
        const gone = nodeId(1 + (pick % count));
        const more = placeAll(all, 3);
        const fewer = placeAll(
          all.filter((node) => node.id !== gone),
          3,
        );
        for (const [partition, before] of more.entries()) {
          const after = fewer[partition] ?? [];
          const stayed = before.filter((node) => node !== gone);
          expect(after.filter((node) => stayed.includes(node))).toEqual(stayed);
          expect(after).toHaveLength(3);
        }
      }),
      { numRuns: 8 },
    );
  });

  test("shares follow the weights", () => {
    const counts = shares(
      placeAll(
        nodes(4, (id) => ({ weight: id })),
        1,
      ),
    );
    for (let id = 1; id <= 4; id += 1) {
      const expected = (partitionCount * id) / 10;
      expect(Math.abs((counts.get(nodeId(id)) ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  test("no zone gets a second replica before every zone has one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 3, maxLength: 9 }),
        fc.integer({ min: 1, max: 5 }),
        (zones, replicas) => {
          const all = nodes(zones.length, (id) => ({ zone: zones[id - 1] ?? "a" }));
          const partition = anyPartition();
          const placed = placePartition({ partition, nodes: all, replicas });
          const size = (zone: string) => zones.filter((one) => one === zone).length;
          const inZone = (zone: string) => placed.filter((node) => zones[node - 1] === zone).length;
          for (const crowded of new Set(zones)) {
            for (const other of new Set(zones)) {
              const couldTakeOne = inZone(other) < size(other);
              if (couldTakeOne) expect(inZone(crowded)).toBeLessThanOrEqual(inZone(other) + 1);
            }
          }
        },
      ),
    );
  });
});

describe("layout", () => {
  const layout = firstLayout(nodes(5), 3);

  test("the first one is number 1 and moves nothing", () => {
    expect(layout).toMatchObject({ number: 1, replicas: 3 });
    expect(layout.partitions).toHaveLength(partitionCount);
    expect(layout.partitions.every(({ joining, layout: number }) => joining.length === 0 && number === 1)).toBe(true);
  });

  test("fewer nodes than replicas make none", () => {
    expect(() => firstLayout(nodes(2), 3)).toThrow("as many nodes as replicas");
  });

  test("a file's assignment is that of its partition", () => {
    expect(assignmentOf(layout, bucketId(1), "a")).toBe(layout.partitions[768]);
  });

  test("two groups vote while a partition moves", () => {
    const quorum = { read: 2, write: 2 };
    const still = { nodes: [nodeId(1), nodeId(2), nodeId(3)], joining: [], layout: 4 };
    expect(votersOf(still, quorum)).toEqual({
      groups: [{ members: still.nodes, ...quorum }],
      members: still.nodes,
    });
    const moving = { ...still, joining: [nodeId(3), nodeId(2), nodeId(4)] };
    expect(votersOf(moving, quorum)).toEqual({
      groups: [
        { members: still.nodes, ...quorum },
        { members: moving.joining, ...quorum },
      ],
      members: [nodeId(1), nodeId(2), nodeId(3), nodeId(4)],
    });
  });
});

function anyPartition() {
  // Partition ids come from a file's name only.
  return partitionOf(bucketId(1), "a");
}
