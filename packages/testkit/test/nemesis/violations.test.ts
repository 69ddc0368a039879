import { describe, expect, test } from "@jest/globals";
import type { Operation } from "@quorumfs/workload-generator";
import { findViolations } from "../../src/nemesis/audit/violations.js";

const file = "files/a";
const healedAt = 100;

let clock = 0;
const times = (startedAt: number, endedAt: number) => ({ file, client: `c${(clock += 1)}`, startedAt, endedAt });

const write = (at: number, value: string, version: number): Operation => ({
  ...times(at, at + 1),
  ...{ kind: "write", value, outcome: { kind: "done", version } },
});
const remove = (at: number, version: number): Operation => ({
  ...times(at, at + 1),
  ...{ kind: "delete", outcome: { kind: "done", version } },
});
const found = (at: number, value: string, version: number): Operation => ({
  ...times(at, at + 1),
  ...{ kind: "read", outcome: { kind: "found", value, version } },
});
const absent = (at: number): Operation => ({ ...times(at, at + 1), kind: "read", outcome: { kind: "absent" } });

const kindsOf = (...history: readonly Operation[]) => findViolations(history, healedAt).map(({ kind }) => kind);

describe("findViolations", () => {
  test("what registers do is none", () => {
    const history = [write(0, "x", 1), found(2, "x", 1), write(4, "y", 2), found(6, "y", 2), remove(8, 3), absent(10)];
    expect(kindsOf(...history, write(12, "z", 4), found(200, "z", 4))).toEqual([]);
  });

  test("a read that began before an acknowledgement may show what was before", () => {
    expect(kindsOf(write(0, "x", 1), { ...write(4, "y", 2), endedAt: 9 }, found(5, "x", 1))).toEqual([]);
  });

  test("stale: an older version, or none, after a newer one was known", () => {
    expect(kindsOf(write(0, "x", 1), write(2, "y", 2), found(4, "x", 1))).toEqual(["stale"]);
    expect(kindsOf(write(0, "x", 1), write(2, "y", 2), found(4, "y", 2), found(6, "x", 1))).toEqual(["stale"]);
    expect(kindsOf(write(0, "x", 1), absent(4))).toEqual(["stale"]);
  });

  test("a delete whose outcome nobody knows may have taken effect", () => {
    const unknown: Operation = { ...remove(2, 0), endedAt: Infinity, outcome: { kind: "unknown" } };
    expect(kindsOf(write(0, "x", 1), unknown, absent(50))).toEqual([]);
  });

  test("lost: the healed cluster does not have it", () => {
    expect(kindsOf(write(0, "x", 1), write(2, "y", 2), found(healedAt, "x", 1))).toEqual(["lost"]);
    expect(kindsOf(write(0, "x", 1), absent(healedAt))).toEqual(["lost"]);
  });

  test("resurrected: what was deleted is there again", () => {
    expect(kindsOf(write(0, "x", 1), remove(2, 2), found(4, "x", 1))).toEqual(["resurrected"]);
  });

  test("corrupt: nobody has written that", () => {
    expect(kindsOf(write(0, "x", 1), found(4, "torn", 1))).toEqual(["corrupt"]);
  });

  test("double winners on one version", () => {
    const conditional = (value: string, version: number): Operation => ({
      ...times(4, 5),
      ...{ kind: "write", value, condition: { kind: "version", version: 1 }, outcome: { kind: "done", version } },
    });
    expect(kindsOf(write(0, "x", 1), conditional("y", 2), conditional("z", 3))).toEqual(["double-winner"]);
  });
});
