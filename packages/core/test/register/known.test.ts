import { describe, expect, test } from "@jest/globals";
import { type ReplicaState, electorate, highestAccepted, isKnown, nodeId } from "../../src/index.js";
import { ballot, live, state, tombstone } from "./values.js";

const [n1, n2, n3, n4] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4)];
const voters = electorate([{ members: [n1, n2, n3], read: 2, write: 2 }]);

function replies(...states: readonly ReplicaState[]) {
  return new Map(states.map((one, index) => [nodeId(index + 1), one]));
}

const old = state({ accepted: ballot(3), value: live({ version: ballot(3) }) });
const fresh = state({ accepted: ballot(5), value: live({ version: ballot(5) }) });

describe("what replies say", () => {
  test("the value of the highest accepted ballot, and the highest floor", () => {
    const finding = highestAccepted(replies(old, fresh, state({ floor: 7 })));
    expect(finding).toEqual({ accepted: ballot(5), value: fresh.value, floor: 7 });
  });

  test("with content, if any reply brings it", () => {
    const bare = state({ accepted: ballot(5), value: live({ version: ballot(5), content: { kind: "omitted" } }) });
    expect(highestAccepted(replies(bare, fresh)).value?.content.kind).toBe("inline");
    expect(highestAccepted(replies(fresh, bare)).value?.content.kind).toBe("inline");
  });

  const deleted = state({ accepted: ballot(5), value: tombstone({ version: ballot(5) }) });
  const rows: readonly (readonly [string, readonly ReplicaState[], boolean])[] = [
    ["nothing at all", [state(), state()], true],
    ["one vote", [fresh, old], false],
    ["W votes", [fresh, fresh], true],
    ["one vote and a hint of it", [{ ...fresh, committed: ballot(5) }, old], true],
    ["one vote, and a hint of it from a node that did not vote", [fresh, { ...old, committed: ballot(5) }], true],
    ["one vote and a hint of a lower ballot", [{ ...fresh, committed: ballot(3) }, old], false],
    ["one vote and a hint of a higher ballot", [fresh, { ...old, committed: ballot(6) }], false],
    ["a tombstone and a floor that another file may have raised", [deleted, state({ floor: 9 })], false],
  ];
  test.each(rows)("known by %s", (_, states, expected) => {
    const heard = replies(...states);
    expect(isKnown(highestAccepted(heard), heard, voters)).toBe(expected);
  });

  test("in both groups while a partition moves", () => {
    const joint = electorate([
      { members: [n1, n2, n3], read: 2, write: 2 },
      { members: [n2, n3, n4], read: 2, write: 2 },
    ]);
    const inOne = new Map([
      [n1, fresh],
      [n2, fresh],
      [n4, old],
    ]);
    const inBoth = new Map([
      [n2, fresh],
      [n3, fresh],
    ]);
    expect(isKnown(highestAccepted(inOne), inOne, joint)).toBe(false);
    expect(isKnown(highestAccepted(inBoth), inBoth, joint)).toBe(true);
  });
});
