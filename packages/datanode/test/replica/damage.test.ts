import { describe, expect, test } from "@jest/globals";
import { type BucketId, ceilingStride, type Disk } from "@quorumfs/core";
import { bucketOfKey, pathOfKey, recordKey } from "../../src/replica/record-key.js";
import {
  accept,
  ask,
  ballot,
  contentOf,
  files,
  openReplica,
  prepare,
  read,
  readContent,
  type Subject,
  tombstoneOf,
  valueOf,
} from "./fixture.js";
import { TestStore } from "./lmdb.js";

const store = new TestStore();
const corrupt = { kind: "corrupt" };

/** A replica on a store in which one bit of a row was flipped while it was closed. */
async function withFlippedBit(options: {
  readonly prepare: (subject: Subject) => Promise<unknown>;
  readonly table: string;
  readonly path: string;
  /** Negative: from the end. */
  readonly byte: number;
}): Promise<{ subject: Subject; disk: Disk }> {
  const subject = openReplica(await store.reopen());
  await options.prepare(subject);
  await subject.replica.close();
  const disk = await store.reopen();
  await flip(disk, options);
  return { subject: openReplica(disk), disk };
}

async function flip(disk: Disk, options: { table: string; path: string; byte: number }): Promise<void> {
  const table = disk.table(options.table);
  const key = recordKey(files, options.path).bytes;
  const row = table.get(key);
  if (!row) throw new Error(`${options.table} has no row for ${options.path}`);
  const at = options.byte < 0 ? row.length + options.byte : options.byte;
  row[at] = (row[at] ?? 0) ^ 0x10;
  await disk.commit([{ table, key, value: row }]);
}

describe("a flipped bit in a record", () => {
  test.each([0, 5, 9, 30, 60, 90])("byte %i: the replica abstains from everything, and says so", async (byte) => {
    const { subject } = await withFlippedBit({
      prepare: ({ replica }) => ask(replica, "a", accept(3)),
      table: "records",
      path: "a",
      byte,
    });
    const { replica, damaged } = subject;
    const erase = { kind: "erase", ballot: ballot(3) } as const;
    for (const request of [read, readContent, prepare(9), accept(9), erase]) {
      expect(await ask(replica, "a", request)).toEqual(corrupt);
    }
    expect(damaged).toEqual([{ bucket: files, path: "a" }]);
    expect(replica.damageCount).toBe(1);
    // Whoever coordinates here begins above all that this node can have promised.
    expect(replica.counterHint(files, "a")).toBe(ceilingStride);
  });

  test("a vote above the ceiling takes the record's place; one at the ceiling does not", async () => {
    const { subject, disk } = await withFlippedBit({
      prepare: ({ replica }) => ask(replica, "a", accept(3, valueOf(3, "x".repeat(5000)))),
      table: "records",
      path: "a",
      byte: 30,
    });
    const { replica } = subject;
    expect(await replica.check({ bucket: files, path: "a" })).toBe("damaged");
    expect(await ask(replica, "a", accept(ceilingStride))).toEqual(corrupt);
    expect(await ask(replica, "a", accept(ceilingStride + 1))).toEqual({ kind: "ok" });
    expect(contentOf(await ask(replica, "a", readContent))).toBe(`content ${ceilingStride + 1}`);
    expect(await ask(replica, "a", accept(4))).toMatchObject({ kind: "nack" });
    expect(await replica.check({ bucket: files, path: "a" })).toBe("sound");
    // The content of what was forgotten is gone as well.
    expect(disk.table("contents").get(recordKey(files, "a").bytes)).toBeUndefined();
  });

  test("a promise of another file raises the ceiling, in the same commit", async () => {
    const { subject } = await withFlippedBit({
      prepare: async ({ replica }) => {
        await ask(replica, "a", accept(3));
        await ask(replica, "b", prepare(5 * ceilingStride));
      },
      table: "records",
      path: "a",
      byte: 30,
    });
    expect(await ask(subject.replica, "a", accept(5 * ceilingStride))).toEqual(corrupt);
    expect(await ask(subject.replica, "a", accept(5 * ceilingStride + 1))).toEqual({ kind: "ok" });
  });

  test("the ceiling's row is damaged too: the replica goes on abstaining, whatever else it votes for", async () => {
    const { disk } = await withFlippedBit({
      prepare: ({ replica }) => ask(replica, "a", accept(3)),
      table: "records",
      path: "a",
      byte: 30,
    });
    await disk.commit([{ table: disk.table("replica"), key: Buffer.from("ceiling"), value: Buffer.alloc(12) }]);
    for (let start = 0; start < 2; start += 1) {
      const { replica } = openReplica(disk);
      expect(await ask(replica, "b", accept(start + 1))).toEqual({ kind: "ok" });
      expect(await ask(replica, "a", accept(2 ** 31))).toEqual(corrupt);
      expect(replica.counterHint(files, "a")).toBe(0);
    }
  });

  test("the ceiling's row alone is damaged: it is made from records and promises, and kept", async () => {
    const disk = await store.reopen();
    const { replica } = openReplica(disk);
    await ask(replica, "a", accept(3));
    await ask(replica, "b", accept(4));
    await ask(replica, "b", prepare(5 * ceilingStride));
    await disk.commit([{ table: disk.table("replica"), key: Buffer.from("ceiling"), value: undefined }]);
    await openReplica(disk).replica.close();
    await flip(disk, { table: "records", path: "a", byte: 30 });
    expect(openReplica(disk).replica.counterHint(files, "a")).toBe(5 * ceilingStride);
  });

  test("a file that was taken for lost although it can be read is known again after a check", async () => {
    const { replica } = openReplica(await store.reopen());
    await ask(replica, "a", accept(3));
    await replica.abandon({ bucket: files, path: "a" });
    expect(await ask(replica, "a", read)).toEqual(corrupt);
    expect(await replica.check({ bucket: files, path: "a" })).toBe("sound");
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: ballot(3) });
    expect(await replica.check({ bucket: files, path: "other" })).toBe("absent");
  });

  test("a page flags the record and shows the others", async () => {
    const { subject } = await withFlippedBit({
      prepare: ({ replica }) => Promise.all(["a", "b", "c"].map((path) => ask(replica, path, accept(1)))),
      table: "records",
      path: "b",
      byte: 44,
    });
    const page = await subject.replica.rangeRead({ bucket: files, prefix: "", after: "", limit: 10 });
    expect(page.entries).toMatchObject([
      { kind: "record", path: "a" },
      { kind: "corrupt", path: "b" },
      { kind: "record", path: "c" },
    ]);
    expect(subject.damaged).toEqual([{ bucket: files, path: "b" }]);
  });
});

describe("a flipped bit in content", () => {
  test.each([
    ["within the record", "records", 100],
    ["in its own row", "contents", 60_000],
  ])("%s: the replica still votes, and offers no copy", async (_where, table, size) => {
    const { subject } = await withFlippedBit({
      prepare: ({ replica }) => ask(replica, "a", accept(3, valueOf(3, "x".repeat(size)))),
      table,
      path: "a",
      byte: -7,
    });
    const { replica, damaged } = subject;
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: ballot(3) });
    expect(await ask(replica, "a", readContent)).toEqual(corrupt);
    expect(damaged).toEqual([{ bucket: files, path: "a" }]);
    expect(await ask(replica, "a", accept(4))).toEqual({ kind: "ok" });
    expect(contentOf(await ask(replica, "a", readContent))).toBe("content 4");
  });

  test("content that is missing from its table", async () => {
    const disk = await store.reopen();
    const { replica } = openReplica(disk);
    await ask(replica, "a", accept(1, valueOf(1, "x".repeat(5000))));
    await disk.commit([{ table: disk.table("contents"), key: recordKey(files, "a").bytes, value: undefined }]);
    expect(await ask(replica, "a", readContent)).toEqual(corrupt);
    expect(await ask(replica, "a", read)).toMatchObject({ accepted: ballot(1) });
  });
});

test("a flipped bit in a promise: taken for the highest that this node can have given", async () => {
  const { subject } = await withFlippedBit({
    prepare: async ({ replica }) => {
      await ask(replica, "a", accept(3));
      await ask(replica, "a", prepare(5));
    },
    table: "promises",
    path: "a",
    byte: 2,
  });
  const { replica, damaged } = subject;
  expect(await ask(replica, "a", read)).toMatchObject({ accepted: ballot(3) });
  expect(await ask(replica, "a", accept(ceilingStride))).toMatchObject({ kind: "nack" });
  expect(await ask(replica, "a", prepare(ceilingStride))).toMatchObject({ kind: "nack" });
  expect(damaged).toHaveLength(1);
  expect(await replica.check({ bucket: files, path: "a" })).toBe("damaged");
  expect(await ask(replica, "a", prepare(ceilingStride + 1))).toMatchObject({ accepted: ballot(3) });
  expect(await replica.check({ bucket: files, path: "a" })).toBe("sound");
});

test("flipped bits in a promise and in its record: both are replaced", async () => {
  const { disk } = await withFlippedBit({
    prepare: async ({ replica }) => {
      await ask(replica, "a", accept(3));
      await ask(replica, "a", prepare(5));
    },
    table: "promises",
    path: "a",
    byte: 2,
  });
  await flip(disk, { table: "records", path: "a", byte: 30 });
  const { replica } = openReplica(disk);
  expect(await ask(replica, "a", accept(ceilingStride))).toEqual(corrupt);
  expect(await ask(replica, "a", accept(ceilingStride + 1))).toEqual({ kind: "ok" });
  expect(await replica.check({ bucket: files, path: "a" })).toBe("sound");
  expect(disk.table("promises").count()).toBe(0);
});

test("a record that lies under another file's key is damaged, not that file's", async () => {
  const disk = await store.reopen();
  const { replica } = openReplica(disk);
  await ask(replica, "a", accept(3));
  const records = disk.table("records");
  await disk.commit([
    { table: records, key: recordKey(files, "b").bytes, value: records.get(recordKey(files, "a").bytes) },
  ]);
  expect(await ask(replica, "b", read)).toEqual(corrupt);
});

test("a flipped bit in a partition's floor: the ceiling takes its place, for good", async () => {
  const { replica } = openReplica(await store.reopen());
  await ask(replica, "a", accept(3, tombstoneOf(3)));
  await ask(replica, "a", { kind: "erase", ballot: ballot(3) });
  await replica.close();
  const disk = await store.reopen();
  const table = disk.table("floors");
  const [row] = [...table.range({ start: new Uint8Array(4) })].map(({ key, value }) => ({
    key: Buffer.from(key),
    value: Buffer.from(value),
  }));
  if (!row) throw new Error("no floor was stored");
  row.value[3] = (row.value[3] ?? 0) ^ 1;
  await disk.commit([{ table, ...row }]);
  expect(await ask(openReplica(disk).replica, "a", read)).toMatchObject({ floor: ceilingStride });
  await disk.commit([{ table: disk.table("replica"), key: Buffer.from("ceiling"), value: undefined }]);
  expect(await ask(openReplica(disk).replica, "a", read)).toMatchObject({ floor: ceilingStride });
});

test("flipped bits in a floor and in the ceiling: nothing is said about the partition's files", async () => {
  const { replica } = openReplica(await store.reopen());
  await ask(replica, "a", accept(3, tombstoneOf(3)));
  await ask(replica, "a", { kind: "erase", ballot: ballot(3) });
  await replica.close();
  const disk = await store.reopen();
  const table = disk.table("floors");
  for (const { key } of [...table.range({ start: new Uint8Array(4) })]) {
    await disk.commit([{ table, key: Buffer.from(key), value: Buffer.alloc(12, 1) }]);
  }
  await disk.commit([{ table: disk.table("replica"), key: Buffer.from("ceiling"), value: Buffer.alloc(12, 1) }]);
  expect(await ask(openReplica(disk).replica, "a", read)).toEqual(corrupt);
});

describe("a flipped bit in a row's key", () => {
  const path = "some/where";

  /** As a bit that flips on the disk does: the row lies under another key, and nothing else has changed. */
  async function misplace(
    disk: Disk,
    at: { table: string; byte: number; mask: number },
  ): Promise<{ bucket: BucketId; path: string }> {
    const table = disk.table(at.table);
    const key = recordKey(files, path).bytes;
    const strange = Buffer.from(key);
    strange[at.byte] = (strange[at.byte] ?? 0) ^ at.mask;
    const value = table.get(key);
    await disk.commit([
      { table, key, value: undefined },
      { table, key: strange, value },
    ]);
    return { bucket: bucketOfKey(strange), path: pathOfKey(strange) };
  }

  test.each([
    ["of the path", 7, 1],
    ["that makes it no text", 9, 0x80],
    ["of the bucket", 2, 4],
  ])("%s: the record is put back, and nothing is left where it was", async (_what, byte, mask) => {
    const disk = await store.reopen();
    const first = openReplica(disk);
    await ask(first.replica, path, accept(3, valueOf(3, "x".repeat(5000))));
    await ask(first.replica, path, prepare(5));
    await first.replica.close();
    const found = await misplace(disk, { table: "records", byte, mask });
    const { replica } = openReplica(disk);
    expect(await replica.rescue(found)).toBe(true);
    expect(contentOf(await ask(replica, path, readContent))).toBe("x".repeat(5000));
    expect(await ask(replica, path, prepare(5))).toMatchObject({ kind: "nack", promised: ballot(5) });
    expect(await replica.check({ bucket: files, path })).toBe("sound");
    expect(replica.recordCount).toBe(1);
    expect(await replica.rescue(found)).toBe(false);
    await replica.close();
    expect(await ask(openReplica(disk).replica, path, read)).toMatchObject({ accepted: ballot(3) });
  });

  test("a promise is put back, too", async () => {
    const disk = await store.reopen();
    const first = openReplica(disk);
    await ask(first.replica, path, accept(3));
    await ask(first.replica, path, prepare(9));
    await first.replica.close();
    const found = await misplace(disk, { table: "promises", byte: 8, mask: 2 });
    const { replica } = openReplica(disk);
    expect(await ask(replica, found.path, read)).toMatchObject({ value: undefined });
    expect(await replica.rescue(found)).toBe(true);
    expect(await ask(replica, path, accept(8))).toMatchObject({ kind: "nack", promised: ballot(9) });
    expect(await ask(replica, path, accept(9))).toEqual({ kind: "ok" });
    expect(disk.table("promises").count()).toBe(0);
  });

  test("what was written since counts: the row goes, and nothing comes back", async () => {
    const disk = await store.reopen();
    const first = openReplica(disk);
    await ask(first.replica, path, accept(3));
    await first.replica.close();
    const found = await misplace(disk, { table: "records", byte: 7, mask: 1 });
    const { replica } = openReplica(disk);
    expect(await ask(replica, path, accept(7))).toEqual({ kind: "ok" });
    expect(await replica.rescue(found)).toBe(true);
    expect(await ask(replica, path, read)).toMatchObject({ accepted: ballot(7) });
    expect(replica.recordCount).toBe(1);
  });

  test("a promise made since is kept by the record that comes back", async () => {
    const disk = await store.reopen();
    const first = openReplica(disk);
    await ask(first.replica, path, accept(3));
    await first.replica.close();
    const found = await misplace(disk, { table: "records", byte: 7, mask: 1 });
    const { replica } = openReplica(disk);
    await ask(replica, path, prepare(7));
    expect(await replica.rescue(found)).toBe(true);
    expect(await ask(replica, path, accept(6))).toMatchObject({ kind: "nack", promised: ballot(7) });
    expect(await ask(replica, path, read)).toMatchObject({ accepted: ballot(3) });
  });

  test("a row that is damaged itself is nobody else's", async () => {
    const { subject } = await withFlippedBit({
      prepare: ({ replica }) => ask(replica, "a", accept(3)),
      table: "records",
      path: "a",
      byte: 30,
    });
    expect(await subject.replica.rescue({ bucket: files, path: "a" })).toBe(false);
    expect(await ask(subject.replica, "a", read)).toEqual(corrupt);
  });
});
