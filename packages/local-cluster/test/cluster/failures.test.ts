import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { Workers } from "./workers.js";

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  client = await cluster.client();
});

afterEach(async () => {
  const down = cluster.nodes.filter(({ running }) => !running);
  await Promise.all(down.map(({ id }) => cluster.restart(id)));
  await cluster.restart("supernode");
  await cluster.ready();
});

afterAll(() => cluster.close());

const stateOf = async (id: number) => (await client.nodes()).find((node) => node.id === id)?.state;

const text = async (name: string) => new TextDecoder().decode((await client.get(name)).content);

async function errorOf(operation: Promise<unknown>): Promise<QuorumError> {
  try {
    await operation;
  } catch (error) {
    return QuorumError.from(error);
  }
  throw new Error("it succeeded");
}

describe("one DataNode of three killed", () => {
  test.each([1, 2, 3])("DataNode %d, under load: no operation fails, and it votes again", async (victim) => {
    const workers = new Workers({ client, count: 16 });
    await cluster.waitUntil("the load runs", () => workers.operations > 200);
    await cluster.kill(victim);
    const before = workers.operations;
    await cluster.waitUntil("the load goes on", () => workers.operations > before + 500, 20_000);
    await cluster.restart(victim);
    await cluster.waitUntil("it is up", async () => (await stateOf(victim)) === "up");
    await workers.stop();
    expect(workers.failures).toEqual([]);
    expect(workers.longestMs).toBeLessThan(10_000);
    await cluster.waitUntil("a write is acknowledged by it", async () => {
      const { acknowledged, replicas } = await client.put("files/votes-again", "x");
      expect(replicas).toContain(victim);
      return acknowledged.includes(victim);
    });
  });

  test("detected within 3 s, and seen up again", async () => {
    await cluster.kill(2);
    await cluster.waitUntil("it is down", async () => (await stateOf(2)) === "down", 3_500);
    await cluster.restart(2);
    await cluster.waitUntil("it is up", async () => (await stateOf(2)) === "up");
  });

  test("stopped in order, started again: its incarnation is a higher one", async () => {
    const incarnation = async () => (await client.nodes()).find(({ id }) => id === 1)?.incarnation ?? 0;
    const before = await incarnation();
    await cluster.stop(1);
    await client.put("files/while-stopped", "x");
    await cluster.restart(1);
    await cluster.waitUntil("it has joined anew", async () => (await incarnation()) > before);
    expect(await text("files/while-stopped")).toBe("x");
  });

  test("W=3 is not available then, R=1 reads are; afterwards all is", async () => {
    await client.buckets.create("needs-all", { writeQuorum: 3 });
    await client.put("needs-all/a", "1");
    await cluster.kill(3);
    const refused = await errorOf(client.put("needs-all/a", "2", { timeoutMs: 1_500 }));
    expect(["quorum_unavailable", "unknown_outcome"]).toContain(refused.code);
    await cluster.restart(3);
    await cluster.waitUntil("three vote again", async () => {
      const { acknowledged } = await client.put("needs-all/a", "3", { timeoutMs: 2_000 });
      return acknowledged.length === 3;
    });
    expect(await text("needs-all/a")).toBe("3");
  });
});

describe("two DataNodes of three killed", () => {
  test("quorum_unavailable, saying what was needed, what came, and why", async () => {
    await client.put("files/kept", "before");
    await Promise.all([cluster.kill(1), cluster.kill(2)]);
    // Before that is known a put may be sent to one of the dead, and then nobody can say that it was not done.
    await cluster.waitUntil(
      "both are down",
      async () => (await stateOf(1)) === "down" && (await stateOf(2)) === "down",
    );
    for (const operation of [
      client.get("files/kept", { timeoutMs: 2_000 }),
      client.stat("files/kept", { timeoutMs: 2_000 }),
      client.put("files/another", "x", { timeoutMs: 2_000 }),
    ]) {
      const { code, details } = await errorOf(operation);
      expect(code).toBe("quorum_unavailable");
      expect(details.needed).toBe(2);
      // The third one's own vote may still be on its way to the disk when it is clear that it will not do.
      expect(details.got).toBeLessThanOrEqual(1);
      expect(details.nodes?.map(({ node }) => node).sort()).toEqual([1, 2]);
      for (const { reason } of details.nodes ?? []) expect(reason).not.toBe("");
    }
    const { content } = await client.get("files/kept", { consistency: "relaxed", timeoutMs: 2_000 });
    expect(new TextDecoder().decode(content)).toBe("before");

    await Promise.all([cluster.restart(1), cluster.restart(2)]);
    await cluster.ready();
    expect(await text("files/kept")).toBe("before");
    await client.put("files/kept", "after");
    expect(await text("files/kept")).toBe("after");
  });
});

describe("the SuperNode killed", () => {
  test("no operation fails; it comes back with its state", async () => {
    await client.buckets.create("remembered");
    const { clusterId } = await client.status();
    const workers = new Workers({ client, count: 16 });
    await cluster.waitUntil("the load runs", () => workers.operations > 200);
    await cluster.kill("supernode");
    const before = workers.operations;
    await cluster.waitUntil("the load goes on", () => workers.operations > before + 2_000, 20_000);
    expect((await errorOf(client.status({ timeoutMs: 500 }))).code).toBe("unavailable");
    await cluster.restart("supernode");
    await cluster.ready();
    await workers.stop();
    expect(workers.failures).toEqual([]);
    expect(await client.status()).toMatchObject({ clusterId, ready: true, layout: 1 });
    expect(await client.buckets.info("remembered")).toMatchObject({ name: "remembered" });
  });

  test("a DataNode restarts without it, and serves", async () => {
    await cluster.kill("supernode");
    await cluster.kill(2);
    await cluster.restart(2);
    await cluster.kill(3);
    // Only 1 and 2 are left: a quorum needs the one that started without a SuperNode.
    await cluster.waitUntil("two vote", async () => {
      const { acknowledged } = await client.put("files/without-supernode", "x", { timeoutMs: 2_000 });
      return acknowledged.length === 2;
    });
    expect(await text("files/without-supernode")).toBe("x");
  });

  test("and a DataNode at the same time: no operation fails", async () => {
    const workers = new Workers({ client, count: 8 });
    await cluster.waitUntil("the load runs", () => workers.operations > 100);
    await Promise.all([cluster.kill("supernode"), cluster.kill(1)]);
    const before = workers.operations;
    await cluster.waitUntil("the load goes on", () => workers.operations > before + 500, 20_000);
    await workers.stop();
    expect(workers.failures).toEqual([]);
  });
});

describe("all killed", () => {
  test("every acknowledged write is there afterwards", async () => {
    const acknowledged = new Map<string, string>();
    const writing = Array.from({ length: 32 }, async (_, index) => {
      for (let round = 0; ; round += 1) {
        const name = `files/crash-${index}-${round % 5}`;
        const content = `${index} ${round}`;
        try {
          await client.put(name, content, { timeoutMs: 3_000 });
          acknowledged.set(name, content);
        } catch {
          acknowledged.delete(name);
          return;
        }
      }
    });
    await cluster.waitUntil("writes are acknowledged", () => acknowledged.size >= 100);
    await Promise.all([1, 2, 3, "supernode" as const].map((member) => cluster.kill(member)));
    await Promise.all(writing);
    await cluster.restart("supernode");
    await Promise.all([1, 2, 3].map((id) => cluster.restart(id)));
    await cluster.ready();
    for (const [name, content] of acknowledged) expect([name, await text(name)]).toEqual([name, content]);
  });
});
