import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { FileState, QuorumFs, StateOptions, StateSummary } from "@quorumfs/client";
import { type LocalCluster, startCluster } from "../../src/index.js";

const files = Number(process.env["QUORUMFS_TEST_STATE_FILES"] ?? 2000);
const atOnce = 256;
const patienceMs = 60_000;

let cluster: LocalCluster;
let client: QuorumFs;

const sizeOf = (index: number): number => index % 50;
const path = (index: number): string => `dir-${String(index % 20).padStart(2, "0")}/${String(index).padStart(6, "0")}`;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 4, replicas: 3, dataNode: { compareEveryMs: 1000 } });
  client = await cluster.client();
  await client.buckets.create("other");
  await each(0, files, (index) => client.put(`files/${path(index)}`, "x".repeat(sizeOf(index))));
  await each(0, 100, (index) => client.put(`other/${path(index)}`, "y"));
  await cluster.waitUntil("all files have all their copies", async () => {
    const { files: found, underReplicated } = await client.state({ totalsOnly: true }).totals();
    return found === files + 100 && underReplicated === 0;
  });
});

afterAll(() => cluster.close());

async function each(first: number, end: number, action: (index: number) => Promise<unknown>): Promise<void> {
  let next = first;
  const work = async () => {
    while (next < end) await action(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function ask(options: StateOptions): Promise<{ files: FileState[]; summary: StateSummary | undefined }> {
  const query = client.state(options);
  const found: FileState[] = [];
  for await (const file of query) found.push(file);
  return { files: found, summary: query.summary };
}

describe("state of thousands of files on four nodes, N=3", () => {
  let all: readonly FileState[];

  beforeAll(async () => {
    all = (await ask({})).files;
  });

  test("every file once, in order, with size, SHA-256 and three holders", async () => {
    const expected = Array.from({ length: files }, (_, index) => path(index)).sort();
    expect(all.filter(({ bucket }) => bucket === "files").map((file) => file.path)).toEqual(expected);
    expect(all.every(({ holders, behind }) => holders.length === 3 && behind.length === 0)).toBe(true);
    const { file: info } = await client.stat(`files/${path(7)}`);
    expect(all.find(({ name }) => name === info.name)).toMatchObject({
      size: 7,
      etag: info.etag,
      version: info.version,
      modifiedAt: info.modifiedAt,
    });
  });

  test("pages of any size are the whole, each file once", async () => {
    for (const limit of [1, 777]) {
      const names: string[] = [];
      for (let after: string | undefined; names.length < (limit === 1 ? 5 : Infinity);) {
        const page = client.state({ limit, ...(after === undefined ? {} : { after }) });
        for await (const { name } of page) names.push(name);
        after = page.next;
        if (after === undefined) break;
      }
      expect(names).toEqual(all.map(({ name }) => name).slice(0, names.length));
      if (limit !== 1) expect(names).toHaveLength(all.length);
    }
  });

  test.each<{ options: StateOptions; matches: (file: FileState) => boolean }>([
    { options: { bucket: "other" }, matches: ({ bucket }) => bucket === "other" },
    { options: { prefix: "dir-07/" }, matches: (file) => file.path.startsWith("dir-07/") },
    { options: { sizeMin: 10, sizeMax: 12 }, matches: ({ size }) => size >= 10 && size <= 12 },
    { options: { sizeMax: 0 }, matches: ({ size }) => size === 0 },
    { options: { node: 2 }, matches: ({ holders }) => holders.includes(2) },
    {
      options: { assignedTo: 3, bucket: "files" },
      matches: (file) => file.holders.includes(3) && file.bucket === "files",
    },
    { options: { health: "complete" }, matches: () => true },
    { options: { health: "under_replicated" }, matches: () => false },
  ])("$options", async ({ options, matches }) => {
    const expected = all.filter(matches);
    const { files: found, summary } = await ask(options);
    expect(found).toEqual(expected);
    const bytes = expected.reduce((sum, { size }) => sum + size, 0);
    const totals = { files: expected.length, bytes, underReplicated: 0, unreachable: [] };
    expect(summary).toEqual(totals);
    expect(await client.state({ ...options, totalsOnly: true }).totals()).toEqual(totals);
  });

  test("while files are overwritten all the time: every file once", async () => {
    const hot = 8;
    const stop = new AbortController();
    const writing = each(0, hot, async (index) => {
      while (!stop.signal.aborted) await client.put(`files/${path(index)}`, "x".repeat(sizeOf(index)));
    });
    try {
      for (let round = 0; round < 5; round += 1) {
        const { files: found, summary } = await ask({ bucket: "files" });
        expect(found).toHaveLength(files);
        // Of the others each has all its copies all the time.
        expect(summary?.underReplicated).toBeLessThanOrEqual(hot);
      }
    } finally {
      stop.abort();
      await writing;
    }
  });

  test("a node down: exactly its files lack a copy, and it is named; then it is back", async () => {
    const lost = all.filter(({ holders }) => holders.includes(4)).map(({ name }) => name);
    await cluster.kill(4);
    await cluster.waitUntil("node 4 is down", async () =>
      (await client.nodes()).some(({ id, state }) => id === 4 && state === "down"),
    );
    const { files: lacking, summary } = await ask({ health: "under_replicated" });
    expect(lacking.map(({ name }) => name)).toEqual(lost);
    expect(lacking.every(({ holders }) => holders.length === 2 && !holders.includes(4))).toBe(true);
    expect(summary).toMatchObject({ files: lost.length, underReplicated: lost.length, unreachable: [4] });
    expect((await ask({ health: "complete" })).files).toHaveLength(all.length - lost.length);
    expect((await ask({ assignedTo: 4 })).files.map(({ name }) => name)).toEqual(lost);
    expect(await ask({ node: 4 })).toMatchObject({ files: [], summary: { unreachable: [4] } });

    const changed = lost.slice(0, 20);
    for (const name of changed) await client.put(name, "changed while node 4 was away");
    await cluster.restart(4);
    await cluster.waitUntil(
      "all files have all their copies again",
      async () => {
        const { underReplicated, unreachable } = await client.state({ totalsOnly: true }).totals();
        return underReplicated === 0 && unreachable.length === 0;
      },
      patienceMs,
    );
    const { files: again } = await ask({ node: 4 });
    expect(again.map(({ name }) => name)).toEqual(lost);
  });
});
