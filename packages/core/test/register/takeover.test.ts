import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type HeldState, type VoterGroup, nodeId, takeoverOf, zeroBallot } from "../../src/index.js";
import { ballot } from "./values.js";

const [n1, n2, n3, n4] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4)];
const majorities: VoterGroup = { members: [n1, n2, n3], read: 2, write: 2 };

const none: HeldState = { kind: "none" };
const corrupt: HeldState = { kind: "corrupt" };
function holds(counter: number, committed = 0): HeldState {
  return { kind: "record", accepted: ballot(counter), committed: committed === 0 ? zeroBallot : ballot(committed) };
}

function decide(states: readonly (HeldState | undefined)[], from = majorities) {
  const told = states.flatMap((held, index) => (held ? [[nodeId(index + 1), held] as const] : []));
  return takeoverOf({ self: n4, from, answers: new Map(told) });
}

describe("taking a file over", () => {
  const rows: readonly (readonly [string, readonly (HeldState | undefined)[], object])[] = [
    ["nothing anywhere", [none, none], { kind: "nothing" }],
    ["one answer of two", [holds(3, 3)], { kind: "short", needed: 2, got: 1 }],
    ["a damaged record is no answer", [holds(3), corrupt], { kind: "short", needed: 2, got: 1 }],
    ["W votes", [holds(3), holds(3)], { kind: "chosen", ballot: ballot(3), holders: [n1, n2] }],
    ["one vote", [holds(3), none], { kind: "unsettled" }],
    ["one vote, and a hint of it", [holds(3), holds(2, 3), none], chosenBy(3, n1)],
    ["one vote, and a hint of another ballot", [holds(3), holds(2, 4)], { kind: "unsettled" }],
    ["a newer vote above a chosen value", [holds(4), holds(3, 3), holds(3, 3)], { kind: "unsettled" }],
    ["what a stranger says does not count", [holds(3), none, none, holds(3, 3)], { kind: "unsettled" }],
  ];
  test.each(rows)("%s", (_, states, expected) => {
    expect(decide(states)).toEqual(expected);
  });

  test("R = 1: one answer is enough, W of them are not to be had", () => {
    const all: VoterGroup = { members: [n1, n2, n3], read: 1, write: 3 };
    expect(decide([holds(3)], all)).toEqual({ kind: "unsettled" });
    expect(decide([holds(3), holds(3), holds(3)], all)).toMatchObject({ kind: "chosen", ballot: ballot(3) });
  });

  test("a node of the old group cannot leave its own record out", () => {
    const answers = new Map([
      [n2, holds(3, 3)],
      [n3, holds(3, 3)],
    ]);
    expect(() => takeoverOf({ self: n1, from: majorities, answers })).toThrow("its own record");
  });

  function chosenBy(counter: number, ...holders: readonly ReturnType<typeof nodeId>[]) {
    return { kind: "chosen", ballot: ballot(counter), holders };
  }
});

/** A group, what its members have voted for last, and who answers. */
const histories = fc.integer({ min: 1, max: 5 }).chain((replicas) =>
  fc.integer({ min: 1, max: replicas }).chain((read) =>
    fc.record({
      replicas: fc.constant(replicas),
      read: fc.constant(read),
      write: fc.integer({ min: replicas - read + 1, max: replicas }),
      votes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: replicas, maxLength: replicas }),
      answering: fc.array(fc.boolean(), { minLength: replicas, maxLength: replicas }),
      damaged: fc.array(fc.boolean(), { minLength: replicas, maxLength: replicas }),
    }),
  ),
);

test("whatever W members voted for last is found by every R of them, and nothing above it is missed", () => {
  fc.assert(
    fc.property(histories, ({ replicas, read, write, votes, answering, damaged }) => {
      const members = Array.from({ length: replicas }, (_, index) => nodeId(index + 1));
      const answers = new Map<(typeof members)[number], HeldState>();
      for (const [index, node] of members.entries()) {
        const vote = votes[index] ?? 0;
        if (answering[index]) answers.set(node, damaged[index] ? corrupt : vote === 0 ? none : holds(vote));
      }
      const takeover = takeoverOf({ self: nodeId(9), from: { members, read, write }, answers });
      const sound = [...answers.values()].filter(({ kind }) => kind !== "corrupt").length;
      expect(takeover.kind === "short").toBe(sound < read);
      if (takeover.kind === "short") return;
      // The dumb oracle: no two values have W votes here, since each member has its last vote only.
      const chosen = [3, 2, 1].find((vote) => votes.filter((one) => one >= vote).length >= write);
      if (chosen !== undefined) expect(takeover.kind).not.toBe("nothing");
      if (takeover.kind !== "chosen") return;
      expect(takeover.ballot.counter).toBeGreaterThanOrEqual(chosen ?? 0);
      expect(votes.filter((vote) => vote === takeover.ballot.counter).length).toBeGreaterThanOrEqual(write);
      for (const node of takeover.holders) expect(votes[node - 1]).toBe(takeover.ballot.counter);
    }),
  );
});
