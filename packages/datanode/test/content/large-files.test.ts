import { afterEach, describe, expect, test } from "@jest/globals";
import { inlineBytesMax } from "@quorumfs/core";
import { SmallCluster } from "../support/small-cluster.js";
import { noise, upload } from "./fixture.js";
import { LargeClient } from "./large-client.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

async function start(options: Parameters<typeof SmallCluster.start>[0] = {}): Promise<LargeClient> {
  cluster = await SmallCluster.start(options);
  return new LargeClient(cluster);
}

const bytes = noise(inlineBytesMax + 70_000, 1);

describe("files of chunks (N=3 R=2 W=2)", () => {
  test("put, then read through each node", async () => {
    const client = await start();
    const put = await client.write("a", 1, bytes);
    expect(put.file).toMatchObject({ path: "a", size: bytes.length });
    for (const through of [0, 1, 2]) expect((await client.read("a", { through })).equals(bytes)).toBe(true);
  });
});

void upload;
