import { describe, expect, test } from "@jest/globals";
import { firstLayout, type Layout, nodeId, type NodeId } from "@quorumfs/core";
import { ScanPart } from "@quorumfs/proto";
import { type PlanOptions, windowPlan, type WindowPlan } from "../../src/state/window-plan.js";

const nodesOf = (count: number): NodeId[] => Array.from({ length: count }, (_, index) => nodeId(index + 1));
const layoutOf = (count: number): Layout =>
  firstLayout(
    nodesOf(count).map((id) => ({ id, zone: "", weight: 1 })),
    3,
  );

const everything = { health: "any", heldBy: undefined, assignedTo: undefined, totalsOnly: false } as const;

function plan(layout: Layout, given: Partial<PlanOptions["query"]> = {}, away: readonly number[] = []): WindowPlan {
  return windowPlan({ layout, canAsk: (node) => !away.includes(node), query: { ...everything, ...given }, turn: 0 });
}

/** How many partitions each node tells in some way. */
function counts({ parts }: WindowPlan, part: number): number[] {
  return [...parts.values()].map((told) => told.filter((one) => one === part).length);
}

describe("plan of a state query", () => {
  test("three nodes, N=3: one gives all rows and the others digests", () => {
    const { onlyView, sources, ...rest } = plan(layoutOf(3));
    expect(onlyView?.asked).toEqual(nodesOf(3));
    expect(sources).toBe(1);
    expect(counts({ onlyView, sources, ...rest }, ScanPart.SCAN_PART_ROWS)).toEqual([1024, 0, 0]);
    expect(counts({ onlyView, sources, ...rest }, ScanPart.SCAN_PART_DIGEST)).toEqual([0, 1024, 1024]);
  });

  test("nodes take turns in giving rows", () => {
    const layout = layoutOf(3);
    const leaders = [0, 1, 2].map(
      (turn) => [...windowPlan({ layout, canAsk: () => true, query: everything, turn }).parts.keys()][0],
    );
    expect(new Set(leaders).size).toBe(3);
  });

  test("seven nodes, N=3: each partition has one that gives rows, and all its replicas are asked", () => {
    const layout = layoutOf(7);
    const { parts, views } = plan(layout);
    for (const [partition, { asked }] of views.entries()) {
      const told = [...parts].filter(([, some]) => some[partition] !== 0);
      expect(told.map(([node]) => node).sort()).toEqual([...asked]);
      expect(told.filter(([, some]) => some[partition] === ScanPart.SCAN_PART_ROWS)).toHaveLength(1);
    }
  });

  test("files that lack copies: nobody gives rows while all nodes are there", () => {
    const healthy = plan(layoutOf(5), { health: "under_replicated" });
    expect(healthy.sources).toBe(0);
    expect(counts(healthy, ScanPart.SCAN_PART_ROWS)).toEqual([0, 0, 0, 0, 0]);
    expect(healthy.parts.size).toBe(5);
  });

  test("a node away: only rows of its partitions lack copies, and only the others are complete", () => {
    const layout = layoutOf(5);
    const isAway = (partition: number): boolean => layout.partitions[partition]?.nodes.includes(nodeId(2)) === true;
    const rowsIn = ({ parts }: WindowPlan, partition: number): number =>
      [...parts.values()].filter((told) => told[partition] === ScanPart.SCAN_PART_ROWS).length;
    const lacking = plan(layout, { health: "under_replicated" }, [2]);
    const complete = plan(layout, { health: "complete" }, [2]);
    for (const partition of layout.partitions.keys()) {
      expect(rowsIn(lacking, partition)).toBe(isAway(partition) ? 1 : 0);
      expect(rowsIn(complete, partition)).toBe(isAway(partition) ? 0 : 1);
    }
    expect(lacking.parts.has(nodeId(2))).toBe(false);
  });

  test("of one node: other nodes' partitions are not even looked at; of one that is away nothing can be told", () => {
    const layout = layoutOf(5);
    const own = layout.partitions.filter(({ nodes }) => nodes.includes(nodeId(2))).length;
    const told = ({ parts }: WindowPlan): number =>
      layout.partitions.filter((_, partition) => [...parts.values()].some((some) => some[partition] !== 0)).length;
    expect(told(plan(layout, { heldBy: nodeId(2) }))).toBe(own);
    expect(told(plan(layout, { heldBy: nodeId(2) }, [2]))).toBe(0);
    expect(told(plan(layout, { assignedTo: nodeId(2) }, [2]))).toBe(own);
  });

  test("totals only: counts in place of rows", () => {
    const totals = plan(layoutOf(3), { totalsOnly: true });
    expect(counts(totals, ScanPart.SCAN_PART_COUNT)).toEqual([1024, 0, 0]);
    expect(counts(totals, ScanPart.SCAN_PART_ROWS)).toEqual([0, 0, 0]);
  });

  test("a partition that moves: both groups are asked, and who takes over does not count yet", () => {
    const still = layoutOf(4);
    const partitions = still.partitions.map(({ nodes, layout }) => {
      const joining = nodesOf(4).filter((node) => !nodes.includes(node) || node === nodes[0] || node === nodes[1]);
      return { nodes, joining, layout };
    });
    const joint = { ...still, number: 2, partitions };
    const { views } = plan(joint);
    expect(views.every(({ asked }) => asked.length === 4)).toBe(true);
    expect(plan(joint, { health: "under_replicated" }).sources).toBe(0);
    const third = joint.partitions[0]?.nodes[2] ?? 0;
    const lacking = plan(joint, { health: "under_replicated" }, [third]);
    expect([...lacking.parts.values()].some((told) => told[0] === ScanPart.SCAN_PART_ROWS)).toBe(true);
  });
});
