import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  comparePaths,
  type Electorate,
  electorate,
  hasQuorum,
  highestAccepted,
  isKnown,
  isNewest,
  mergeRange,
  type NodeId,
  nodeId,
  type RangeEntry,
  type RangePage,
  type ReplicaState,
} from "../../src/index.js";
import { page, pages, record } from "./support.js";

function voters(count: number, read: number, write: number): Electorate {
  return electorate([{ members: Array.from({ length: count }, (_, index) => nodeId(index + 1)), read, write }]);
}

const majorities = voters(3, 2, 2);
const merge = (held: ReadonlyMap<NodeId, RangePage>, electorateOf: Electorate = majorities) =>
  mergeRange({ pages: held, votersOf: () => electorateOf });
const summary = (held: ReadonlyMap<NodeId, RangePage>, electorateOf?: Electorate) =>
  merge(held, electorateOf).entries.map((entry) => `${entry.path}:${entry.kind}`);

describe("range merge (N=3 R=2 W=2)", () => {
  it("two equal votes: the file is live", () => {
    expect(summary(pages(page([record("a", 4)]), page([record("a", 4)])))).toEqual(["a:live"]);
  });

  it("one vote out of two: the file has to be read", () => {
    expect(summary(pages(page([record("a", 4)]), page([])))).toEqual(["a:unknown"]);
  });

  it("one vote that is known to be committed: the file is live", () => {
    expect(summary(pages(page([record("a", 4, { committed: 4 })]), page([])))).toEqual(["a:live"]);
  });

  it("a newer ballot beside a committed older one: the file has to be read", () => {
    const held = pages(page([record("a", 5, { committed: 4 })]), page([record("a", 4, { committed: 4 })]));
    expect(summary(held)).toEqual(["a:unknown"]);
  });

  it("a commit hint above the newest value says nothing about it", () => {
    expect(summary(pages(page([record("a", 4, { committed: 6 })]), page([])))).toEqual(["a:unknown"]);
  });

  it("a tombstone with two votes is left out", () => {
    const tombstone = record("a", 4, { kind: "tombstone" });
    expect(summary(pages(page([tombstone]), page([tombstone, record("b", 1)]), page([record("b", 1)])))).toEqual([
      "b:live",
    ]);
  });

  it("a tombstone with one vote has to be read", () => {
    expect(summary(pages(page([record("a", 4, { kind: "tombstone" })]), page([record("a", 3)])))).toEqual([
      "a:unknown",
    ]);
  });

  it("a damaged record abstains: two of three still decide", () => {
    const damaged: RangeEntry = { kind: "corrupt", path: "a" };
    expect(summary(pages(page([damaged]), page([record("a", 4)]), page([record("a", 4)])))).toEqual(["a:live"]);
  });

  it("a damaged record abstains: one of two does not decide", () => {
    const damaged: RangeEntry = { kind: "corrupt", path: "a" };
    expect(summary(pages(page([damaged]), page([record("a", 4, { committed: 4 })])))).toEqual(["a:unknown"]);
  });

  it("what is left on a node that is no voter is not listed", () => {
    const held = new Map([
      [nodeId(1), page([])],
      [nodeId(2), page([])],
      [nodeId(9), page([record("a", 4, { committed: 4 })])],
    ]);
    expect(summary(held)).toEqual([]);
  });

  it("a node that may have erased something newer does not vouch: the file has to be read", () => {
    const told = record("a", 4, { committed: 4 });
    expect(summary(pages(page([told]), page([], Infinity, 3)))).toEqual(["a:live"]);
    expect(summary(pages(page([told]), page([], Infinity, 4)))).toEqual(["a:unknown"]);
    expect(summary(pages(page([told]), page([], Infinity, 4), page([])))).toEqual(["a:live"]);
    expect(summary(pages(page([told]), page([record("a", 3)], Infinity, 4)))).toEqual(["a:live"]);
  });

  it("a partition that moves: two votes in each group, or the file has to be read", () => {
    const [from, to] = [voters(3, 2, 2).members, [nodeId(3), nodeId(4), nodeId(5)]];
    const joint = electorate([
      { members: from, read: 2, write: 2 },
      { members: to, read: 2, write: 2 },
    ]);
    const file = page([record("a", 4)]);
    expect(summary(pages(file, file, file, page([]), page([])), joint)).toEqual(["a:unknown"]);
    expect(summary(pages(file, file, file, file, page([])), joint)).toEqual(["a:live"]);
    expect(summary(pages(file, file), joint)).toEqual(["a:unknown"]);
  });

  it("pages that end early settle only what all of them reached", () => {
    const held = pages(
      page([record("a", 1), record("b", 1), record("c", 1)], 2),
      page([record("a", 1), record("b", 1), record("c", 1)]),
    );
    expect(merge(held)).toMatchObject({ upTo: "b", entries: [{ path: "a" }, { path: "b" }] });
  });

  it("paths come in byte order, not in that of UTF-16", () => {
    const [low, high] = ["\u{ffee}", "\u{1f600}"];
    expect(summary(pages(page([record(high, 1), record(low, 1)]), page([record(low, 1), record(high, 1)])))).toEqual([
      `${low}:live`,
      `${high}:live`,
    ]);
  });
});

describe("range merge against one file at a time", () => {
  const cell = fc.record({
    held: fc.boolean(),
    corrupt: fc.boolean(),
    counter: fc.integer({ min: 1, max: 3 }),
    committed: fc.integer({ min: 0, max: 3 }),
  });
  const quorums = fc.constantFrom(voters(3, 2, 2), voters(3, 1, 3), voters(5, 3, 3), voters(5, 2, 4), voters(4, 3, 2));
  const paths = ["a", "a-b", "a/b", "b", "b/c"];
  const scenario = fc.record({
    quorum: quorums,
    cells: fc.array(fc.array(cell, { minLength: 5, maxLength: 5 }), { minLength: 5, maxLength: 5 }),
    limits: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 5, maxLength: 5 }),
    answering: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    floors: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 }),
    tombstones: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  });

  it("says live exactly where a vote on the single file is known to be live", () => {
    fc.assert(
      fc.property(scenario, ({ quorum, cells, limits, answering, floors, tombstones }) => {
        const held = new Map<NodeId, readonly RangeEntry[]>();
        for (const node of quorum.members) {
          if (!answering[node - 1]) continue;
          const entries = paths.flatMap((path, index): RangeEntry[] => {
            const what = cells[node - 1]?.[index];
            if (!what?.held) return [];
            if (what.corrupt) return [{ kind: "corrupt", path }];
            const kind = tombstones[what.counter] ? "tombstone" : "live";
            return [record(path, what.counter, { committed: what.committed, kind })];
          });
          held.set(node, entries);
        }
        if (!hasQuorum(quorum, "read", (node) => held.has(node))) return;

        const cut = new Map(
          [...held].map(([node, entries]) => [node, page(entries, limits[node - 1], floors[node - 1])]),
        );
        const merged = mergeRange({ pages: cut, votersOf: () => quorum });
        const reached = paths.filter((path) => merged.upTo === undefined || comparePaths(path, merged.upTo) <= 0);
        const expected = reached.flatMap((path) => {
          const kind = kindOf(path, { held, floors, quorum });
          return kind === "absent" ? [] : [`${path}:${kind}`];
        });
        expect(merged.entries.map((entry) => `${entry.path}:${entry.kind}`)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  /** Dumb and slow: the replies to a vote on this one path, judged as a read judges them. */
  function kindOf(
    path: string,
    cluster: {
      readonly held: ReadonlyMap<NodeId, readonly RangeEntry[]>;
      readonly floors: readonly number[];
      readonly quorum: Electorate;
    },
  ) {
    const { held, floors, quorum } = cluster;
    const replies = new Map<NodeId, ReplicaState>();
    let somebodySaysSomething = false;
    for (const [node, entries] of held) {
      const entry = entries.find((candidate) => candidate.path === path);
      somebodySaysSomething ||= entry !== undefined;
      if (entry?.kind === "corrupt") continue;
      const zero = { counter: 0, node: 0, incarnation: 0 };
      const { accepted, value, committed } = entry ?? { accepted: zero, value: undefined, committed: zero };
      replies.set(node, { kind: "state", accepted, value, committed, floor: floors[node - 1] ?? 0 });
    }
    if (!somebodySaysSomething) return "absent";
    if (!hasQuorum(quorum, "read", (node) => replies.has(node))) return "unknown";
    const finding = highestAccepted(replies);
    if (!isNewest(finding, replies, quorum) || !isKnown(finding, replies, quorum)) return "unknown";
    return finding.value?.kind === "live" ? "live" : "absent";
  }
});
