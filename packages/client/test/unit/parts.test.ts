import { describe, expect, it } from "@jest/globals";
import { FileTurns } from "../../src/operation/file-turns.js";
import { Gate, WaitingRoom } from "../../src/operation/gate.js";
import { backoffMs } from "../../src/retry/backoff.js";
import { RetryBudget } from "../../src/retry/retry-budget.js";
import { SeenVersions } from "../../src/retry/seen-versions.js";
import { Latency } from "../../src/routing/latency.js";

describe("retry budget", () => {
  it("a node that hangs with a full session can be left at once", () => {
    const budget = new RetryBudget(0);
    const granted = Array.from({ length: 512 }, () => budget.withdraw(0));
    expect(granted.every(Boolean)).toBe(true);
  });

  it("under lasting overload retries stay a fraction of the traffic", () => {
    const budget = new RetryBudget(0);
    while (budget.withdraw(0));
    let granted = 0;
    for (let operation = 0; operation < 10_000; operation += 1) {
      budget.deposit();
      if (budget.withdraw(0)) granted += 1;
    }
    expect(granted).toBeLessThanOrEqual(2000);
    expect(granted).toBeGreaterThan(1900);
  });

  it("a quiet client gets another retry soon", () => {
    const budget = new RetryBudget(0);
    while (budget.withdraw(0));
    expect(budget.withdraw(100)).toBe(true);
  });
});

describe("back-off", () => {
  it("doubles up to a second, shortened at random", () => {
    const longest = { fraction: () => 1 - Number.EPSILON, bytes: () => new Uint8Array() };
    const shortest = { ...longest, fraction: () => 0 };
    expect(Math.round(backoffMs(1, longest))).toBe(20);
    expect(backoffMs(1, shortest)).toBe(10);
    expect(Math.round(backoffMs(100, longest))).toBe(1000);
  });
});

describe("seen versions", () => {
  it("keeps the highest", () => {
    const seen = new SeenVersions();
    seen.note("files/x", 1, 5);
    seen.note("files/x", 1, 3);
    expect(seen.get("files/x", 1)).toBe(5);
  });

  it("a bucket made anew starts anew", () => {
    const seen = new SeenVersions();
    seen.note("files/x", 1, 5);
    expect(seen.get("files/x", 2)).toBe(0);
    seen.note("files/x", 2, 1);
    expect(seen.get("files/x", 2)).toBe(1);
  });

  it("forgets what was not used for long, and never grows beyond its bound", () => {
    const seen = new SeenVersions();
    seen.note("files/old", 1, 5);
    for (let index = 0; index < 200_000; index += 1) seen.note(`files/${index}`, 1, 1);
    expect(seen.get("files/old", 1)).toBe(0);
    expect(seen.get("files/199999", 1)).toBe(1);
  });
});

describe("latency", () => {
  it("patience: at least 0.7 s, more with a node that is slow", () => {
    const latency = new Latency();
    expect(latency.patienceMs).toBe(700);
    for (let index = 0; index < 50; index += 1) latency.measured(2, index);
    expect(latency.patienceMs).toBe(700);
    for (let index = 0; index < 50; index += 1) latency.measured(900, index);
    expect(latency.patienceMs).toBeGreaterThan(900);
  });

  it("what was measured long ago counts less", () => {
    const latency = new Latency();
    latency.measured(100, 0);
    expect(latency.expectedMs(50)).toBe(100);
    expect(latency.expectedMs(5000)).toBeCloseTo(50);
  });
});

describe("gate", () => {
  it("starts the next in order when one leaves, and passes over those given up", () => {
    const gate = new Gate(3, new WaitingRoom());
    const begun: number[] = [];
    for (let index = 0; index < 3; index += 1) gate.enter(() => true);
    gate.enter(() => false);
    for (const id of [1, 2]) gate.enter(() => begun.push(id) > 0);
    gate.leave();
    expect(begun).toEqual([1]);
    gate.leave();
    expect(begun).toEqual([1, 2]);
  });

  it("any number that end as soon as they begin need no stack", () => {
    const gate = new Gate(1, new WaitingRoom());
    gate.enter(() => true);
    let ended = 0;
    for (let index = 0; index < 60_000; index += 1) {
      gate.enter(() => {
        ended += 1;
        gate.leave();
        return true;
      });
    }
    gate.leave();
    expect(ended).toBe(60_000);
    expect(gate.idle).toBe(true);
  });

  it("refuses when too many wait before all gates together", () => {
    const turns = new FileTurns(new WaitingRoom());
    const start = (): void => {
      for (let index = 0; index < 100_000; index += 1) turns.enter(`files/${index % 7}`, () => true);
    };
    expect(start).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
  });
});
