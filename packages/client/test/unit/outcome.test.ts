import { afterEach, describe, expect, it } from "@jest/globals";
import { ErrorCode, type FileRequest } from "@quorumfs/proto";
import type { QuorumFs } from "../../src/index.js";
import { errorResult, FakeCluster, fileOf, resultOf } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function open(cluster: FakeCluster): Promise<QuorumFs> {
  client = await cluster.connect();
  return client;
}

function mutationOf(request: FileRequest | undefined) {
  const operation = request?.operation;
  return operation?.$case === "put" || operation?.$case === "delete" ? operation.value.mutation : undefined;
}

const precondition = errorResult(ErrorCode.ERROR_CODE_PRECONDITION_FAILED, { currentVersion: 3 });
const notFound = errorResult(ErrorCode.ERROR_CODE_NOT_FOUND);

describe("outcome of a mutation", () => {
  it("precondition failed at the first attempt: final, with the version found", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => precondition;
    await expect(cluster.clock.settle(fs.put("files/x", "1", { ifVersion: 2 }))).rejects.toMatchObject({
      code: "precondition_failed",
      details: { currentVersion: 3 },
    });
    expect(cluster.operations).toHaveLength(1);
  });

  it("precondition failed after a lost attempt: definite, since the coordinator was told of it", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => (cluster.operations.length === 1 ? "break" : precondition);
    await expect(cluster.clock.settle(fs.put("files/x", "1", { ifAbsent: true }))).rejects.toMatchObject({
      code: "precondition_failed",
    });
    expect(mutationOf(cluster.operations[1]?.request)?.mayHaveRun).toBe(true);
  });

  it("delete: not found after a lost attempt is definite", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => (cluster.operations.length === 1 ? "break" : notFound);
    await expect(cluster.clock.settle(fs.delete("files/x"))).rejects.toMatchObject({ code: "not_found" });
  });

  it("put: no such bucket after a lost attempt says nothing about that attempt", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => (cluster.operations.length === 1 ? "break" : notFound);
    await expect(cluster.clock.settle(fs.put("files/x", "1"))).rejects.toMatchObject({ code: "unknown_outcome" });
  });

  it.each([
    ["quorum unavailable", ErrorCode.ERROR_CODE_QUORUM_UNAVAILABLE, "quorum_unavailable"],
    ["unavailable", ErrorCode.ERROR_CODE_UNAVAILABLE, "unavailable"],
    ["overload", ErrorCode.ERROR_CODE_RESOURCE_EXHAUSTED, "resource_exhausted"],
  ])("%s until the deadline, never in doubt: had no effect", async (_name, wire, code) => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => errorResult(wire);
    await expect(cluster.clock.settle(fs.put("files/x", "1", { timeoutMs: 5000 }))).rejects.toMatchObject({ code });
    expect(cluster.operations.length).toBeGreaterThan(3);
    expect(cluster.operations.every(({ request }) => mutationOf(request)?.mayHaveRun === false)).toBe(true);
  });

  it("quorum unavailable until the deadline, after a lost attempt: not known", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () =>
      cluster.operations.length === 1 ? "break" : errorResult(ErrorCode.ERROR_CODE_QUORUM_UNAVAILABLE);
    await expect(cluster.clock.settle(fs.put("files/x", "1", { timeoutMs: 5000 }))).rejects.toMatchObject({
      code: "unknown_outcome",
      details: { requestId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
  });

  it("not known to the coordinator: the next one finds out", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) =>
      cluster.operations.length === 1 ? errorResult(ErrorCode.ERROR_CODE_UNKNOWN_OUTCOME) : resultOf(request);
    const { file } = await cluster.clock.settle(fs.put("files/x", "1"));
    expect(file.version).toBe(7);
    expect(mutationOf(cluster.operations[1]?.request)?.mayHaveRun).toBe(true);
  });

  it("not known to anybody: asked a few times, then said", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => errorResult(ErrorCode.ERROR_CODE_UNKNOWN_OUTCOME);
    await expect(cluster.clock.settle(fs.put("files/x", "1"))).rejects.toMatchObject({ code: "unknown_outcome" });
    expect(cluster.operations.length).toBeLessThan(6);
  });

  it("every node hangs: not known at the deadline, and not later", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => "hang";
    const startedAtMs = cluster.clock.nowMs();
    await expect(cluster.clock.settle(fs.put("files/x", "1", { timeoutMs: 4000 }))).rejects.toMatchObject({
      code: "unknown_outcome",
    });
    expect(cluster.clock.nowMs() - startedAtMs).toBeLessThanOrEqual(4010);
  });

  it("no node can be reached: had no effect", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    for (const id of [1, 2, 3]) cluster.killNode(id);
    await expect(cluster.clock.settle(fs.put("files/x", "1", { timeoutMs: 2000 }))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  it("internal error of a coordinator: how far it came is not known", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => errorResult(ErrorCode.ERROR_CODE_INTERNAL);
    await expect(cluster.clock.settle(fs.put("files/x", "1"))).rejects.toMatchObject({ code: "unknown_outcome" });
    expect(cluster.operations).toHaveLength(3);
  });

  it("aborted while under way: not known, and the coordinator is told", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => "hang";
    const abort = new AbortController();
    const write = fs.put("files/x", "1", { signal: abort.signal });
    const outcome = expect(write).rejects.toMatchObject({ code: "unknown_outcome" });
    await cluster.clock.quiet();
    abort.abort();
    await outcome;
    await cluster.clock.quiet();
    expect(cluster.seen.at(-1)?.request.operation?.$case).toBe("cancel");
  });

  it("aborted before: cancelled, nothing sent", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await expect(fs.put("files/x", "1", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    expect(cluster.operations).toHaveLength(0);
  });

  it("client closed under way: a write is not known, a read is cancelled", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => "hang";
    const write = expect(fs.put("files/x", "1")).rejects.toMatchObject({ code: "unknown_outcome" });
    const read = expect(fs.get("files/y")).rejects.toMatchObject({ code: "cancelled" });
    await cluster.clock.quiet();
    await fs.close();
    await Promise.all([write, read]);
  });

  it("seen version: the highest that this client knew before its first attempt", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => {
      if (request.operation?.$case !== "stat") return cluster.operations.length === 3 ? "break" : resultOf(request);
      const vote = { nodes: [1], replicas: [1, 2, 3], durability: 1 } as const;
      return {
        $case: "stat",
        value: { file: fileOf("x", Buffer.from("1"), 41), vote: { ...vote, nodes: [1], replicas: [1] } },
      };
    };
    await cluster.clock.settle(fs.stat("files/x"));
    await cluster.clock.settle(fs.get("files/x"));
    await cluster.clock.settle(fs.put("files/x", "1"));
    const puts = cluster.operations.filter(({ request }) => request.operation?.$case === "put");
    expect(puts.map(({ request }) => mutationOf(request)?.seenVersion)).toEqual([41, 41]);
  });
});

describe("refused before anything is sent", () => {
  it.each<[string, (fs: QuorumFs) => Promise<unknown>]>([
    ["content above 5 TiB", (fs) => fs.put("files/x", [new Uint8Array(1)], { size: 5 * 1024 ** 4 + 1 })],
    ["content of another length than is said", (fs) => fs.put("files/x", "123", { size: 4 })],
    ["resume without a request id", (fs) => fs.put("files/x", "1", { resume: true })],
    ["two conditions", (fs) => fs.put("files/x", "1", { ifAbsent: true, ifVersion: 1 })],
    ["a version that cannot be", (fs) => fs.put("files/x", "1", { ifVersion: 0 })],
    ["an etag that is none", (fs) => fs.put("files/x", "1", { ifMatch: "abc" })],
    ["a request id that is none", (fs) => fs.put("files/x", "1", { requestId: "xyz" })],
    ["mayHaveRun without a request id", (fs) => fs.put("files/x", "1", { mayHaveRun: true })],
    ["a name without bucket", (fs) => fs.get("x")],
    ["a path with ..", (fs) => fs.get("files/a/../b")],
    ["a deadline in the past", (fs) => fs.get("files/x", { timeoutMs: 0 })],
  ])("%s", async (_name, act) => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await expect(act(fs)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(cluster.operations).toHaveLength(0);
  });
});
