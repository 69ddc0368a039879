import { afterEach, describe, expect, test } from "@jest/globals";
import { inlineBytesMax } from "@quorumfs/core";
import { SmallCluster } from "../support/small-cluster.js";
import { noise } from "./fixture.js";
import { LargeClient } from "./large-client.js";

let cluster: SmallCluster;
let client: LargeClient;
afterEach(() => cluster.close());

const volumeBytes = 4 * 1024 * 1024;
const bytes = noise(inlineBytesMax + 70_000, 1);

async function start(): Promise<void> {
  cluster = await SmallCluster.start({ volumeBytes });
  client = new LargeClient(cluster);
}

/** Leaves less than a twentieth of a node's volume free. */
async function fill(...nodes: readonly number[]): Promise<void> {
  for (const node of nodes) cluster.contents[node]?.replace("ballast", new Uint8Array(volumeBytes * 0.96));
  await cluster.clock.pass(2000);
}

async function makeRoom(...nodes: readonly number[]): Promise<void> {
  for (const node of nodes) await cluster.contents[node]?.remove(["ballast"]);
  await cluster.clock.pass(4000);
}

/** Lets time pass until it has ended: what meets a node that lags behind waits a moment for the others. */
async function passing<Result>(operation: Promise<Result>): Promise<Result> {
  let ended = false;
  const end = () => (ended = true);
  operation.then(end, end);
  while (!ended) await cluster.clock.pass(10);
  return operation;
}

const outOfSpace = { code: "resource_exhausted", message: expect.stringContaining("nearly full") };

describe("DataNodes whose disks are nearly full (N=3 R=2 W=2)", () => {
  test("one: refuses puts of any size; they go through the others, and it serves reads and deletes", async () => {
    await start();
    await cluster.files(0).put("a", "there");
    const extent = await client.upload("b", 1, bytes);
    await fill(0);
    await expect(cluster.files(0).put("a", "more")).rejects.toMatchObject(outOfSpace);
    await expect(client.put("b", 1, { extents: [extent] })).rejects.toMatchObject(outOfSpace);
    await passing(cluster.files(1).put("a", "more"));
    await passing(client.put("b", 1, { extents: [extent] }, { bytes, through: 1 }));
    expect((await passing(client.read("b"))).equals(bytes)).toBe(true);
    expect((await passing(cluster.files(0).stat("a"))).file).toMatchObject({ size: 4 });
    await passing(cluster.files(0).delete("a"));
    await expect(passing(cluster.files(1).stat("a"))).rejects.toMatchObject({ code: "not_found" });
  });

  test("one: takes puts again once there is room, without a restart", async () => {
    await start();
    await fill(0);
    await expect(cluster.files(0).put("a", "1")).rejects.toMatchObject(outOfSpace);
    await makeRoom(0);
    await cluster.files(0).put("a", "1");
  });

  test("so many that no write quorum is left: the third one says so, too, and names them", async () => {
    await start();
    await cluster.files(2).put("a", "before");
    await fill(0, 1);
    // The first put finds out.
    await passing(cluster.files(2).put("b", "1")).catch(() => undefined);
    const nearlyFull = (node: number) => expect.objectContaining({ node, reason: "its disk is nearly full" });
    await expect(passing(cluster.files(2).put("b", "2"))).rejects.toMatchObject({
      ...outOfSpace,
      details: { needed: 2, got: 1, nodes: expect.arrayContaining([nearlyFull(1), nearlyFull(2)]) },
    });
    expect((await passing(cluster.files(2).stat("a"))).file).toMatchObject({ size: 6 });
    await passing(cluster.files(2).delete("a"));
    await makeRoom(0, 1);
    await passing(cluster.files(2).put("b", "3"));
  });

  test("so many, as their loads say: refused before anybody has voted, and nothing is in doubt", async () => {
    await start();
    await fill(0, 1);
    cluster.superNode.tellLoads();
    await cluster.clock.pass(0);
    await expect(cluster.files(2).put("a", "1")).rejects.toMatchObject(outOfSpace);
    await expect(passing(cluster.files(2).stat("a"))).rejects.toMatchObject({ code: "not_found" });
    await makeRoom(0, 1);
    cluster.superNode.tellLoads();
    await cluster.clock.pass(0);
    await passing(cluster.files(2).put("a", "2"));
  });

  test("a full replica votes for nothing new, so that the others have to", async () => {
    await start();
    await fill(0);
    const { vote } = await cluster.files(1).put("a", "1");
    expect([...(vote?.nodes ?? [])].sort()).toEqual([2, 3]);
  });
});
