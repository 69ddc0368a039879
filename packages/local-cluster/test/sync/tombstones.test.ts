import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type LocalCluster, startCluster } from "../../src/index.js";

const files = 200;
const patienceMs = 60_000;

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, dataNode: { tombstoneGraceMs: 300, compareEveryMs: 1000 } });
  client = await cluster.client();
});

afterAll(() => cluster.close());

const name = (index: number) => `files/file-${index}`;
const all = <T>(action: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: files }, (_, index) => action(index)));

/** How many records each node that is up has, tombstones included. */
async function recordCounts(): Promise<readonly (number | undefined)[]> {
  const up = (await client.nodes()).filter(({ state }) => state === "up");
  return up.map(({ load }) => load?.records);
}

test("tombstones go on all nodes, not while one is down; deleted files stay deleted, new ones come", async () => {
  await all((index) => client.put(name(index), `first ${index}`));
  await cluster.kill(3);
  const versions = await all(async (index) => (await client.delete(name(index))).version);
  await cluster.waitUntil(
    "node 3 is seen to be down",
    async () => (await client.nodes()).find(({ id }) => id === 3)?.state === "down",
  );
  await client.put("files/kept", "x");
  await cluster.waitUntil("the others have counted", async () =>
    (await recordCounts()).every((count) => count === files + 1),
  );
  await cluster.restart(3);
  await cluster.waitUntil(
    "nothing is left of them anywhere",
    async () => {
      const counts = await recordCounts();
      return counts.length === 3 && counts.every((count) => count === 1);
    },
    patienceMs,
  );
  const listed: string[] = [];
  for await (const { path } of client.list("files")) listed.push(path);
  expect(listed).toEqual(["kept"]);
  await expect(client.get(name(0))).rejects.toMatchObject({ code: "not_found" });
  const again = await all(async (index) => (await client.put(name(index), "again")).file.version);
  for (const [index, version] of again.entries()) expect(version).toBeGreaterThan(versions[index] ?? 0);
}, 120_000);
