import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { Workers } from "./workers.js";

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  console.log(`faults from seed ${cluster.seed}`);
  client = await cluster.client();
});

afterEach(async () => {
  cluster.heal();
  await cluster.ready();
});

afterAll(() => cluster.close());

const stateOf = async (id: number) => (await client.nodes()).find((node) => node.id === id)?.state;

const read = async (name: string, options = {}) =>
  new TextDecoder().decode((await client.get(name, { timeoutMs: 5_000, ...options })).content);

describe("partition", () => {
  test.each([1, 2, 3])("DataNode %d apart from the others: nothing fails, and it catches up", async (lonely) => {
    const others = [1, 2, 3].filter((id) => id !== lonely);
    const workers = new Workers({ client, count: 8 });
    await cluster.waitUntil("the load runs", () => workers.operations > 100);
    cluster.partition([lonely], [...others, "supernode"]);
    const before = workers.operations;
    await cluster.waitUntil("it is taken for dead", async () => (await stateOf(lonely)) === "down");
    await cluster.waitUntil("the load goes on", () => workers.operations > before + 300, 30_000);
    cluster.heal();
    await cluster.waitUntil("a write is acknowledged by it", async () =>
      (await client.put("files/healed", "x")).acknowledged.includes(lonely),
    );
    await workers.stop();
    expect(workers.failures).toEqual([]);
  });

  test("one way: the deaf and the mute alike", async () => {
    for (const [from, to] of [
      [[1], [2, 3]],
      [[2, 3], [1]],
    ] as const) {
      const workers = new Workers({ client, count: 8 });
      const cut = cluster.partition(from, to, { oneWay: true });
      await cluster.waitUntil(
        "messages are lost, and the load goes on",
        () => cut.hits > 0 && workers.operations > 300,
      );
      cluster.heal();
      await workers.stop();
      expect(workers.failures).toEqual([]);
    }
  });

  test("no stale read from the smaller side; relaxed may be stale", async () => {
    await client.put("files/both-sides", "old");
    await cluster.waitUntil("all have it", async () => (await cluster.replicaCount("files/both-sides")) === 3);
    // The client still reaches everybody, so that it may well ask the DataNode that knows of nothing new.
    cluster.partition([1], [2, 3]);
    await client.put("files/both-sides", "new", { timeoutMs: 10_000 });
    for (let round = 0; round < 20; round += 1) expect(await read("files/both-sides")).toBe("new");
    const relaxed = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      relaxed.add(await read("files/both-sides", { consistency: "relaxed" }));
    }
    for (const content of relaxed) expect(["old", "new"]).toContain(content);
    cluster.heal();
    expect(await read("files/both-sides")).toBe("new");
  });

  test("the client apart from two DataNodes: the third one coordinates", async () => {
    cluster.partition(["client"], [1, 2]);
    for (let round = 0; round < 10; round += 1) {
      await client.put(`files/by-the-third-${round}`, "x", { timeoutMs: 10_000 });
      expect(await read(`files/by-the-third-${round}`)).toBe("x");
    }
  });

  test("no quorum anywhere: quorum_unavailable, and no harm", async () => {
    await client.put("files/split", "before");
    cluster.partition([1], [2]);
    cluster.partition([2], [3]);
    cluster.partition([1], [3]);
    const error = await client.put("files/split", "x", { timeoutMs: 1_500 }).then(
      () => undefined,
      (thrown: unknown) => QuorumError.from(thrown),
    );
    expect(["quorum_unavailable", "unknown_outcome"]).toContain(error?.code);
    cluster.heal();
    await cluster.waitUntil("it is written again", async () => {
      await client.put("files/split", "after", { timeoutMs: 3_000 });
      return true;
    });
    expect(await read("files/split")).toBe("after");
  });

  test("the SuperNode apart from all: nothing fails", async () => {
    cluster.partition(["supernode"], [1, 2, 3, "client"]);
    const workers = new Workers({ client, count: 8 });
    await cluster.waitUntil("the load goes on", () => workers.operations > 2_000, 30_000);
    await workers.stop();
    expect(workers.failures).toEqual([]);
  });
});

describe("lost and late messages", () => {
  test("2 % of all messages lost: nothing fails", async () => {
    const fault = cluster.dropMessages({ fraction: 0.02 });
    const workers = new Workers({ client, count: 16 });
    await cluster.waitUntil("messages were lost", () => fault.hits > 50 && workers.operations > 300, 30_000);
    fault.end();
    await workers.stop();
    expect(workers.failures).toEqual([]);
  });

  test("the answer to a put is lost: it is done once", async () => {
    const before = await client.put("files/answered-late", "1");
    const fault = cluster.dropMessages({ from: [1, 2, 3], to: "client", count: 1 });
    const put = await client.put("files/answered-late", "2", { ifVersion: before.file.version, timeoutMs: 20_000 });
    expect(fault.hits).toBe(1);
    expect(put.file.version).toBeGreaterThan(before.file.version);
    expect(await read("files/answered-late")).toBe("2");
  });

  test("30 ms each way: slower, and nothing fails", async () => {
    cluster.delayMessages({ delayMs: 30, jitterMs: 10 });
    const workers = new Workers({ client, count: 32 });
    await cluster.waitUntil("the load goes on", () => workers.operations > 300, 30_000);
    cluster.heal();
    await workers.stop();
    expect(workers.failures).toEqual([]);
  });
});
