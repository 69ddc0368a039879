import { afterEach, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { Workers } from "../cluster/workers.js";
import { chunksPlaced, expectFilled, fill, moved, movedSome, recordsPlaced, slowUpload } from "./moves.js";

let cluster: LocalCluster | undefined;
afterEach(() => cluster?.close());

describe("partitions that move under load", () => {
  test("a fourth node joins three, then the first one gives its share away: no failed operation, nothing left behind", async () => {
    cluster = await startCluster({ nodes: 3 });
    const client = await cluster.client();
    await fill(client);
    const workers = new Workers({ client, count: 4 });
    const slow = slowUpload(client, "files/slow");
    await cluster.addNode();
    await client.layout.apply();
    expect(await moved(client)).toMatchObject({ state: "done" });
    // Its first chunks are where the layout of then wanted them.
    await slow.finish();
    await expectFilled(client);
    await client.layout.drain(1);
    expect(await moved(client)).toMatchObject({ state: "done" });
    await workers.stop();
    await slow.expectStored();
    await expectFilled(client);
    await recordsPlaced(cluster, client);
    await chunksPlaced(cluster, client, slow.chunks);
    expect(workers.failures).toEqual([]);
  }, 300_000);

  test("an old node, a new one and the SuperNode are killed on the way: it goes on, and nothing is lost", async () => {
    cluster = await startCluster({ nodes: 3 });
    const client = await cluster.client();
    await fill(client);
    await cluster.addNode();
    const workers = new Workers({ client, count: 4 });
    await client.layout.apply();
    await cluster.kill(4);
    await cluster.restart(4);
    await movedSome(client, 1);
    await cluster.kill("supernode");
    await cluster.kill(2);
    await cluster.restart("supernode");
    await cluster.restart(2);
    expect(await moved(client)).toMatchObject({ state: "done" });
    await workers.stop();
    await expectFilled(client);
    await recordsPlaced(cluster, client);
    await chunksPlaced(cluster, client);
    expect(workers.failures).toEqual([]);
  }, 300_000);
});
