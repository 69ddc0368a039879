import { describe, expect, test } from "@jest/globals";
import { firstLayout, type NodeId, nodeId } from "@quorumfs/core";
import { Bucket, Load } from "@quorumfs/proto";
import type { Member } from "../../src/cluster/member.js";
import { estimateMs, Pace } from "../../src/layout/pace.js";
import {
  bytesPerPartition,
  makePlan,
  type Plan,
  type PlanView,
  type PlanWish,
  sharesOf,
} from "../../src/layout/planning.js";
import { reasonOf } from "../../src/layout/reason.js";
import type { Health } from "../../src/membership/membership.js";

const mebibyte = 2 ** 20;

function member(id: number, given: Partial<Member> = {}): Member {
  const known = {
    storeId: new Uint8Array(16),
    runId: new Uint8Array(16),
    commits: 0,
    displacedBy: 0,
    metricsAddress: "",
  };
  const said = { address: `host:${id}`, zone: "default", capacityBytes: 1000, incarnation: 1, version: "" };
  return { id: nodeId(id), ...known, ...said, role: "active", ...given };
}

interface Given {
  readonly members?: readonly Member[];
  /** Who holds the layout. */
  readonly holders?: readonly number[];
  readonly down?: readonly number[];
  readonly loads?: Readonly<Record<number, Partial<Load>>>;
  readonly buckets?: readonly Partial<Bucket>[];
}

function view({ members = [1, 2, 3, 4].map((id) => member(id)), holders = [1, 2, 3], ...given }: Given = {}): PlanView {
  const { down = [], loads = {}, buckets = [{ name: "files", readQuorum: 2, writeQuorum: 2 }] } = given;
  const nodes = members.filter(({ id }) => holders.includes(id)).map(({ id, zone }) => ({ id, zone, weight: 1 }));
  return {
    layout: firstLayout(nodes, 3),
    members,
    buckets: buckets.map((bucket) => Bucket.fromPartial(bucket)),
    healthOf: (id): Health => (down.includes(id) ? "down" : "up"),
    loadOf: (id: NodeId) => Load.fromPartial({ diskFreeBytes: 2 ** 40, ...loads[id] }),
  };
}

function plan(given: Given = {}, wish: Partial<PlanWish> = {}): Plan {
  const complete = {
    changes: [],
    without: [],
    replacements: new Map(),
    from: undefined,
    rebalance: true,
    holdersOnly: false,
  };
  return makePlan(view(given), { ...complete, ...wish });
}

function after({ transfers }: Plan): string {
  return transfers.map(({ node, partitionsAfter }) => `${node}:${partitionsAfter}`).join(" ");
}

const spare = [1, 2, 3, 4, 5].map((id) => member(id));

describe("who gets what", () => {
  test("by capacity", () => {
    const members = [1, 2, 3, 4].map((id) => member(id, { capacityBytes: id === 4 ? 3000 : 1500 }));
    expect(after(plan({ members }))).toBe("1:682 2:683 3:683 4:1024");
  });

  test("who is down keeps what it has, and gets nothing new; who is full as well", () => {
    const members = [1, 2, 3, 4, 5].map((id) => member(id));
    expect(after(plan({ members, down: [3] }))).toMatch(/ 3:6\d\d /);
    expect(after(plan({ members, down: [5] }))).toBe("1:768 2:768 3:768 4:768");
    expect(after(plan({ members, loads: { 4: { full: true } } }))).not.toContain("4:");
  });

  test("only who holds something already, as long as they are enough", () => {
    const wish = { holdersOnly: true, without: [nodeId(1)], rebalance: false };
    expect(after(plan({ members: spare, holders: [1, 2, 3, 4] }, wish))).toBe("1:0 2:1024 3:1024 4:1024");
    expect(after(plan({ holders: [1, 2, 3] }, wish))).toBe("1:0 2:1024 3:1024 4:1024");
  });

  test("shares: what each holds beside what it is to hold", () => {
    const shares = sharesOf(view());
    expect(shares.map(({ node, partitions }) => [node, partitions])).toEqual([
      [1, 1024],
      [2, 1024],
      [3, 1024],
      [4, 0],
    ]);
    expect(shares[0]?.idealPartitions).toBeCloseTo(1024);
  });
});

describe("bytes and time", () => {
  const loads = {
    1: { chunkBytes: 1024 * mebibyte },
    2: { chunkBytes: 1024 * mebibyte },
    3: { chunkBytes: 1024 * mebibyte },
  };

  test("bytes are estimated from what the nodes hold", () => {
    expect(bytesPerPartition(view({ loads }))).toBe(mebibyte);
    const { transfers, bytesTotal } = plan({ loads });
    expect(transfers[3]).toMatchObject({ bytesIn: 768 * mebibyte, bytesOut: 0 });
    expect(bytesTotal).toBe(768 * mebibyte);
  });

  test("time: by the pace of the last change that tells, else by a guess", () => {
    const made = plan({ loads });
    expect(estimateMs(made, [])).toBeCloseTo(3 * 3000 + (768 / 25) * 1000, -2);
    const told = {
      id: 1,
      state: "done" as const,
      reason: "",
      automatic: false,
      without: [],
      startedAtMs: 1000,
      endedAtMs: 2000,
      firstLayout: 1,
      lastLayout: 2,
      movesTotal: 1,
      movesDone: 1,
      bytesTotal: 384 * mebibyte,
    };
    expect(estimateMs(made, [told])).toBe(3 * 3000 + 2000);
    expect(estimateMs({ moves: [], transfers: [] }, [told])).toBe(0);
  });

  test("while it goes on: by what it has done so far", () => {
    const pace = new Pace();
    expect(pace.remainingMs({ change: 1, nowMs: 0, remaining: 100 })).toBeUndefined();
    expect(pace.remainingMs({ change: 1, nowMs: 1000, remaining: 80 })).toBe(4000);
    expect(pace.remainingMs({ change: 2, nowMs: 1100, remaining: 80 })).toBeUndefined();
  });
});

describe("warnings", () => {
  const leaving = (node: number) => ({
    changes: [{ node: nodeId(node), role: "leaving" as const, replacedBy: undefined }],
  });

  test.each<[string, Given, Partial<PlanWish>, string]>([
    ["no spare", {}, leaving(1), "one that dies cannot be replaced"],
    [
      "too few zones",
      { members: [1, 2, 3, 4].map((id) => member(id, { zone: id < 3 ? "a" : "b" })) },
      {},
      "3 replicas in 2 zones",
    ],
    ["a node is down", { down: [2] }, {}, "DataNode 2 is down: it keeps what it holds"],
    [
      "a bucket needs all",
      { buckets: [{ name: "strict", readQuorum: 1, writeQuorum: 3 }] },
      {},
      "can be written unless",
    ],
    ["too little space", { loads: { 1: { chunkBytes: 2 ** 41 }, 4: { diskFreeBytes: 2 ** 30 } } }, {}, "1.0 GiB free"],
    [
      "a node is lost",
      { down: [2] },
      { changes: [{ node: nodeId(2), role: "lost", replacedBy: undefined }] },
      "never be let in again",
    ],
  ])("%s", (_what, given, wish, warning) => {
    expect(plan(given, wish).warnings).toContainEqual(expect.stringContaining(warning));
  });

  test("nothing to warn of", () => {
    expect(plan().warnings).toEqual([]);
  });
});

test("who takes over from a lost node just now may be named as the one that replaces it", () => {
  const known = view({ down: [1] });
  const partitions = known.layout.partitions.map((partition) => ({
    ...partition,
    joining: partition.nodes.map((id) => (id === 1 ? nodeId(4) : id)),
  }));
  const changes = [{ node: nodeId(1), role: "lost" as const, replacedBy: nodeId(4) }];
  const made = makePlan(
    { ...known, layout: { ...known.layout, partitions } },
    { changes, without: [], replacements: new Map(), from: undefined, rebalance: false, holdersOnly: false },
  );
  expect(made.moves).toEqual([]);
});

describe("reasons", () => {
  test("who takes its share, and what was asked for", () => {
    const changes = [
      { node: nodeId(1), role: "draining" as const, replacedBy: undefined },
      { node: nodeId(2), role: "leaving" as const, replacedBy: nodeId(5) },
    ];
    expect(reasonOf(plan({ members: spare }, { changes }), changes)).toBe(
      "DataNode 4 takes its share, DataNode 1 is drained, DataNode 5 replaces DataNode 2, which leaves",
    );
    expect(reasonOf(plan({ members: spare.slice(0, 3) }), [])).toBe("the DataNodes' shares are levelled");
  });
});
