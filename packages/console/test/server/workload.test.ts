import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "@quorumfs/local-cluster";
import { buildOnce, buildTimeoutMs } from "../../../local-cluster/test/processes/built.js";
import type { ApiError, WorkloadRun, WorkloadView } from "../../src/api.js";
import { ask, askJson } from "../support/ask.js";
import { EventStream } from "../support/event-stream.js";
import { consoleFor } from "../support/own-console.js";

let cluster: LocalCluster;
let url: string;

beforeAll(async () => {
  buildOnce();
  cluster = await startCluster({ nodes: 1, console: true });
  url = cluster.consoleUrl ?? "";
}, buildTimeoutMs);

afterAll(() => cluster.close());

const start = (body: unknown) => askJson(url, "/api/workload", "POST", body);
const view = async () => (await ask(url, "/api/workload")).json as WorkloadView;
const until = (what: string, condition: () => boolean | Promise<boolean>) => cluster.waitUntil(what, condition, 40_000);

describe("workload", () => {
  test("runs, is watched, leaves its results; a second one meanwhile is refused", async () => {
    await using tab = await EventStream.open(url);
    const started = await start({ mode: "balanced", operations: 300, files: 20, verify: true });
    expect(started.status).toBe(202);
    expect(started.json).toMatchObject({ id: 1, state: "starting", result: null, error: null });
    const second = await start({ mode: "balanced" });
    expect({ status: second.status, code: (second.json as ApiError).code }).toEqual({
      status: 409,
      code: "precondition_failed",
    });
    await until("it is done", async () => (await view()).current === null);
    const run = (await view()).finished[0];
    expect(run).toMatchObject({ id: 1, state: "done", error: null, progress: { done: 300, total: 300, fraction: 1 } });
    expect(run?.result).toMatchObject({ complete: true, linearizable: true });
    expect(run?.result?.groups.map(({ name }) => name)).toEqual(["reads", "writes", "all"]);
    const all = run?.result?.groups.at(-1);
    expect(all?.count).toBe(300);
    expect(all?.p99Ms).toBeGreaterThan(0);
    await until("the tab is told", () => tab.last("workload")?.finished.length === 1);
    const states = new Set(tab.all("workload").map(({ current }) => current?.state));
    expect([...states]).toEqual(expect.arrayContaining(["starting"]));
  });

  test("is stopped", async () => {
    await start({ mode: "read-heavy", durationSeconds: 600, files: 10 });
    await until("it runs", async () => (await view()).current?.state === "running");
    const stopping = await ask(url, "/api/workload", { method: "DELETE" });
    expect({ status: stopping.status, state: (stopping.json as WorkloadRun).state }).toEqual({
      status: 202,
      state: "stopping",
    });
    await until("it has stopped", async () => (await view()).current === null);
    expect((await view()).finished[0]).toMatchObject({ state: "stopped", error: null, result: { complete: false } });
    expect((await ask(url, "/api/workload", { method: "DELETE" })).status).toBe(404);
  });

  test("says why it failed", async () => {
    await start({ mode: "balanced", operations: 10, bucket: "nowhere" });
    await until("it has ended", async () => (await view()).current === null);
    const [run] = (await view()).finished;
    expect(run).toMatchObject({ state: "failed", result: null });
    expect(run?.error).toContain("nowhere");
  });

  test("ends with the console", async () => {
    const page = await consoleFor(cluster);
    await askJson(page.url, "/api/workload", "POST", { mode: "balanced", durationSeconds: 600 });
    await page.close();
    await expect(ask(page.url, "/api/workload")).rejects.toThrow();
  });
});
