import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type Electorate,
  type NodeId,
  type QuorumKind,
  Tally,
  completeQuorum,
  electorate,
  hasQuorum,
  nodeId,
  quorumShortfall,
} from "../../src/index.js";

const ids = Array.from({ length: 8 }, (_, index) => nodeId(index + 1));

const anyGroup = fc
  .record({ members: fc.shuffledSubarray(ids, { minLength: 1 }), read: fc.nat(20), write: fc.nat(20) })
  .map(({ members, read, write }) => {
    const replicas = members.length;
    const settings = completeQuorum({ replicas, read: 1 + (read % replicas) });
    return { members, read: settings.read, write: Math.max(settings.write, 1 + (write % replicas)) };
  });
const anyVoters = fc.array(anyGroup, { minLength: 1, maxLength: 2 }).map(electorate);
const anyKind = fc.constantFrom<QuorumKind>("read", "write", "promise");
const anyAnswers = fc.array(fc.record({ node: fc.constantFrom(...ids), aye: fc.boolean() }), { maxLength: 16 });

/** Written out the long way. */
function quorumByHand(voters: Electorate, kind: QuorumKind, ayes: ReadonlySet<NodeId>): boolean {
  return voters.groups.every(({ members, read, write }) => {
    const count = members.filter((node) => ayes.has(node)).length;
    if (kind === "read") return count >= read;
    if (kind === "write") return count >= write;
    return count >= read && count > members.length / 2;
  });
}

function* subsetsOf(nodes: readonly NodeId[]): Generator<ReadonlySet<NodeId>> {
  for (let bits = 0; bits < 2 ** nodes.length; bits += 1) {
    yield new Set(nodes.filter((_, index) => (bits >> index) & 1));
  }
}

describe("electorate", () => {
  test("every voter once, the first group's order first", () => {
    fc.assert(
      fc.property(anyVoters, ({ groups, members }) => {
        expect(new Set(members)).toEqual(new Set(groups.flatMap((group) => group.members)));
        expect(new Set(members).size).toBe(members.length);
        expect(members.slice(0, groups[0]?.members.length)).toEqual(groups[0]?.members);
      }),
    );
  });

  test("promises meet every write, and each other; reads meet every write", () => {
    fc.assert(
      fc.property(anyGroup, (group) => {
        const voters = electorate([group]);
        const quorums = (kind: QuorumKind) =>
          [...subsetsOf(group.members)].filter((set) => hasQuorum(voters, kind, (node) => set.has(node)));
        const meet = (a: ReadonlySet<NodeId>, b: ReadonlySet<NodeId>) => [...a].some((node) => b.has(node));
        const smallest = (sets: readonly ReadonlySet<NodeId>[]) => {
          const size = Math.min(...sets.map((set) => set.size));
          return sets.filter((set) => set.size === size);
        };
        const [reads, writes, promises] = [quorums("read"), quorums("write"), quorums("promise")].map(smallest);
        for (const write of writes ?? []) {
          expect(reads?.every((read) => meet(read, write))).toBe(true);
          expect(promises?.every((promise) => meet(promise, write))).toBe(true);
        }
        for (const promise of promises ?? []) expect(promises?.every((other) => meet(other, promise))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("tally", () => {
  test("against a count by hand, in one group and in two", () => {
    fc.assert(
      fc.property(anyVoters, anyKind, anyAnswers, (voters, kind, answers) => {
        const tally = new Tally(voters, kind);
        const ayes = new Set<NodeId>();
        const noes = new Set<NodeId>();
        for (const { node, aye } of answers) {
          const counts = voters.members.includes(node) && !ayes.has(node) && !noes.has(node);
          expect(aye ? tally.aye(node) : tally.no(node, "busy")).toBe(counts);
          if (counts) (aye ? ayes : noes).add(node);

          const won = quorumByHand(voters, kind, ayes);
          const hope = new Set(voters.members.filter((member) => !noes.has(member)));
          expect(tally.result).toBe(won ? "won" : quorumByHand(voters, kind, hope) ? "pending" : "lost");
          expect(tally.allAnswered).toBe(ayes.size + noes.size === voters.members.length);
          expect(new Set(tally.ayes)).toEqual(ayes);
          expect(tally.failures).toEqual([...noes].map((failed) => ({ node: failed, reason: "busy" })));
          const { needed, got } = tally.shortfall;
          expect(got >= needed).toBe(won);
        }
      }),
    );
  });

  test("the shortfall is that of the worst served group", () => {
    const voters = electorate([
      { members: ids.slice(0, 3), read: 2, write: 2 },
      { members: ids.slice(3, 8), read: 3, write: 3 },
    ]);
    const heard = new Set([ids[0], ids[1], ids[3]]);
    expect(quorumShortfall(voters, "write", (node) => heard.has(node))).toEqual({ needed: 3, got: 1 });
  });
});
