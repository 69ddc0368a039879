import { describe, expect, test } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { type SettingValues, workloadConfig } from "../../src/config.js";
import { cleanUp } from "../../src/run/clean-up.js";
import { FileSpace } from "../../src/run/file-space.js";
import { LocalSession } from "../../src/run/local-session.js";
import { Workload, type WorkloadResult } from "../../src/run/workload.js";
import { VirtualClock } from "../virtual-clock.js";
import { MemoryTarget, type Mischief } from "./memory-target.js";

const flags: SettingValues = {
  mode: "balanced",
  concurrency: 8,
  files: 5,
  size: "64..256",
  distribution: "uniform",
  bucket: "files",
  processes: 1,
  endpoint: ["127.0.0.1:7000"],
  timeout: "1s",
  verify: false,
  keep: false,
  output: "table",
  progress: "auto",
  "metrics-port": "off",
  "metrics-host": "127.0.0.1",
  ops: 500,
};

function setUp(changed: Partial<SettingValues>, mischief?: (operation: string, name: string) => Mischief) {
  const clock = new VirtualClock();
  const target = new MemoryTarget(clock, mischief);
  const config = workloadConfig({ ...flags, ...changed }, 7);
  const sessions = Array.from({ length: config.processes }, (_, process) => {
    return new LocalSession({ share: { config, runId: "0badcafe", process }, connect: async () => target, clock });
  });
  const startedAt = "2026-01-01T00:00:00Z";
  const workload = new Workload({ config, runId: "0badcafe", version: "0", clock, startedAt, sessions });
  return { clock, target, workload };
}

async function runIt({ workload, clock }: ReturnType<typeof setUp>): Promise<WorkloadResult> {
  const [result] = await Promise.all([workload.run(), clock.advance(60_000)]);
  if (!result) throw new Error("the run was stopped");
  return result;
}

const slow = (): Mischief => ({ delayMs: 3 });

describe("run", () => {
  test("writes its files, performs as many operations as asked for, and closes", async () => {
    const it = setUp({}, slow);
    const { report } = await runIt(it);
    expect(it.target.calls.slice(0, 5).every((call) => call.startsWith("put files/workload/0badcafe/"))).toBe(true);
    expect(report.groups.map(({ name }) => name)).toEqual(["reads", "writes", "all"]);
    expect(report.groups.at(-1)?.latency.count).toBe(500);
    expect(report.groups.at(-1)?.latency.p50Ms).toBeCloseTo(3, 1);
    expect(report.errors).toEqual({});
    expect(it.target.calls.at(-1)).toBe("close");
  });

  test("the same seed asks for the same things", async () => {
    const [first, second, other] = [setUp({ seed: 1 }, slow), setUp({ seed: 1 }, slow), setUp({ seed: 2 }, slow)];
    for (const it of [first, second, other]) await runIt(it);
    expect(first.target.calls).toEqual(second.target.calls);
    expect(first.target.calls).not.toEqual(other.target.calls);
  });

  test("state queries: every kind, and nothing written during the run", async () => {
    const it = setUp({ mode: "state-query" });
    const { report } = await runIt(it);
    expect(report.kinds.map(({ name }) => name)).toEqual([
      "stat",
      "list",
      "state",
      "node state",
      "under-replicated",
      "nodes",
    ]);
    expect(report.groups.map(({ name }) => name)).toEqual(["reads", "all"]);
    expect(it.target.calls.filter((call) => call.startsWith("put"))).toHaveLength(5);
  });

  test("several processes: parts add up, stamps differ, one verdict", async () => {
    const it = setUp({ processes: 3, ops: 100, verify: true }, slow);
    const { report } = await runIt(it);
    expect(report.groups.at(-1)?.latency.count).toBe(100);
    expect(report.verification?.operations).toBe(105);
    expect(report.verification?.verdict).toEqual({ ok: true });
  });

  test("errors are counted by code, with what the first one said", async () => {
    let gets = 0;
    const it = setUp({}, (operation) =>
      operation === "get" && ++gets % 10 === 0
        ? { failBefore: new QuorumError({ code: "quorum_unavailable", message: `got 1 of 2 (${gets})` }) }
        : {},
    );
    const { report } = await runIt(it);
    expect(report.errors).toEqual({
      quorum_unavailable: { count: Math.floor(gets / 10), example: "got 1 of 2 (10)" },
    });
    expect(report.groups.at(-1)?.failed).toBe(Math.floor(gets / 10));
  });

  test("a file that cannot be written ends the run before it starts", async () => {
    const it = setUp({}, () => ({ failBefore: new QuorumError({ code: "unavailable", message: "forming" }) }));
    await expect(it.workload.run()).rejects.toMatchObject({ code: "unavailable" });
    expect(it.target.calls.at(-1)).toBe("close");
  });

  test("a bucket that does not exist ends the run before it starts", async () => {
    const it = setUp({}, () => ({ failBefore: new QuorumError({ code: "not_found", message: "no bucket" }) }));
    await expect(it.workload.run()).rejects.toMatchObject({ code: "not_found" });
  });

  test("stopped by hand: what there is so far", async () => {
    const it = setUp({ ops: 1_000_000 }, slow);
    const running = it.workload.run();
    await it.clock.advance(100);
    expect(it.workload.progress.phase).toBe("running");
    it.workload.stop();
    await it.clock.advance(10_000);
    const result = await running;
    expect(result?.report.complete).toBe(false);
    expect(result?.report.groups.at(-1)?.latency.count).toBeGreaterThan(100);
  });

  test("rate: waiting counts from when an operation should have started", async () => {
    let calls = 0;
    // One stall of half a second; each of the operations that were due meanwhile has waited for it.
    const it = setUp({ rate: 100, concurrency: 1, ops: 200 }, () => ({ delayMs: ++calls === 30 ? 500 : 1 }));
    const { report } = await runIt(it);
    const all = report.groups.at(-1);
    expect(all?.latency.p95Ms).toBeCloseTo(1, 1);
    expect(all?.corrected?.p95Ms).toBeGreaterThan(300);
    const { fromMs = 0, toMs = 0 } = report.longestPause ?? {};
    expect(Math.round((toMs - fromMs) / 20)).toBe(25);
  });

  test("cleaning up deletes every file and minds none that is gone", async () => {
    const it = setUp({ verify: true }, slow);
    await runIt(it);
    const files = new FileSpace({ bucket: "files", runId: "0badcafe", files: 5 });
    const cleaning = cleanUp({ target: it.target, files, timeoutMs: 1000, clock: it.clock });
    await it.clock.advance(1_000);
    expect(await cleaning).toBe(0);
    expect(it.target.names).toEqual([]);
  });
});

describe("verify", () => {
  const verified = { verify: true, ops: 2_000 };

  test("a register in memory: linearizable; conditions and deletes among the writes", async () => {
    const { report } = await runIt(setUp(verified, slow));
    expect(report.verification?.verdict).toEqual({ ok: true });
    expect(report.kinds.map(({ name }) => name)).toEqual([
      "get",
      "put",
      "put if absent",
      "put if version",
      "put if match",
      "delete",
    ]);
    expect(report.kinds.find(({ name }) => name === "put if version")?.missed).toBeGreaterThan(0);
  });

  test("writes that take effect though they end with unknown_outcome: linearizable", async () => {
    let puts = 0;
    const it = setUp(verified, (operation) => {
      if (operation !== "put" || ++puts < 20 || puts % 7 !== 0) return { delayMs: 2 };
      return { failAfter: new QuorumError({ code: "unknown_outcome", message: "no answer" }) };
    });
    const { report } = await runIt(it);
    expect(report.verification?.unknown).toBeGreaterThan(50);
    expect(report.verification?.verdict).toEqual({ ok: true });
  });

  test.each([
    ["reads of the past", (operation: string, n: number): Mischief => ({ stale: operation === "get" && n >= 300 })],
    [
      "a write that took effect though it was reported as failed",
      (operation: string, n: number): Mischief =>
        operation === "put" && n > 20 && n % 5 === 0
          ? { failAfter: new QuorumError({ code: "unavailable", message: "lies" }) }
          : {},
    ],
  ])("%s: found, and shown", async (_name, mischief) => {
    const counts = new Map<string, number>();
    const it = setUp(verified, (operation) => {
      const count = (counts.get(operation) ?? 0) + 1;
      counts.set(operation, count);
      return { delayMs: 2, ...mischief(operation, count) };
    });
    const { report } = await runIt(it);
    const verdict = report.verification?.verdict;
    if (verdict?.ok !== false) throw new Error("the violation was not found");
    expect(verdict.minimal.length).toBeLessThanOrEqual(4);
  });
});
