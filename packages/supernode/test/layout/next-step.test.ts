import { describe, expect, test } from "@jest/globals";
import { type Layout, type NodeId, nodeId, type PartitionAssignment, type Targets } from "@quorumfs/core";
import fc from "fast-check";
import type { Role } from "../../src/cluster/member.js";
import {
  batchBytesMax,
  batchPartitionsMax,
  nextStep,
  sameSet,
  type Step,
  type StepView,
} from "../../src/layout/next-step.js";
import type { Health } from "../../src/membership/membership.js";

const ids = (...numbers: number[]): readonly NodeId[] => numbers.map(nodeId);

function layoutOf(partitions: readonly Partial<PartitionAssignment>[], number = 1): Layout {
  const complete = partitions.map((given) => ({ nodes: ids(1, 2, 3), joining: [], layout: 1, ...given }));
  return { number, replicas: 3, partitions: complete };
}

function step(layout: Layout, targets: Targets, given: Partial<StepView> = {}): Step {
  return nextStep({
    layout,
    targets,
    stopping: false,
    healthOf: () => "up",
    roleOf: () => "active",
    hasSynced: () => false,
    hasLearned: () => false,
    freeBytes: () => undefined,
    partitionBytes: 0,
    quorums: [{ read: 2, write: 2 }],
    sincePublishedMs: Infinity,
    ...given,
  });
}

const many = (count: number): { layout: Layout; targets: Targets } => ({
  layout: layoutOf(Array.from({ length: count }, () => ({}))),
  targets: Array.from({ length: count }, () => ids(1, 2, 4)),
});

describe("begin", () => {
  test("the target joins, under a new number; so many at a time", () => {
    const { layout, targets } = many(400);
    const { layout: next, begun, remaining, moving } = step(layout, targets);
    expect([begun, remaining, moving]).toEqual([batchPartitionsMax, 400, batchPartitionsMax]);
    expect(next?.partitions[0]).toEqual({ nodes: ids(1, 2, 3), joining: ids(1, 2, 4), layout: 2 });
    expect(next?.partitions[399]).toBe(layout.partitions[399]);
  });

  test("so many bytes at a time for one node, and no more than it has room for", () => {
    const { layout, targets } = many(40);
    expect(step(layout, targets, { partitionBytes: batchBytesMax / 4 }).begun).toBe(5);
    const { begun, obstacles } = step(layout, targets, { partitionBytes: 100, freeBytes: () => 1000 });
    expect(begun).toBe(8);
    expect(obstacles).toEqual(["waiting for space on DataNode 4 (32 partitions)"]);
  });

  test("those first that have fewest replicas alive", () => {
    const healthOf = (id: NodeId): Health => (id === 5 ? "down" : "up");
    const layout = layoutOf([{}, { nodes: ids(1, 2, 5) }]);
    const { layout: next } = step(layout, [ids(1, 2, 4), ids(1, 2, 4)], {
      healthOf,
      partitionBytes: batchBytesMax * 2,
    });
    expect(next?.partitions.map(({ joining }) => joining.length)).toEqual([0, 3]);
  });

  test("not when it is to stop, and only the order changes without a move", () => {
    const layout = layoutOf([{}, {}]);
    const targets = [ids(1, 2, 4), ids(3, 1, 2)];
    expect(step(layout, targets, { stopping: true }).layout).toBeUndefined();
    expect(step(layout, targets).layout?.partitions[1]).toEqual({ nodes: ids(3, 1, 2), joining: [], layout: 1 });
  });
});

describe("end", () => {
  const joint = layoutOf([{ joining: ids(1, 2, 4), layout: 7 }], 9);
  const targets = [ids(4, 1, 2)];
  const everybody = { hasSynced: () => true, hasLearned: () => true };

  test("under a new number, in the order that is wanted", () => {
    expect(step(joint, targets, everybody).layout).toMatchObject({
      number: 10,
      partitions: [{ nodes: ids(4, 1, 2), joining: [], layout: 10 }],
    });
  });

  test("not before all of the new set have taken it over, in the layout in which they joined", () => {
    for (const lacking of ids(1, 2, 4)) {
      const hasSynced = (id: NodeId): boolean => id !== lacking;
      expect(step(joint, targets, { ...everybody, hasSynced }).layout).toBeUndefined();
    }
    const hasSynced = (_: NodeId, partition: number, layout: number): boolean => partition === 0 && layout === 6;
    expect(step(joint, targets, { ...everybody, hasSynced }).layout).toBeUndefined();
  });

  test.each([
    [{ read: 2, write: 2 }, 2],
    [{ read: 1, write: 3 }, 3],
    [{ read: 3, write: 1 }, 3],
    // A majority, though one would do for reads and writes.
    [{ read: 3, write: 3 }, 2],
  ])("%j: not before %i of the old set know of it", (quorum, needed) => {
    for (const aware of [0, 1, 2, 3]) {
      const hasLearned = (id: NodeId): boolean => id <= aware;
      const { layout } = step(joint, targets, { ...everybody, hasLearned, quorums: [quorum] });
      expect(layout !== undefined).toBe(aware >= needed);
    }
  });

  test("who is lost need not know, who is down must: said in words", () => {
    const hasLearned = (id: NodeId): boolean => id === 1;
    const given = { ...everybody, hasLearned, healthOf: (id: NodeId): Health => (id === 1 ? "up" : "down") };
    const waiting = step(joint, targets, given);
    expect(waiting.layout).toBeUndefined();
    expect(waiting.obstacles).toHaveLength(2);
    expect(waiting.obstacles[0]).toContain(
      "waiting for DataNode 2, which is down, since too few replicas are left without it",
    );
    const roleOf = (id: NodeId): Role => (id === 3 ? "lost" : "active");
    expect(step(joint, targets, { ...given, roleOf }).layout).toBeDefined();
  });

  test("few of many wait a moment for others to end with them", () => {
    const layout = layoutOf(Array.from({ length: 10 }, () => ({ joining: ids(1, 2, 4) })));
    const given = { hasLearned: () => true, hasSynced: (_: NodeId, partition: number) => partition < 3 };
    const wanted = layout.partitions.map(({ joining }) => joining);
    expect(step(layout, wanted, { ...given, sincePublishedMs: 1000 }).ended).toBe(0);
    expect(step(layout, wanted, { ...given, sincePublishedMs: 3000 }).ended).toBe(3);
  });
});

describe("turn", () => {
  const joint = layoutOf([{ joining: ids(1, 2, 4), layout: 7 }], 9);
  const healthOf = (id: NodeId): Health => (id === 4 ? "down" : "up");

  test("to another set, when one of the new set is away and not wanted any more", () => {
    const { layout, turned } = step(joint, [ids(1, 2, 5)], { healthOf });
    expect(turned).toBe(1);
    expect(layout?.partitions[0]).toEqual({ nodes: ids(1, 2, 3), joining: ids(1, 2, 5), layout: 10 });
  });

  test("to where it was", () => {
    const { layout } = step(joint, [ids(3, 2, 1)], { healthOf });
    expect(layout?.partitions[0]).toEqual({ nodes: ids(3, 2, 1), joining: [], layout: 10 });
  });

  test("not while it is only away, nor when it is up and not wanted any more: that ends first", () => {
    expect(step(joint, [ids(1, 2, 4)], { healthOf }).layout).toBeUndefined();
    expect(step(joint, [ids(1, 2, 5)]).layout).toBeUndefined();
  });
});

describe("any change, whatever happens meanwhile", () => {
  const nodes = ids(1, 2, 3, 4, 5, 6);
  const anySet = fc.shuffledSubarray([...nodes], { minLength: 3, maxLength: 3 });
  const anyTargets = fc.array(anySet, { minLength: 6, maxLength: 6 });
  const anyQuorums = fc.constantFrom(
    [{ read: 2, write: 2 }],
    [{ read: 1, write: 3 }],
    [
      { read: 2, write: 2 },
      { read: 3, write: 1 },
    ],
  );
  const anyEvent = fc.oneof(
    fc.record({ kind: fc.constant("learn" as const), node: fc.constantFrom(...nodes) }),
    fc.record({ kind: fc.constant("sync" as const), node: fc.constantFrom(...nodes) }),
    fc.record({ kind: fc.constant("health" as const), node: fc.constantFrom(...nodes) }),
    fc.record({ kind: fc.constant("wish" as const), targets: anyTargets }),
  );

  test("every partition ends with all quorums met, and where it was wanted last", () => {
    fc.assert(
      fc.property(anyTargets, fc.array(anyEvent, { maxLength: 60 }), anyQuorums, (first, events, quorums) => {
        let layout = layoutOf(first.map((set) => ({ nodes: set })));
        let targets: Targets = first;
        const learned = new Map<NodeId, number>(nodes.map((node) => [node, 1]));
        const down = new Set<NodeId>();
        const synced = new Set<string>();
        const key = (node: NodeId, partition: number, number: number): string => `${node} ${partition} ${number}`;
        const view = (): StepView => ({
          layout,
          targets,
          stopping: false,
          healthOf: (id) => (down.has(id) ? "down" : "up"),
          roleOf: () => "active",
          hasSynced: (id, partition, number) => synced.has(key(id, partition, number)),
          hasLearned: (id, number) => (learned.get(id) ?? 0) >= number,
          freeBytes: () => undefined,
          partitionBytes: 0,
          quorums,
          sincePublishedMs: Infinity,
        });
        const advance = (): void => {
          const { layout: next } = nextStep(view());
          if (!next) return;
          expect(next.number).toBe(layout.number + 1);
          for (const [partition, after] of next.partitions.entries()) {
            const before = layout.partitions[partition];
            if (before) expect(fault(before, after, partition, view())).toBeUndefined();
          }
          layout = next;
        };
        for (const event of events) {
          if (event.kind === "wish") targets = event.targets;
          else if (event.kind === "learn") learned.set(event.node, layout.number);
          else if (event.kind === "sync") takeOver(event.node);
          else if (!down.delete(event.node)) down.add(event.node);
          advance();
        }
        down.clear();
        for (let round = 0; round < 8; round += 1) {
          for (const node of nodes) {
            learned.set(node, layout.number);
            takeOver(node);
          }
          advance();
        }
        expect(layout.partitions.map((one) => [one.nodes, one.joining])).toEqual(targets.map((set) => [set, []]));

        function takeOver(node: NodeId): void {
          for (const [partition, { joining, layout: number }] of layout.partitions.entries()) {
            if (joining.includes(node)) synced.add(key(node, partition, number));
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  /** What is wrong with a partition's transition; undefined if nothing is. */
  function fault(
    before: PartitionAssignment,
    after: PartitionAssignment,
    partition: number,
    view: StepView,
  ): string | undefined {
    const number = view.layout.number + 1;
    const isSame = sameSet(before.nodes, after.nodes) && sameSet(before.joining, after.joining);
    if (isSame && after.layout === before.layout) return undefined;
    if (after.layout !== number) return "changed without a number of its own";
    if (before.joining.length === 0)
      return sameSet(before.nodes, after.nodes) ? undefined : "moved without being joint";
    if (sameSet(before.nodes, after.nodes)) {
      const isStuck = before.joining.some((node) => view.healthOf(node) === "down");
      return isStuck ? undefined : "turned without a reason";
    }
    if (!sameSet(before.joining, after.nodes) || after.joining.length > 0) return "ended elsewhere";
    if (!before.joining.every((node) => view.hasSynced(node, partition, before.layout))) return "ended incomplete";
    const unaware = before.nodes.filter((node) => !view.hasLearned(node, before.layout)).length;
    const canServe = view.quorums.some(({ read, write }) => unaware >= Math.min(read, write));
    return canServe || unaware >= 2 ? "ended while a quorum of old nodes knew nothing" : undefined;
  }
});
