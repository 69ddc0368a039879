import { describe, expect, test } from "@jest/globals";
import { bucketId, comparePaths, fileHashOf, partitionOf, recordHashLow } from "@quorumfs/core";
import { ScanPart } from "@quorumfs/proto";
import fc from "fast-check";
import type { LocalReplica } from "../../src/replica/local-replica.js";
import { recordKey } from "../../src/replica/record-key.js";
import type { Window, WindowRequest } from "../../src/replica/window.js";
import { paths } from "./arbitraries.js";
import { accept, ask, ballot, context, files, openReplica, scratch, tombstoneOf, valueOf } from "./fixture.js";
import { TestStore } from "./lmdb.js";
import { MemoryDisk } from "./memory-disk.js";

const partitions = 1024;
const store = new TestStore();

function request(given: Partial<WindowRequest> = {}, part: number = ScanPart.SCAN_PART_ROWS): WindowRequest {
  return {
    bucket: files,
    prefix: "",
    after: "",
    until: "",
    limit: 1000,
    parts: new Uint8Array(partitions).fill(part),
    sizeMin: 0,
    sizeMax: Infinity,
    ...given,
  };
}

interface Row {
  readonly path: string;
  readonly version: number;
  readonly size: number;
  readonly etag: string;
  readonly partition: number;
}

function rowsOf({ rows }: Window): Row[] {
  const [versions, sizes, etags, of] = [rows.versions, rows.sizes, rows.etags, rows.partitions].map((column) =>
    Buffer.from(column),
  );
  if (rows.count === 0 || !versions || !sizes || !etags || !of) return [];
  return Buffer.from(rows.paths)
    .toString()
    .split("\n")
    .map((path, index) => ({
      path,
      version: versions.readDoubleLE(index * 8),
      size: sizes.readDoubleLE(index * 8),
      etag: etags.toString("hex", index * 32, (index + 1) * 32),
      partition: of.readUInt32LE(index * 4),
    }));
}

interface Tally {
  readonly partition: number;
  readonly files: number;
  readonly damaged: number;
  readonly low: number;
  readonly bytes: number;
}

function talliesOf({ tallies }: Window): Tally[] {
  return Array.from({ length: tallies.length / 28 }, (_, index) => ({
    partition: tallies.readUInt32LE(index * 28),
    files: tallies.readUInt32LE(index * 28 + 4),
    damaged: tallies.readUInt32LE(index * 28 + 8),
    low: tallies.readUInt32LE(index * 28 + 12),
    bytes: tallies.readDoubleLE(index * 28 + 20),
  }));
}

async function put(replica: LocalReplica, path: string, counter: number, content: string): Promise<void> {
  await ask(replica, path, accept(counter, valueOf(counter, content)));
}

describe("window", () => {
  test("any files, prefix, place, sizes and partitions: rows, counts and digests are those of the matching files", async () => {
    const stored = fc.uniqueArray(
      fc.record({ path: paths, size: fc.integer({ min: 0, max: 3 }), isDeleted: fc.boolean() }),
      { selector: ({ path }) => path, maxLength: 25 },
    );
    const scene = fc.record({
      stored,
      prefix: fc.string({ unit: "grapheme", maxLength: 1 }),
      after: fc.oneof(fc.constant(""), paths),
      until: fc.oneof(fc.constant(""), paths),
      sizeMin: fc.integer({ min: 0, max: 2 }),
      sizeMax: fc.constantFrom(0, 2, Infinity),
      parity: fc.constantFrom(0, 1),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ stored: some, prefix, after, until, sizeMin, sizeMax, parity }) => {
        const { replica } = openReplica(new MemoryDisk());
        for (const { path, size } of some) await put(replica, path, 1, "x".repeat(size));
        for (const { path, isDeleted } of some) if (isDeleted) await ask(replica, path, accept(2, tombstoneOf(2)));
        // Every other partition is asked for rows, and the others for nothing.
        const parts = Uint8Array.from({ length: partitions }, (_, index) => (index % 2 === parity ? 3 : 0));
        const window = await replica.window(request({ prefix, after, until, sizeMin, sizeMax, parts }));
        const there = some
          .filter(({ path, isDeleted }) => !isDeleted && path.startsWith(prefix))
          .filter(({ path }) => after === "" || comparePaths(path, after) > 0)
          .filter(({ path }) => until === "" || comparePaths(path, until) <= 0)
          .map((file) => ({ ...file, partition: partitionOf(files, file.path) }))
          .filter(({ partition }) => partition % 2 === parity)
          .sort((a, b) => comparePaths(a.path, b.path));
        const matching = there.filter(({ size }) => size >= sizeMin && size <= sizeMax);
        expect(rowsOf(window).map(({ path, size, partition }) => ({ path, size, partition }))).toEqual(
          matching.map(({ path, size, partition }) => ({ path, size, partition })),
        );
        const expected = [...new Set(there.map(({ partition }) => partition))]
          .sort((a, b) => a - b)
          .map((partition): Tally => {
            const own = there.filter((file) => file.partition === partition);
            const counted = matching.filter((file) => file.partition === partition);
            const low = own.reduce(
              (hash, { path }) => (hash ^ recordHashLow(fileHashOf(recordKey(files, path).bytes), ballot(1))) >>> 0,
              0,
            );
            const bytes = counted.reduce((sum, { size }) => sum + size, 0);
            return { partition, files: counted.length, damaged: 0, low, bytes };
          });
        expect(talliesOf(window)).toEqual(expected);
        expect(window.lastPath).toBeUndefined();
      }),
    );
  });

  test("a limit ends it, and the next one goes on behind", async () => {
    const { replica } = openReplica(new MemoryDisk());
    const all = Array.from({ length: 1300 }, (_, index) => `f${String(index).padStart(4, "0")}`);
    await Promise.all(all.map((path) => put(replica, path, 1, "")));
    const seen: string[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const window: Window = await replica.window(request({ after, limit: 700 }));
      expect(window.rows.count).toBeLessThanOrEqual(700);
      seen.push(...rowsOf(window).map(({ path }) => path));
      after = window.lastPath;
    }
    expect(seen).toEqual(all);
  });

  test("a row has version, SHA-256 and partition; a count has none; copies have everything, also what is deleted", async () => {
    const { replica } = openReplica(await store.reopen());
    await put(replica, "a", 4, "four");
    await ask(replica, "b", accept(2, tombstoneOf(2)));
    const [row] = rowsOf(await replica.window(request()));
    const etag = Buffer.from(valueOf(4, "four").etag).toString("hex");
    expect(row).toEqual({ path: "a", version: 4, size: 4, etag, partition: partitionOf(files, "a") });

    const counted = await replica.window(request({}, ScanPart.SCAN_PART_COUNT));
    expect(counted.rows.count).toBe(0);
    expect(talliesOf(counted)).toMatchObject([{ files: 1, bytes: 4 }]);
    const digest = await replica.window(request({}, ScanPart.SCAN_PART_DIGEST));
    expect(talliesOf(digest)).toMatchObject([{ files: 0, bytes: 0, low: talliesOf(counted)[0]?.low }]);

    const { copies } = await replica.window(request({}, ScanPart.SCAN_PART_COPIES));
    expect(copies).toMatchObject([
      { kind: "record", path: "a", accepted: ballot(4), value: { kind: "live", size: 4 } },
      { kind: "record", path: "b", accepted: ballot(2), value: { kind: "tombstone" } },
    ]);
  });

  test("a damaged record is counted, told as a copy, and no row", async () => {
    const disk = new MemoryDisk();
    await put(openReplica(disk).replica, "a", 4, "four");
    const table = disk.table("records");
    const key = recordKey(files, "a").bytes;
    const bytes = Uint8Array.from(table.get(key) ?? []);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    await disk.commit([{ table, key, value: bytes }]);
    const { replica, damaged } = openReplica(disk);
    const window = await replica.window(request());
    expect(window.rows.count).toBe(0);
    expect(talliesOf(window)).toMatchObject([{ damaged: 1, files: 0 }]);
    expect((await replica.window(request({}, ScanPart.SCAN_PART_COPIES))).copies).toEqual([
      { kind: "corrupt", path: "a" },
    ]);
    expect(damaged).toContainEqual({ bucket: files, path: "a" });
  });

  test("long paths end a window before it outgrows a message", async () => {
    const { replica } = openReplica(new MemoryDisk());
    const segment = "x".repeat(1000);
    await Promise.all(Array.from({ length: 1500 }, (_, index) => put(replica, `${segment}/${index + 1000}`, 1, "")));
    const window = await replica.window(request({ limit: 65_536 }));
    expect(window.rows.paths.length).toBeLessThan(1.2 * 1024 * 1024);
    expect(window.lastPath).toBeDefined();
  });

  test("a partition that is not held is not told; another bucket is another window", async () => {
    const held = partitionOf(files, "a");
    const { replica } = openReplica(new MemoryDisk(), {
      context: { ...context, holds: (partition) => partition === held },
    });
    await put(replica, "a", 1, "");
    expect(rowsOf(await replica.window(request())).map(({ path }) => path)).toEqual(["a"]);
    expect((await replica.window(request({ bucket: scratch }))).rows.count).toBe(0);
    const elsewhere = openReplica(new MemoryDisk(), { context: { ...context, holds: () => false } });
    expect((await elsewhere.replica.window(request({ bucket: bucketId(9) }))).tallies).toHaveLength(0);
  });
});
