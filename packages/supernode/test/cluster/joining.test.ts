import { describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import { JoinRequest } from "@quorumfs/proto";
import { admit, type JoinView } from "../../src/cluster/joining.js";
import type { FormerNode, Member } from "../../src/cluster/member.js";
import type { Health } from "../../src/membership/membership.js";

function store(number: number): Uint8Array {
  return new Uint8Array(16).fill(number);
}

function member(id: number, given: Partial<Member> = {}): Member {
  return {
    id: nodeId(id),
    storeId: store(id),
    address: `host:${id}`,
    zone: "default",
    capacityBytes: 1,
    incarnation: 5,
    version: "1",
    runId: store(77),
    commits: 0,
    role: "active",
    displacedBy: 0,
    metricsAddress: "",
    ...given,
  };
}

function view(
  members: readonly Member[],
  given: { health?: Health; layout?: number; formers?: readonly FormerNode[] } = {},
): JoinView {
  const { health = "up", layout = 1, formers = [] } = given;
  return { clusterId: "c1", layout, revision: 9, members, formers, healthOf: () => health };
}

function request(given: Partial<JoinRequest>): JoinRequest {
  const fresh = { storeId: store(99), runId: store(77), address: "new:1", zone: "default", incarnation: 1 };
  return JoinRequest.fromPartial({ ...fresh, ...given });
}

describe("join", () => {
  test.each([
    ["the first", [], 1],
    ["the next", [member(1), member(2)], 3],
    ["the smallest that was never given", [member(1), member(4)], 2],
  ])("without a number: %s is given", (_what, members, id) => {
    expect(admit(view(members), request({})).member.id).toBe(id);
  });

  test("the answer to an earlier join was lost: the same number again", () => {
    expect(
      admit(view([member(1), member(2)]), request({ storeId: store(1), incarnation: 5, address: "host:1" })).member.id,
    ).toBe(1);
  });

  test("a number that is asked for and free is given, and so is one's own", () => {
    expect(admit(view([member(1)]), request({ nodeId: 7 })).member.id).toBe(7);
    const again = request({ nodeId: 1, storeId: store(1), incarnation: 6, address: "moved:9", clusterId: "c1" });
    expect(admit(view([member(1)], { health: "suspect" }), again)).toEqual({
      member: member(1, { incarnation: 6, address: "moved:9", capacityBytes: 0, version: "" }),
      displaced: [],
    });
  });

  test("who comes back to the address of one that is gone takes it over", () => {
    const { member: admitted, displaced } = admit(
      view([member(1)], { health: "down" }),
      request({ address: "host:1" }),
    );
    expect(admitted).toMatchObject({ id: 2, address: "host:1" });
    expect(displaced).toEqual([member(1, { address: "node-1.invalid:1", displacedBy: 2 })]);
  });

  test("the number of a node that has left is not given again", () => {
    const formers = [{ id: nodeId(2), storeId: store(2), leftAtMs: 1 }];
    expect(admit(view([member(1)], { formers }), request({})).member.id).toBe(3);
  });

  test("a role is kept over a restart, and who displaced it forgotten", () => {
    const known = member(1, { role: "draining", displacedBy: 7 });
    const again = request({ nodeId: 1, storeId: store(1), incarnation: 6, address: "host:1" });
    expect(admit(view([known]), again).member).toMatchObject({ role: "draining", displacedBy: 0 });
  });

  test("a node whose store the SuperNode does not know is taken at its word, once", () => {
    const known = member(1, { storeId: new Uint8Array(0), runId: new Uint8Array(0) });
    const join = request({ nodeId: 1, incarnation: 5, address: "host:1", clusterId: "c1" });
    expect(admit(view([known]), join).member).toMatchObject({ storeId: store(99), runId: store(77) });
  });

  test.each([
    ["the store of a node that has left", request({ storeId: store(2) }), "retired", "it may be stopped"],
    ["the number of a node that has left", request({ nodeId: 2 }), "number_taken", "no number is given again"],
    [
      "a node that was declared lost",
      request({ nodeId: 4, storeId: store(4), incarnation: 6 }),
      "retired",
      "declared lost",
    ],
    [
      "fewer commits than were heard of",
      request({ nodeId: 1, storeId: store(1), incarnation: 6, commits: 99 }),
      "rolled_back",
      "has made 100 commits",
    ],
    [
      "another run with the same number of starts",
      request({ nodeId: 1, storeId: store(1), incarnation: 5, commits: 100, runId: store(78) }),
      "rolled_back",
      "has run as start 5",
    ],
  ])("%s: refused for good", (_what, join, storeFault, message) => {
    const members = [member(1, { commits: 100 }), member(4, { role: "lost" })];
    const formers = [{ id: nodeId(2), storeId: store(2), leftAtMs: 1 }];
    const refusal = { code: "permission_denied", details: { storeFault }, message: expect.stringContaining(message) };
    expect(() => admit(view(members, { formers }), join)).toThrow(expect.objectContaining(refusal));
  });

  test.each([
    ["another cluster's store", request({ clusterId: "c2" }), "permission_denied", "this is cluster c1"],
    ["a node's number with another store", request({ nodeId: 1 }), "permission_denied", "has another store"],
    [
      "a store with another number than its own",
      request({ nodeId: 3, storeId: store(1), incarnation: 6 }),
      "permission_denied",
      "that of node 1",
    ],
    [
      "a store that was rolled back",
      request({ nodeId: 1, storeId: store(1), incarnation: 4 }),
      "permission_denied",
      "rolled back",
    ],
    [
      "a copy of a store that is in use",
      request({ nodeId: 1, storeId: store(1), incarnation: 5, address: "copy:1" }),
      "unavailable",
      "must not be started",
    ],
    [
      "a copy of a store that is in use, and was started after it",
      request({ nodeId: 1, storeId: store(1), incarnation: 6, address: "copy:1", runId: store(78) }),
      "unavailable",
      "must not be started",
    ],
    ["the address of a node that is up", request({ address: "host:1" }), "unavailable", "address of node 1"],
    ["a newer layout than the SuperNode's", request({ layout: 2 }), "unavailable", "--reseed-from"],
    ["a newer revision than the SuperNode's", request({ revision: 10 }), "unavailable", "revision 10"],
    ["a run id of the wrong length", request({ runId: store(1).slice(1) }), "invalid_argument", "run id is 16 bytes"],
    ["a store id of the wrong length", request({ storeId: store(1).slice(1) }), "invalid_argument", "16 bytes"],
    ["no address", request({ address: "" }), "invalid_argument", "HOST:PORT"],
    ["a port out of range", request({ address: "host:70000" }), "invalid_argument", "HOST:PORT"],
    ["a zone with control characters", request({ zone: "a\nb" }), "invalid_argument", "zone"],
    ["no incarnation", request({ incarnation: 0 }), "invalid_argument", "incarnation"],
  ])("%s: refused", (_what, join, code, message) => {
    const attempt = (): unknown => admit(view([member(1)]), join);
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test("a full cluster takes nobody new, and its members all the same", () => {
    const members = Array.from({ length: 1000 }, (_, index) =>
      member(index + 1, { storeId: Buffer.concat([store(0).slice(4), Buffer.from([0, 0, index >> 8, index & 255])]) }),
    );
    expect(() => admit(view(members), request({}))).toThrow("at most 1000");
    const again = request({ nodeId: 1, storeId: members[0]?.storeId ?? store(0), incarnation: 6, address: "host:1" });
    expect(admit(view(members), again).member.id).toBe(1);
  });
});
