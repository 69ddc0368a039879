import { describe, expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { Gate } from "../../src/chunk/gate.js";
import { settle } from "../support/step-clock.js";
import { never } from "./fixture.js";

function gateOf(unitsMax: number, waitingMax = 100): Gate {
  return new Gate({ unitsMax, waitingMax, what: "things", retryAfterMs: 70 });
}

describe("gate", () => {
  test("in the order in which they came, whatever they want", async () => {
    const gate = gateOf(10);
    const entered: string[] = [];
    const enter = async (name: string, units: number) => {
      const leave = await gate.enter(units, never);
      entered.push(name);
      return leave;
    };
    const first = await enter("first", 6);
    const large = enter("large", 8);
    const small = enter("small", 1);
    await settle();
    // There would be room for the small one.
    expect(entered).toEqual(["first"]);
    first();
    first();
    (await large)();
    (await small)();
    expect(entered).toEqual(["first", "large", "small"]);
    expect(gate.inside).toBe(0);
  });

  test("who gives up leaves the queue, and lets those behind go on", async () => {
    const gate = gateOf(10);
    const leave = await gate.enter(6, never);
    const abort = new AbortController();
    const large = gate.enter(8, abort.signal);
    const small = gate.enter(2, never);
    abort.abort();
    await expect(large).rejects.toMatchObject({ code: "cancelled" });
    (await small)();
    leave();
    expect([gate.inside, gate.waiting]).toEqual([0, 0]);
    await expect(gate.enter(1, abort.signal)).rejects.toMatchObject({ code: "cancelled" });
  });

  test("too many: refused at once, with a hint when to come again", async () => {
    const gate = gateOf(1, 2);
    const leave = await gate.enter(1, never);
    const waiting = [gate.enter(1, never), gate.enter(1, never)];
    await expect(gate.enter(1, never)).rejects.toMatchObject({
      code: "resource_exhausted",
      details: { retryAfterMs: 70 },
    });
    leave();
    for (const one of waiting) (await one)();
    expect(gate.inside).toBe(0);
  });

  test("closed: nobody waits, nobody enters", async () => {
    const gate = gateOf(1);
    await gate.enter(1, never);
    const waiting = gate.enter(1, never);
    gate.close(new QuorumError({ code: "unavailable", message: "over" }));
    await expect(waiting).rejects.toMatchObject({ code: "unavailable" });
    await expect(gate.enter(1, never)).rejects.toMatchObject({ code: "unavailable" });
  });
});
