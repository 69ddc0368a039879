import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs, SyncInfo } from "@quorumfs/client";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { mebibyte, sample } from "../large/sample.js";

// 10,000 take longer than a test should: the figures are in docs/RELIABILITY.md.
const files = Number(process.env["QUORUMFS_TEST_SYNC_FILES"] ?? 2000);
const atOnce = 64;
const patienceMs = 120_000;

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, dataNode: { compareEveryMs: 1000 } });
  client = await cluster.client();
});

afterAll(() => cluster.close());

const name = (index: number) => `files/dir-${index % 100}/file-${index}`;

async function each(first: number, end: number, action: (index: number) => Promise<unknown>): Promise<void> {
  let next = first;
  const work = async () => {
    while (next < end) await action(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function syncOf(id: number): Promise<SyncInfo | undefined> {
  return (await client.nodes()).find((node) => node.id === id)?.load?.sync;
}

/** Files with fewer holders than there are nodes, and those of which somebody has an older version. */
async function incomplete(): Promise<{ readonly files: number; readonly incomplete: number }> {
  const counts = { files: 0, incomplete: 0 };
  for await (const { holders, behind } of client.state({ bucket: "files" })) {
    counts.files += 1;
    if (holders.length < 3 || behind.length > 0) counts.incomplete += 1;
  }
  return counts;
}

describe("a DataNode that was away", () => {
  test("catches up with thousands of changed files by itself: changed, new, deleted, large", async () => {
    const quarter = files / 4;
    await each(0, 3 * quarter, (index) => client.put(name(index), `first ${index}`));
    await client.put("files/large", sample(9 * mebibyte, 1));
    await cluster.kill(3);
    await each(0, 2 * quarter, (index) => client.put(name(index), `second ${index}`));
    await each(2 * quarter, 3 * quarter, (index) => client.delete(name(index)));
    await each(3 * quarter, files, (index) => client.put(name(index), `new ${index}`));
    await client.put("files/large", sample(9 * mebibyte, 2));
    await client.put("files/large-new", sample(5 * mebibyte, 3));

    await cluster.restart(3);
    await cluster.waitUntil(
      "it says that it lacks nothing",
      async () => (await syncOf(3))?.state === "in_sync" && (await syncOf(3))?.inSyncAt !== undefined,
      patienceMs,
    );
    expect(await incomplete()).toEqual({ files: 3 * quarter + 2, incomplete: 0 });
    expect(await syncOf(3)).toMatchObject({ state: "in_sync", behindRecords: 0, behindBytes: 0, behindChunks: 0 });

    // What it has caught up with is all there when the node is the only one left to tell.
    await cluster.kill(1);
    await cluster.kill(2);
    const read = async (path: string) =>
      new TextDecoder().decode((await client.get(path, { consistency: "relaxed", timeoutMs: 20_000 })).content);
    expect(await read(name(0))).toBe("second 0");
    expect(await read(name(3 * quarter))).toBe(`new ${3 * quarter}`);
    await expect(read(name(2 * quarter))).rejects.toMatchObject({ code: "not_found" });
  }, 180_000);
});
