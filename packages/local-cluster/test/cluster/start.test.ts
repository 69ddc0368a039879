import { existsSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { startCluster } from "../../src/index.js";
import { temporaryDirectory } from "../../src/adapters/temporary-directory.js";

describe("start", () => {
  test("forming: writes say how many DataNodes have joined, then the cluster takes them", async () => {
    await using cluster = await startCluster({ nodes: 3, initiallyStopped: [3] });
    const client = await cluster.client();
    const put = client.put("files/early", "x", { timeoutMs: 500 });
    await expect(put).rejects.toMatchObject({ code: "unavailable" });
    await expect(put).rejects.toThrow("cluster is forming: 2 of 3 DataNodes have joined");
    expect(await client.status()).toMatchObject({
      ready: false,
      condition: "cluster is forming: 2 of 3 DataNodes have joined",
      layout: undefined,
    });
    await cluster.restart(3);
    await cluster.ready();
    await client.put("files/early", "x");
    expect(await client.status()).toMatchObject({ ready: true, layout: 1 });
  });

  test("a data directory of one's own is kept, and found again", async () => {
    const directory = await temporaryDirectory("quorumfs-test-");
    try {
      {
        await using cluster = await startCluster({ nodes: 3, dataDir: directory.path });
        await (await cluster.client()).put("files/kept", "x");
      }
      await using cluster = await startCluster({ nodes: 3, dataDir: directory.path });
      const { content } = await (await cluster.client()).get("files/kept");
      expect(new TextDecoder().decode(content)).toBe("x");
    } finally {
      await directory.remove();
    }
  });

  test("temporary data is removed, and nothing listens any more", async () => {
    const cluster = await startCluster({ nodes: 1 });
    const { dataDir } = cluster;
    expect(existsSync(dataDir)).toBe(true);
    await cluster.close();
    await cluster.close();
    expect(existsSync(dataDir)).toBe(false);
    expect(cluster.nodes.map(({ running }) => running)).toEqual([false]);
  });

  test.each([
    [1, 1],
    [5, 3],
    [5, 5],
  ])("%d DataNodes, %d replicas", async (nodes, replicas) => {
    await using cluster = await startCluster({ nodes, replicas });
    const client = await cluster.client();
    for (let index = 0; index < 20; index += 1) {
      const put = await client.put(`files/${index}`, String(index));
      expect(put.replicas).toHaveLength(replicas);
    }
  });

  test.each([
    [{ nodes: 0 }],
    [{ nodes: 51 }],
    [{ nodes: 2.5 }],
    [{ nodes: 3, replicas: 4 }],
    [{ nodes: 3, replicas: 0 }],
  ])("%j: refused", async (options) => {
    await expect(startCluster(options)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
