import { describe, expect, test } from "@jest/globals";
import { electorate, nodeId, Reading } from "../../src/index.js";
import { ballot, live, state } from "./values.js";

const [n1, n2, n3, n4, n5] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4), nodeId(5)];
const from = { members: [n1, n2, n3], read: 2, write: 2 };
const to = { members: [n3, n4, n5], read: 2, write: 2 };
const old = state({ accepted: ballot(1), value: live({ version: ballot(1) }) });
const fresh = state({ accepted: ballot(2), value: live({ version: ballot(2) }) });

function reading(groups: readonly (typeof from)[]): Reading {
  const self = { node: n1, incarnation: 1 };
  const rest = { counterHint: 0, requestId: new Uint8Array(0), nowMs: 0, withContent: true };
  const machine = new Reading({ voters: electorate(groups), self, ...rest });
  machine.start();
  return machine;
}

describe("a value that a read does not know to be chosen", () => {
  test("is written back at its own ballot", () => {
    const machine = reading([from]);
    const effects = [n1, n2, n3].flatMap((node) => machine.onReply(1, node, node === n1 ? fresh : old));
    expect(effects.at(-1)).toMatchObject({ kind: "send", request: { kind: "accept", ballot: ballot(2) } });
  });

  test("partition moves: is settled by a round at a new ballot, since only one group may have promised its own", () => {
    const machine = reading([from, to]);
    const effects = [n1, n2, n3, n4, n5].flatMap((node) => machine.onReply(1, node, node === n1 ? fresh : old));
    expect(effects.at(-1)).toMatchObject({ kind: "send", request: { kind: "prepare", ballot: ballot(3) } });
    expect(effects.filter((effect) => effect.kind === "send" && effect.request.kind === "accept")).toEqual([]);
  });
});
