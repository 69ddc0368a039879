import { describe, expect, test } from "@jest/globals";
import { bucketId, comparePaths, type RangeEntry, type RangePage } from "@quorumfs/core";
import fc from "fast-check";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import { paths } from "./arbitraries.js";
import { accept, ask, ballot, context, files, openReplica, prepare, scratch, tombstoneOf, valueOf } from "./fixture.js";
import { TestStore } from "./lmdb.js";
import { MemoryDisk } from "./memory-disk.js";

const store = new TestStore();

function page(replica: LocalReplica, request: { prefix?: string; after?: string; limit?: number }): Promise<RangePage> {
  return replica.rangeRead({ bucket: files, prefix: "", after: "", limit: 100, ...request });
}

async function allPages(replica: LocalReplica, options: { prefix: string; limit: number }): Promise<RangeEntry[]> {
  const entries: RangeEntry[] = [];
  for (let after = ""; ;) {
    const next = await page(replica, { ...options, after });
    expect(next.entries.length).toBeLessThanOrEqual(options.limit);
    entries.push(...next.entries);
    if (!next.truncated) return entries;
    expect(next.lastPath).toBe(next.entries.at(-1)?.path);
    after = next.lastPath;
  }
}

function pathsOf(entries: readonly RangeEntry[]): string[] {
  return entries.map((entry) => entry.path);
}

describe("range read", () => {
  test("pages of any size, one after the other, are what is stored, in byte order of path", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(paths, { maxLength: 30 }),
        fc.string({ unit: "grapheme", maxLength: 2 }),
        fc.integer({ min: 1, max: 12 }),
        async (stored, prefix, limit) => {
          const { replica } = openReplica(new MemoryDisk());
          await Promise.all(stored.map((path) => ask(replica, path, accept(1))));
          const expected = stored.filter((path) => path.startsWith(prefix)).sort(comparePaths);
          expect(pathsOf(await allPages(replica, { prefix, limit }))).toEqual(expected);
        },
      ),
    );
  });

  test("an entry has everything but content and ring", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(4));
    await ask(replica, "a", { kind: "commit", ballot: ballot(4) });
    await ask(replica, "b", accept(2, tombstoneOf(2)));
    const { entries } = await page(replica, {});
    const { etag, size, attributes, modifiedAtMs } = valueOf(4);
    expect(entries).toEqual([
      {
        kind: "record",
        path: "a",
        accepted: ballot(4),
        committed: ballot(4),
        value: {
          kind: "live",
          version: ballot(4),
          size,
          etag,
          modifiedAtMs,
          content: { kind: "omitted" },
          attributes,
          ring: [],
        },
      },
      expect.objectContaining({ path: "b", value: expect.objectContaining({ kind: "tombstone" }) }),
    ]);
  });

  test("files that were only promised to someone are not listed", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", prepare(1));
    expect(await page(replica, {})).toEqual({ entries: [], truncated: false, lastPath: "", floor: 0 });
  });

  test("other buckets are not listed, and the last bucket ends at the end of the table", async () => {
    const everything = { ...context, bucket: () => ({ deleting: false, durability: "fsync" as const }) };
    const { replica } = openReplica(await store.reopen(), { context: everything });
    const buckets = [1, 2, 255, 256, 0xffff_ffff].map(bucketId);
    for (const bucket of buckets) await ask(replica, `in-${bucket}`, accept(1), { bucket });
    for (const bucket of buckets) {
      const { entries } = await replica.rangeRead({ bucket, prefix: "", after: "", limit: 10 });
      expect(pathsOf(entries)).toEqual([`in-${bucket}`]);
    }
  });

  test("after: before the prefix, within it, and behind all that it covers", async () => {
    const { replica } = openReplica(await store.reopen());
    for (const path of ["a/1", "b/1", "b/2", "b/3", "c/1"]) await ask(replica, path, accept(1));
    const list = async (after: string) => pathsOf((await page(replica, { prefix: "b/", after })).entries);
    expect(await list("a")).toEqual(["b/1", "b/2", "b/3"]);
    expect(await list("b/1")).toEqual(["b/2", "b/3"]);
    expect(await list("b/2\u{10ffff}")).toEqual(["b/3"]);
    expect(await list("b/\u{10ffff}")).toEqual([]);
    expect(await list("c")).toEqual([]);
  });

  test("a page of more records than one step reads has each of them once", async () => {
    const { replica } = openReplica(await store.reopen());
    const stored = Array.from({ length: 1200 }, (_, index) => `file-${String(index).padStart(4, "0")}`);
    await Promise.all(stored.map((path) => ask(replica, path, accept(1))));
    expect(pathsOf((await page(replica, { limit: 10_000 })).entries)).toEqual(stored);
    expect(pathsOf((await page(replica, { limit: 700, after: "file-0099" })).entries)).toEqual(stored.slice(100, 800));
  });

  test("large attributes close a page early", async () => {
    const { replica } = openReplica(await store.reopen());
    const attributes = new Map([["note", "n".repeat(8000)]]);
    const paths = Array.from({ length: 400 }, (_, index) => `file-${String(index).padStart(3, "0")}`);
    await Promise.all(paths.map((path) => ask(replica, path, accept(1, { ...valueOf(1), attributes }))));
    const first = await page(replica, { limit: 10_000 });
    expect(first.truncated).toBe(true);
    expect(first.entries.length).toBeGreaterThan(100);
    expect(first.entries.length).toBeLessThan(400);
    expect(pathsOf(await allPages(replica, { prefix: "", limit: 10_000 }))).toEqual(paths);
  });

  test.each([0, -1, 1.5, 10_001, Number.NaN])("a limit of %p is refused", async (limit) => {
    const { replica } = openReplica(new MemoryDisk());
    await expect(page(replica, { limit })).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("scan", () => {
  async function scan(replica: LocalReplica): Promise<string[]> {
    const found: string[] = [];
    for await (const part of replica.scan()) {
      expect(part.length).toBeGreaterThan(0);
      for (const { bucket, entry } of part) found.push(`${bucket}:${entry.path}`);
    }
    return found;
  }

  test("all buckets, in order", async () => {
    const { replica } = openReplica(await store.reopen());
    for (const path of ["a/1", "a/2", "b/1"]) {
      await ask(replica, path, accept(1));
      await ask(replica, path, accept(1), { bucket: scratch });
    }
    expect(await scan(replica)).toEqual(["1:a/1", "1:a/2", "1:b/1", "2:a/1", "2:a/2", "2:b/1"]);
  });

  test("more than one part, and giving up in the middle", async () => {
    const { replica } = openReplica(await store.reopen());
    const paths = Array.from({ length: 1200 }, (_, index) => `file-${String(index).padStart(4, "0")}`);
    await Promise.all(paths.map((path) => ask(replica, path, accept(1))));
    expect(await scan(replica)).toEqual(paths.map((path) => `1:${path}`));
    for await (const part of replica.scan()) {
      expect(part.length).toBeLessThan(1200);
      break;
    }
    expect(replica.recordCount).toBe(1200);
  });
});
