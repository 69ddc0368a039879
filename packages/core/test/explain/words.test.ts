import { describe, expect, test } from "@jest/globals";
import {
  type Ballot,
  type Electorate,
  electorate,
  type Explained,
  judge,
  nodeId,
  readNeeds,
  reasonsOf,
  type Testimony,
  writeNeeds,
  zeroBallot,
} from "../../src/index.js";
import { ballot, live, state } from "../register/values.js";

const [n1, n2, n3, n4] = [nodeId(1), nodeId(2), nodeId(3), nodeId(4)];
const three = electorate([{ members: [n1, n2, n3], read: 2, write: 2 }]);

function holds(accepted: Ballot, promised: Ballot = accepted): Testimony {
  return { kind: "state", state: state({ accepted, value: live({ version: accepted, size: 12 }) }), promised };
}
const nothing: Testimony = { kind: "state", state: state(), promised: zeroBallot };
const silent: Testimony = { kind: "silent", reason: "connection refused" };

function explained(testimonies: readonly Testimony[], voters: Electorate = three): Explained {
  const said = new Map(voters.members.map((node, index) => [node, testimonies[index] ?? silent]));
  return { voters, testimonies: said, judgement: judge(voters, said), contentDamaged: [] };
}

describe("a judgement in words", () => {
  test("all is well: how much room there is", () => {
    const all = explained([holds(ballot(5), ballot(6)), holds(ballot(5), ballot(6)), holds(ballot(5), ballot(6))]);
    expect(reasonsOf(all)).toEqual([
      "Nodes 1, 2 and 3 have the votes on this file.",
      "Nodes 1, 2 and 3 answered.",
      "The highest ballot at which any of them accepted something is 5.1.1: version 5 of 12 bytes, on nodes 1, 2 and 3.",
      "It has 3 votes, and a write needs 2: it is chosen, and nobody reads anything older any more.",
      "Nodes 1, 2 and 3 have promised ballot 6.1.1 to node 1, which may write with it: a vote below that ballot is refused there.",
      "So a read answers version 5.",
    ]);
    expect(readNeeds(all)).toBe(
      "A read needs 2 answers of 3; 3 replicas are there, and 1 more node may be away. It takes one round trip; the content comes from one of nodes 1, 2 and 3.",
    );
    expect(writeNeeds(all)).toBe(
      "A write needs 2 promises of 3 and then 2 acknowledgements of 3; 3 replicas are there, and 1 more node may be away. " +
        "Node 1 has enough promises for ballot 6.1.1 already and may begin with the votes; any other node takes a ballot above that.",
    );
  });

  test("one node away: none more may be", () => {
    const two = explained([holds(ballot(5)), silent, holds(ballot(5))]);
    expect(reasonsOf(two)).toContain("Node 2 did not answer: connection refused.");
    expect(readNeeds(two)).toContain("2 replicas are there, and none of them may be away");
    expect(writeNeeds(two)).toContain("2 replicas are there, and none of them may be away");
  });

  test("no quorum: whose answer is missing", () => {
    const one = explained([holds(ballot(5)), silent, silent]);
    expect(reasonsOf(one).at(-1)).toBe("So a read fails: it needs 2 answers and gets 1.");
    expect(readNeeds(one)).toBe(
      "A read needs 2 answers of 3, and gets 1: it fails until more of nodes 2 and 3 answer.",
    );
    expect(writeNeeds(one)).toBe(
      "A write needs 2 promises of 3 and then 2 acknowledgements of 3; only 1 replica is there of the 2 that have to promise: it fails.",
    );
  });

  test("a write that stopped halfway: who would finish it", () => {
    const half = explained([holds(ballot(7)), holds(ballot(5)), holds(ballot(5))]);
    expect(reasonsOf(half).slice(-2)).toEqual([
      "It has 1 vote of the 2 that a write needs, and none of them was told that it was chosen: its write may be under way, or its coordinator stopped halfway.",
      "So a read that meets version 7 makes it chosen before it answers it; one that does not meet it answers version 5 at once.",
    ]);
    expect(readNeeds(half)).toContain("writes version 7 back to nodes 2 and 3, until 2 replicas of 3 have it.");
  });

  test("no such file", () => {
    const none = explained([nothing, nothing, nothing]);
    expect(reasonsOf(none).slice(-2)).toEqual([
      "None of them has anything of this file.",
      "So a read answers that there is no such file.",
    ]);
    expect(writeNeeds(none)).toMatch(/may be away\.$/);
  });

  test("content that is damaged everywhere cannot be read, whatever the vote says", () => {
    const all = explained([holds(ballot(5)), holds(ballot(5)), silent]);
    expect(readNeeds({ ...all, contentDamaged: [n1, n2] })).toContain("cannot be read until one is repaired");
    expect(readNeeds({ ...all, contentDamaged: [n1] })).toContain("the content comes from node 2");
  });

  test("while the file moves, both groups are told of", () => {
    const joint = electorate([
      { members: [n1, n2, n3], read: 2, write: 2 },
      { members: [n2, n3, n4], read: 2, write: 2 },
    ]);
    const moving = explained([holds(ballot(5)), holds(ballot(5)), holds(ballot(5)), nothing], joint);
    expect(reasonsOf(moving)[0]).toBe(
      "The file is moving from nodes 1, 2 and 3 to nodes 2, 3 and 4: every quorum is needed in both groups.",
    );
    expect(writeNeeds(moving)).toContain("2 acknowledgements of 3 in each of both groups");
  });
});
