import { existsSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { startCluster } from "../../src/index.js";

describe("addNode", () => {
  test("one more DataNode is up, in the next zone, with the capacity that was asked for", async () => {
    await using cluster = await startCluster({ nodes: 3, zones: ["a", "b"] });
    const client = await cluster.client();
    await client.put("files/before", "x");
    const added = await cluster.addNode({ capacityBytes: 12_345 });
    expect(added).toMatchObject({ id: 4, nodeId: 4, running: true });
    const byId = new Map((await client.nodes()).map((node) => [node.id, node]));
    expect([1, 2, 3, 4].map((id) => byId.get(id)?.zone)).toEqual(["a", "b", "a", "b"]);
    expect(byId.get(4)).toMatchObject({ state: "up", address: added.address, capacityBytes: 12_345 });
    await cluster.kill(4);
    await cluster.restart(4);
    await cluster.ready();
    expect((await client.get("files/before")).file.size).toBe(1);
  });
});

describe("snapshotDisk", () => {
  test("keeps what the disk holds, and the DataNode goes on", async () => {
    await using cluster = await startCluster({ nodes: 3 });
    const client = await cluster.client();
    await client.put("files/kept", "x");
    const { directory } = await cluster.snapshotDisk(2);
    expect(existsSync(`${directory}/records`)).toBe(true);
    expect(cluster.nodes.map(({ running }) => running)).toEqual([true, true, true]);
    await cluster.ready();
    await cluster.waitUntil("it votes again", async () =>
      (await client.put("files/kept", "y")).acknowledged.includes(2),
    );
  });
});
