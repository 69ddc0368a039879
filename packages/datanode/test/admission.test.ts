import { describe, expect, it } from "@jest/globals";
import { Admission, Caller, type OperationKind } from "../src/admission.js";
import { StepClock } from "./support/step-clock.js";

const roomy = { operationsMax: 4096, contentBytesMax: 1_000_000 };

/** Someone before the door. */
function at(admission: Admission, clock: StepClock, caller = new Caller()) {
  return {
    enter: (contentBytes = 1, kind: OperationKind = "write") => {
      const visit = { kind, contentBytes, caller, atMs: clock.nowMs() };
      return { refusal: admission.enter(visit), leave: () => admission.leave(visit) };
    },
  };
}

function door(limits: { operationsMax: number; contentBytesMax: number }) {
  const clock = new StepClock();
  const admission = new Admission(limits, clock);
  return { admission, clock, ...at(admission, clock) };
}

describe("admission: fixed bounds", () => {
  it("refuses at the limit of operations, and lets in again when one has left", () => {
    const { admission, enter } = door({ operationsMax: 2, contentBytesMax: 1000 });
    const { refusal, leave } = enter();
    expect(refusal).toBeUndefined();
    expect(enter().refusal).toBeUndefined();
    expect(enter().refusal).toMatchObject({
      code: "resource_exhausted",
      details: { retryAfterMs: 25, mayHaveRun: false },
    });
    leave();
    expect(enter().refusal).toBeUndefined();
    expect({ inFlight: admission.inFlight, finished: admission.finished }).toEqual({ inFlight: 2, finished: 1 });
  });

  it("refuses what would hold too many bytes", () => {
    const { enter } = door({ operationsMax: 10, contentBytesMax: 1000 });
    expect(enter(600).refusal).toBeUndefined();
    expect(enter(600).refusal).toMatchObject({ code: "resource_exhausted" });
    expect(enter(400).refusal).toBeUndefined();
  });

  it("lets a single operation in whatever it holds", () => {
    expect(door({ operationsMax: 10, contentBytesMax: 10 }).enter(1000).refusal).toBeUndefined();
  });
});

/** A node that finishes so many operations in a millisecond, in order, while so many more are offered. */
async function run(options: { perMs: number; offeredPerMs: number; forMs: number }) {
  const { perMs, offeredPerMs, forMs } = options;
  const subject = door(roomy);
  const { admission, clock, enter } = subject;
  const waiting: { readonly leave: () => void; readonly atMs: number }[] = [];
  const tookMs: number[] = [];
  const hints: number[] = [];
  for (let ms = 0; ms < forMs; ms += 1) {
    for (let count = 0; count < offeredPerMs; count += 1) {
      const { refusal, leave } = enter();
      if (refusal) hints.push(refusal.details.retryAfterMs ?? 0);
      else waiting.push({ leave, atMs: clock.nowMs() });
    }
    await clock.pass(1);
    for (const { leave, atMs } of waiting.splice(0, perMs)) {
      leave();
      tookMs.push(clock.nowMs() - atMs);
    }
  }
  return { admission, tookMs, hints };
}

describe("admission: overload", () => {
  it("five times what the node can take: all it can is done, and what is let in gets through in good time", async () => {
    const { tookMs } = await run({ perMs: 4, offeredPerMs: 20, forMs: 2000 });
    expect(tookMs).toHaveLength(8000);
    const settled = tookMs.slice(4000);
    expect(Math.max(...settled)).toBeLessThan(60);
  });

  it("nobody is refused while the node keeps up", async () => {
    const { hints } = await run({ perMs: 4, offeredPerMs: 3, forMs: 1000 });
    expect(hints).toEqual([]);
  });

  it("the hint grows as long as more are refused than served", async () => {
    const { hints } = await run({ perMs: 4, offeredPerMs: 20, forMs: 2000 });
    expect(hints[0]).toBe(25);
    expect(hints.at(-1)).toBeGreaterThan(400);
  });

  it("one slow file among quick ones costs nobody his place", async () => {
    const { admission, clock, enter } = door(roomy);
    const before = admission.limitOf("write");
    const slow = Array.from({ length: 100 }, () => enter());
    for (let ms = 0; ms < 1000; ms += 1) {
      const { leave } = enter();
      await clock.pass(1);
      leave();
    }
    for (const { leave } of slow) leave();
    expect(admission.limitOf("write")).toBeGreaterThanOrEqual(before);
  });

  it("writes that wait for a disk leave the reads alone", async () => {
    const { admission, clock, enter } = door(roomy);
    for (let round = 0; round < 20; round += 1) {
      const writes = Array.from({ length: 300 }, () => enter());
      await clock.pass(200);
      for (const { refusal, leave } of writes) if (!refusal) leave();
    }
    expect(admission.limitOf("write")).toBeLessThan(64);
    expect(admission.limitOf("read")).toBe(512);
  });
});

describe("admission: several callers", () => {
  it("one that takes everything leaves another its share at once", () => {
    const { admission, clock, enter } = door(roomy);
    while (!enter().refusal);
    const other = at(admission, clock);
    const limit = admission.limitOf("write");
    let letIn = 0;
    while (!other.enter().refusal) letIn += 1;
    expect(letIn).toBe(limit / 2);
    expect(enter().refusal).toBeDefined();
  });
});
