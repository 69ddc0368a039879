import { afterEach, describe, expect, it } from "@jest/globals";
import { ErrorCode, NodeState } from "@quorumfs/proto";
import type { QuorumFs } from "../../src/index.js";
import { errorResult, FakeCluster, resultOf } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function open(cluster: FakeCluster): Promise<QuorumFs> {
  client = await cluster.connect();
  return client;
}

function coordinatorsOf(cluster: FakeCluster): readonly number[] {
  return cluster.operations.map(({ node }) => node);
}

describe("failover", () => {
  it("put: goes to the file's first replica", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(Promise.all([fs.put("files/x", "1"), fs.put("files/x", "2")]));
    const [first, second] = coordinatorsOf(cluster);
    expect(first).toBe(second);
  });

  it("put: connection refused costs no time", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [first = 0] = coordinatorsOf(cluster);
    cluster.killNode(first);
    const startedAtMs = cluster.clock.nowMs();
    await cluster.clock.settle(fs.put("files/x", "2"));
    expect(cluster.clock.nowMs()).toBe(startedAtMs);
    expect(coordinatorsOf(cluster)[1]).not.toBe(first);
  });

  it("put: connection lost under way; the same request id again, and may_have_run", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => (cluster.operations.length === 1 ? "break" : resultOf(request));
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [first, second] = cluster.operations.map(({ request }) =>
      request.operation?.$case === "put" ? request.operation.value.mutation : undefined,
    );
    expect(first?.mayHaveRun).toBe(false);
    expect(second?.mayHaveRun).toBe(true);
    expect(second?.requestId).toEqual(first?.requestId);
  });

  it("put: its coordinator leaves the cluster meanwhile; another one does it", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => (cluster.operations.length === 1 ? "hang" : resultOf(request));
    const put = fs.put("files/x", "1");
    await cluster.clock.quiet();
    const [first] = coordinatorsOf(cluster);
    cluster.removeNode(first ?? 0);
    await cluster.clock.settle(put);
    expect(coordinatorsOf(cluster)).toHaveLength(2);
    expect(coordinatorsOf(cluster)[1]).not.toBe(first);
  });

  it("put: hanging coordinator is abandoned within a second", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => (cluster.operations.length === 1 ? "hang" : resultOf(request));
    const startedAtMs = cluster.clock.nowMs();
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(cluster.clock.nowMs() - startedAtMs).toBeLessThanOrEqual(1000);
    expect(new Set(coordinatorsOf(cluster)).size).toBe(2);
    // Should it come to life again, it must not start on it.
    await cluster.clock.quiet();
    const cancelled = cluster.seen.find(({ request }) => request.operation?.$case === "cancel");
    expect(cancelled?.node).toBe(coordinatorsOf(cluster)[0]);
  });

  it("put: a node that answers others is slow, not gone, and is waited for", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({
      afterMs: cluster.operations.length === 1 ? 1500 : 10,
      result: resultOf(request),
    });
    const slow = fs.put("files/x", "1");
    const others = Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await new Promise<void>((resolve) => cluster.clock.after(index * 80, resolve));
        await fs.put("files/x", "2");
      }),
    );
    await cluster.clock.settle(Promise.all([slow, others]));
    expect(new Set(coordinatorsOf(cluster)).size).toBe(1);
  });

  it("get: a cluster that is slow as a whole is waited for", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({ afterMs: 2000, result: resultOf(request) });
    const { file } = await cluster.clock.settle(fs.get("files/x"));
    expect(file.version).toBe(7);
  });

  it("put: all that wait for a node that hangs leave it together", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [hanging] = coordinatorsOf(cluster);
    cluster.hanging.add(hanging ?? 0);
    const startedAtMs = cluster.clock.nowMs();
    const writes = [0, 200, 400, 600].map(async (delayMs) => {
      await new Promise<void>((resolve) => cluster.clock.after(delayMs, resolve));
      await fs.put("files/x", "2");
    });
    await cluster.clock.settle(Promise.all(writes));
    expect(cluster.clock.nowMs() - startedAtMs).toBeLessThanOrEqual(1000);
  });

  it("put: after a hang the others do not ask the same node, until it shows that it is back", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [first = 0] = coordinatorsOf(cluster);
    cluster.hanging.add(first);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const asked = cluster.operations.length;
    for (let round = 0; round < 50; round += 1) {
      const startedAtMs = cluster.clock.nowMs();
      await cluster.clock.settle(fs.put("files/x", "1"));
      expect(cluster.clock.nowMs()).toBe(startedAtMs);
      await cluster.clock.advance(200);
    }
    expect(coordinatorsOf(cluster).slice(asked)).not.toContain(first);
    cluster.hanging.clear();
    await cluster.clock.advance(10_000);
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(coordinatorsOf(cluster).at(-1)).toBe(first);
  });

  it("put: a node whose connection was lost is asked again once it is there", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [first = 0] = coordinatorsOf(cluster);
    cluster.killNode(first);
    await cluster.clock.settle(fs.put("files/x", "1"));
    cluster.startNode(first);
    await cluster.clock.advance(2000);
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(coordinatorsOf(cluster).at(-1)).toBe(first);
  });

  it("put: a node that the SuperNode calls down is not asked", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [first = 0] = coordinatorsOf(cluster);
    cluster.setState(first, NodeState.NODE_STATE_DOWN);
    await cluster.clock.quiet();
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(coordinatorsOf(cluster)[1]).not.toBe(first);
  });

  it("get: goes on while the SuperNode is away", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.killSuperNode();
    await cluster.clock.advance(5000);
    const { file } = await cluster.clock.settle(fs.get("files/x"));
    expect(file.version).toBe(7);
  });

  it("get: damaged content is read from another replica", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => {
      const result = resultOf(request);
      if (cluster.operations.length === 1 && result.$case === "get") result.value.content = Buffer.from("damaged");
      return result;
    };
    const { content } = await cluster.clock.settle(fs.get("files/x"));
    expect(Buffer.from(content).toString()).toBe("content");
    expect(new Set(coordinatorsOf(cluster)).size).toBe(2);
  });

  it("get: damaged everywhere ends as corrupt", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => errorResult(ErrorCode.ERROR_CODE_CORRUPT);
    await expect(cluster.clock.settle(fs.get("files/x"))).rejects.toMatchObject({ code: "corrupt" });
  });

  it("put: a coordinator that has to contend for the file is asked again, not a second one beside it", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) =>
      cluster.operations.length < 4
        ? errorResult(ErrorCode.ERROR_CODE_UNAVAILABLE, { retryAfterMs: 20 })
        : resultOf(request);
    await cluster.clock.settle(fs.put("files/x", "1"));
    expect(coordinatorsOf(cluster)).toHaveLength(4);
    expect(new Set(coordinatorsOf(cluster)).size).toBe(1);
  });

  it("put: no more than four of one file are under way, in order", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (_node, request) => ({ afterMs: 10, result: resultOf(request) });
    const writes = Array.from({ length: 10 }, (_, index) => fs.put("files/x", String(index)));
    const other = fs.put("files/y", "y");
    await cluster.clock.quiet();
    expect(cluster.operations).toHaveLength(5);
    await cluster.clock.settle(Promise.all([...writes, other]));
    const contents = cluster.operations.flatMap(({ request: { operation } }) =>
      operation?.$case === "put" && operation.value.path === "x"
        ? [Buffer.from(operation.value.content).toString()]
        : [],
    );
    expect(contents).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("put: a better coordinator has to wait until the present one is done with the file", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    await cluster.clock.settle(fs.put("files/x", "1"));
    const [first = 0] = coordinatorsOf(cluster);
    cluster.setState(first, NodeState.NODE_STATE_DOWN);
    await cluster.clock.quiet();
    cluster.react = (_node, request) => ({ afterMs: 100, result: resultOf(request) });
    const early = fs.put("files/x", "2");
    await cluster.clock.quiet();
    cluster.setState(first, NodeState.NODE_STATE_UP);
    await cluster.clock.quiet();
    await cluster.clock.settle(Promise.all([early, fs.put("files/x", "3")]));
    await cluster.clock.settle(fs.put("files/x", "4"));
    const [, second, third, fourth] = coordinatorsOf(cluster);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    expect(fourth).toBe(first);
  });

  it("put: while one is in doubt no other follows it", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    const contents: string[] = [];
    cluster.react = (_node, request) => {
      const { operation } = request;
      if (operation?.$case !== "put") return "hang";
      const content = Buffer.from(operation.value.content).toString();
      contents.push(content);
      if (content !== "0") return { afterMs: 10, result: resultOf(request) };
      const attempts = contents.filter((each) => each === "0").length;
      return attempts < 4 ? errorResult(ErrorCode.ERROR_CODE_UNKNOWN_OUTCOME) : resultOf(request);
    };
    await cluster.clock.settle(Promise.all(Array.from({ length: 20 }, (_, index) => fs.put("files/x", String(index)))));
    const last = contents.lastIndexOf("0");
    expect(contents.slice(0, last).filter((content) => content !== "0")).toEqual(["1", "2", "3"]);
  });

  it("put: a deadline that passes while waiting for a turn", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => "hang";
    const writes = Promise.allSettled(Array.from({ length: 4 }, () => fs.put("files/x", "1", { timeoutMs: 9000 })));
    const fifth = fs.put("files/x", "1", { timeoutMs: 100 });
    await expect(cluster.clock.settle(fifth)).rejects.toMatchObject({ code: "resource_exhausted" });
    await cluster.clock.settle(writes);
  });

  it("get: a slow node is asked less", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = (node, request) => ({ afterMs: node === 1 ? 100 : 1, result: resultOf(request) });
    for (let round = 0; round < 60; round += 1) await cluster.clock.settle(fs.get("files/x"));
    const slow = coordinatorsOf(cluster).filter((node) => node === 1).length;
    expect(slow).toBeLessThan(10);
  });

  it("put: forming cluster says how many nodes are missing", async () => {
    const cluster = new FakeCluster({ formed: false, nodes: 2 });
    const fs = await open(cluster);
    await expect(fs.put("files/x", "1")).rejects.toMatchObject({
      code: "unavailable",
      message: "cluster is forming: 2 of 3 DataNodes have joined",
    });
  });
});
