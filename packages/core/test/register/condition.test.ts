import { describe, expect, test } from "@jest/globals";
import { type Condition, conditionHolds, sameBytes } from "../../src/index.js";
import { ballot, live, tombstone } from "./values.js";

const etag = Uint8Array.of(1, 2, 3);
const states = {
  nothing: undefined,
  tombstone: tombstone({ version: ballot(7) }),
  "version 7": live({ version: ballot(7), etag }),
} as const;

const table: readonly [Condition, nothing: boolean, tombstone: boolean, live: boolean][] = [
  [{ kind: "none" }, true, true, true],
  [{ kind: "exists" }, false, false, true],
  [{ kind: "absent" }, true, true, false],
  [{ kind: "version", counter: 7 }, false, false, true],
  [{ kind: "version", counter: 6 }, false, false, false],
  [{ kind: "etag", etag: Uint8Array.of(1, 2, 3) }, false, false, true],
  [{ kind: "etag", etag: Uint8Array.of(1, 2) }, false, false, false],
  [{ kind: "etag", etag: Uint8Array.of() }, false, false, false],
];

describe("condition", () => {
  test.each(table)("%j: of nothing %s, of a tombstone %s, of version 7 %s", (condition, nothing, deleted, lives) => {
    expect(conditionHolds(condition, states.nothing)).toBe(nothing);
    expect(conditionHolds(condition, states.tombstone)).toBe(deleted);
    expect(conditionHolds(condition, states["version 7"])).toBe(lives);
  });

  test("bytes: equal in length and content", () => {
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(sameBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
    expect(sameBytes(Uint8Array.of(), Uint8Array.of())).toBe(true);
  });
});
