import { describe, expect, it } from "@jest/globals";
import type { Kept } from "@quorumfs/core";
import { Deadlines } from "../../src/coordinator/deadlines.js";
import { FileQueues } from "../../src/coordinator/file-queues.js";
import { Hedges } from "../../src/coordinator/hedges.js";
import { KeptPromises } from "../../src/coordinator/kept-promises.js";
import { PeerLatency } from "../../src/coordinator/peer-latency.js";
import { Pauses } from "../../src/coordinator/pauses.js";
import { CountingRandom } from "../support/small-cluster.js";
import { StepClock } from "../support/step-clock.js";

function kept(counter: number, bytes = new Uint8Array(16)): Kept {
  const version = { counter, node: 1, incarnation: 1 };
  return {
    next: { ...version, counter: counter + 1 },
    current: {
      kind: "live",
      version,
      size: 3,
      etag: bytes,
      modifiedAtMs: 0,
      content: { kind: "inline", bytes: new Uint8Array(3) },
      attributes: new Map(),
      ring: [{ requestId: bytes, counter }],
    },
  };
}

describe("kept promises", () => {
  it("are handed out once: a ballot is never used twice", () => {
    const promises = new KeptPromises();
    promises.put("f", kept(1));
    expect(promises.take("f")).toMatchObject({ next: { counter: 2 } });
    expect(promises.take("f")).toBeUndefined();
  });

  it("the least recently written make room", () => {
    const promises = new KeptPromises(2);
    promises.put("a", kept(1));
    promises.put("b", kept(2));
    promises.put("a", kept(3));
    promises.put("c", kept(4));
    expect(["a", "b", "c"].map((file) => promises.take(file)?.next.counter)).toEqual([4, undefined, 5]);
  });

  it("keep no content, and no views into larger buffers", () => {
    const promises = new KeptPromises();
    promises.put("f", kept(1, new Uint8Array(new ArrayBuffer(4096), 8, 16)));
    const current = promises.take("f")?.current;
    expect(current?.content).toEqual({ kind: "omitted" });
    expect(current?.ring[0]?.requestId.buffer.byteLength).toBe(16);
    expect(current?.etag.buffer.byteLength).toBe(16);
  });
});

describe("file queues", () => {
  it("one at a time per file, in order; other files are not held up", () => {
    const queues = new FileQueues();
    const started: string[] = [];
    for (const turn of ["a1", "a2", "b1", "a3"]) queues.enter(turn.slice(0, 1), () => started.push(turn));
    expect(started).toEqual(["a1", "b1"]);
    queues.leave("a");
    queues.leave("a");
    expect(started).toEqual(["a1", "b1", "a2", "a3"]);
  });

  it("refuse when too many wait", () => {
    const queues = new FileQueues(2);
    const entered = [1, 2, 3, 4].map(() => queues.enter("a", () => undefined));
    expect(entered).toEqual([true, true, true, false]);
  });
});

describe("deadlines", () => {
  it("expire what is due, and leave no timer when nothing is watched", async () => {
    const clock = new StepClock();
    const deadlines = new Deadlines(clock);
    const expired: string[] = [];
    const watch = (name: string, deadlineMs: number) => {
      const slot = deadlines.watch({
        deadlineMs,
        expire: () => {
          expired.push(name);
          deadlines.forget(slot);
        },
      });
      return slot;
    };
    watch("soon", 100);
    deadlines.forget(watch("forgotten", 100));
    watch("later", 500);
    await clock.pass(200);
    expect(expired).toEqual(["soon"]);
    await clock.pass(1000);
    expect(expired).toEqual(["soon", "later"]);
    expect(clock.timers).toBe(0);
  });

  it("give a slot to the next one when it was given back", () => {
    const deadlines = new Deadlines(new StepClock());
    const never = { deadlineMs: Infinity, expire: () => undefined };
    const [first, second] = [deadlines.watch(never), deadlines.watch(never)];
    deadlines.forget(first);
    expect([deadlines.watch(never), deadlines.watch(never)]).toEqual([first, second + 1]);
  });
});

describe("hedges", () => {
  it("fire in order at their times with one timer", async () => {
    const clock = new StepClock();
    const hedges = new Hedges(clock);
    const fired: string[] = [];
    hedges.add({ hedge: () => void fired.push(`a@${clock.nowMs()}`) }, 10);
    await clock.pass(5);
    hedges.add({ hedge: () => void fired.push(`b@${clock.nowMs()}`) }, 10);
    expect(clock.timers).toBe(1);
    await clock.pass(100);
    expect(fired).toEqual(["a@10", "b@15"]);
    expect(clock.timers).toBe(0);
  });

  it("a long wait holds up no short one", async () => {
    const clock = new StepClock();
    const hedges = new Hedges(clock);
    const fired: string[] = [];
    hedges.add({ hedge: () => void fired.push(`long@${clock.nowMs()}`) }, 100);
    hedges.add({ hedge: () => void fired.push(`short@${clock.nowMs()}`) }, 4);
    await clock.pass(1000);
    expect(fired).toEqual(["short@5", "long@160"]);
  });
});

describe("latency of a peer", () => {
  const timed = (latency: PeerLatency, clock: StepClock) => latency.begin(clock) ?? -1;

  it("one that keeps somebody waiting is slow before it has answered", async () => {
    const clock = new StepClock();
    const latency = new PeerLatency();
    const since = timed(latency, clock);
    await clock.pass(300);
    expect(latency.expectedMs(clock.nowMs())).toBe(300);
    latency.end(since, clock.nowMs());
    expect(latency.expectedMs(clock.nowMs())).toBeGreaterThan(50);
  });

  it("while one vote is timed, one in eight others is", () => {
    const clock = new StepClock();
    const latency = new PeerLatency();
    const begun = Array.from({ length: 81 }, () => latency.begin(clock));
    expect(begun.filter((since) => since !== undefined)).toHaveLength(11);
  });

  it("what was measured long ago counts less, so that it is asked again", async () => {
    const clock = new StepClock();
    const latency = new PeerLatency();
    for (let vote = 0; vote < 20; vote += 1) {
      const since = timed(latency, clock);
      await clock.pass(500);
      latency.end(since, clock.nowMs());
    }
    const expectedMs = latency.expectedMs(clock.nowMs());
    expect(expectedMs).toBeGreaterThan(400);
    expect(latency.p95Ms).toBeGreaterThan(200);
    await clock.pass(20_000);
    expect(latency.expectedMs(clock.nowMs())).toBeLessThan(1);
  });

  it("a vote that was never sent says nothing", async () => {
    const clock = new StepClock();
    const latency = new PeerLatency();
    const since = timed(latency, clock);
    await clock.pass(300);
    latency.drop(since);
    expect(latency.expectedMs(clock.nowMs())).toBeLessThanOrEqual(1);
  });
});

describe("pauses", () => {
  it("follow the peers' latency within bounds", () => {
    const pauses = new Pauses(new CountingRandom());
    expect(pauses.patienceMs).toBe(5);
    for (let sample = 0; sample < 100; sample += 1) pauses.observe(10);
    expect(pauses.patienceMs).toBeCloseTo(30, 0);
    for (let sample = 0; sample < 100; sample += 1) pauses.observe(1000);
    expect(pauses.patienceMs).toBe(50);
  });

  it("hedge after the usual time, within bounds", () => {
    const pauses = new Pauses(new CountingRandom());
    expect([1, 30, 1000, Infinity].map((p95Ms) => pauses.hedgeMs(p95Ms))).toEqual([5, 30, 100, 100]);
  });

  it("back off longer with each attempt, at random", () => {
    const pauses = new Pauses(new CountingRandom());
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      const backOffMs = pauses.backOffMs(attempt);
      expect(backOffMs).toBeGreaterThanOrEqual(1);
      expect(backOffMs).toBeLessThanOrEqual(1 + Math.min(200, 3 * 2 ** attempt));
    }
  });
});
