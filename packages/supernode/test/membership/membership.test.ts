import { describe, expect, test } from "@jest/globals";
import { nodeId } from "@quorumfs/core";
import fc from "fast-check";
import { type Health, Membership } from "../../src/membership/membership.js";

const times = { suspectAfterMs: 1000, downAfterMs: 2500 };
const [a, b] = [nodeId(1), nodeId(2)];

describe("membership", () => {
  test("a node that joins is up", () => {
    const membership = new Membership(times);
    expect(membership.heard(a, 0)).toEqual([{ node: a, from: "down", to: "up" }]);
    expect(membership.heard(a, 500)).toEqual([]);
  });

  test("beats stay away: suspect after 1 s, down after 2.5 s, up again with the next beat", () => {
    const membership = new Membership(times);
    membership.heard(a, 0);
    expect(membership.tick(999)).toEqual([]);
    expect(membership.tick(1000)).toEqual([{ node: a, from: "up", to: "suspect" }]);
    expect(membership.tick(2499)).toEqual([]);
    expect(membership.tick(2500)).toEqual([{ node: a, from: "suspect", to: "down" }]);
    expect(membership.heard(a, 9000)).toEqual([{ node: a, from: "down", to: "up" }]);
  });

  test("the stream breaks: suspect at once, down no later than by silence", () => {
    const membership = new Membership(times);
    membership.heard(a, 0);
    expect(membership.lost(a)).toEqual([{ node: a, from: "up", to: "suspect" }]);
    expect(membership.lost(a)).toEqual([]);
    expect(membership.nextTickMs()).toBe(2500);
    expect(membership.tick(2500)).toEqual([{ node: a, from: "suspect", to: "down" }]);
    expect(membership.lost(a)).toEqual([]);
  });

  test("who was a member before is suspect, and has the whole time to come back", () => {
    const membership = new Membership(times);
    membership.expect(a, 100);
    membership.expect(b, 100);
    expect(membership.healthOf(a)).toBe("suspect");
    expect(membership.heard(b, 200)).toEqual([{ node: b, from: "suspect", to: "up" }]);
    expect(membership.tick(2600)).toEqual([
      { node: a, from: "suspect", to: "down" },
      { node: b, from: "up", to: "suspect" },
    ]);
  });

  test("a long silence between two ticks: straight to down", () => {
    const membership = new Membership(times);
    membership.heard(a, 0);
    expect(membership.tick(60_000)).toEqual([{ node: a, from: "up", to: "down" }]);
  });

  test("time that we slept through ourselves is nobody's silence", () => {
    const membership = new Membership(times);
    membership.heard(a, 0);
    membership.excuse(60_000);
    expect(membership.tick(60_500)).toEqual([]);
    expect(membership.tick(62_500)).toEqual([{ node: a, from: "up", to: "down" }]);
  });

  test("nobody there: nothing to wait for", () => {
    const membership = new Membership(times);
    expect(membership.nextTickMs()).toBeUndefined();
    membership.heard(a, 0);
    membership.tick(5000);
    expect(membership.nextTickMs()).toBeUndefined();
    expect(membership.healthOf(b)).toBe("down");
  });

  test("any history, ticked when due: health is what the last sign of life says", () => {
    const event = fc.record({ waitMs: fc.nat({ max: 2000 }), kind: fc.constantFrom("beat", "lost") });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const membership = new Membership(times);
        let nowMs = 0;
        let heardAtMs = 0;
        let isLost = false;
        membership.heard(a, nowMs);
        for (const { waitMs, kind } of events) {
          const untilMs = nowMs + waitMs;
          for (let dueMs = membership.nextTickMs(); dueMs !== undefined && dueMs <= untilMs;) {
            membership.tick(dueMs);
            dueMs = membership.nextTickMs();
          }
          nowMs = untilMs;
          if (kind === "beat") {
            membership.heard(a, nowMs);
            heardAtMs = nowMs;
            isLost = false;
          } else {
            membership.lost(a);
            isLost = true;
          }
          const silentMs = nowMs - heardAtMs;
          let expected: Health = silentMs >= 1000 || isLost ? "suspect" : "up";
          if (silentMs >= 2500) expected = "down";
          expect(membership.healthOf(a)).toBe(expected);
        }
      }),
    );
  });
});
