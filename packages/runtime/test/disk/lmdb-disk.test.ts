import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Disk } from "@quorumfs/core";
import { type CommittedGroup, openLmdbDisk } from "@quorumfs/runtime";
import { type TemporaryDirectory, temporaryDirectory } from "../temporary-directory.js";
import { diskContract } from "./disk-contract.js";

diskContract("LMDB", async () => {
  const directory = await temporaryDirectory();
  return { open: async () => openLmdbDisk({ directory: directory.path }), remove: () => directory.remove() };
});

describe("LMDB", () => {
  test("open: a directory is used once at a time, and named with its holder", async () => {
    const directory = await temporaryDirectory();
    const disk = openLmdbDisk({ directory: directory.path });
    expect(() => openLmdbDisk({ directory: directory.path })).toThrow(`is in use by process ${process.pid}`);
    await disk.close();
    await openLmdbDisk({ directory: directory.path }).close();
    await directory.remove();
  });

  test.each([
    ["something else", Buffer.from("not a database ".repeat(1000))],
    ["the beginning of a store", Buffer.alloc(100)],
    ["nothing but zeros", Buffer.alloc(8192)],
  ])("open: %s is refused, and the directory is free again", async (_what, content) => {
    const directory = await temporaryDirectory();
    const file = join(directory.path, "data.mdb");
    await writeFile(file, content);
    expect(() => openLmdbDisk({ directory: directory.path })).toThrow("is not a store");
    await rm(file);
    await openLmdbDisk({ directory: directory.path }).close();
    await directory.remove();
  });

  test("commit: those that wait for the disk together are told of as one group", async () => {
    const directory = await temporaryDirectory();
    const groups: CommittedGroup[] = [];
    const disk = openLmdbDisk({ directory: directory.path, onCommit: (group) => groups.push(group) });
    const table = disk.table("t");
    const write = (key: string) => ({ table, key: Buffer.from(key), value: Buffer.from("value") });
    await Promise.all([disk.commit([write("a"), write("b")]), disk.commit([write("c")])]);
    await disk.commit([write("d")]);
    expect(groups.map(({ writes }) => writes)).toEqual([3, 1]);
    expect(groups.every(({ bytes, elapsedMs }) => bytes > 0 && elapsedMs >= 0)).toBe(true);
    await disk.close();
    await directory.remove();
  });

  test("open: an empty file becomes a store", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory.path, "data.mdb"), "");
    await openLmdbDisk({ directory: directory.path }).close();
    await directory.remove();
  });
});

describe("LMDB: crash", () => {
  // Only what fills the journal goes into the tables: nothing is under way behind a test's back.
  const never = 2 ** 30;

  const value = (text: string): Buffer => Buffer.from(text.repeat(100));

  /** What kill -9 leaves behind, while nothing is under way: the files as they are. */
  async function crashImage(directory: TemporaryDirectory): Promise<TemporaryDirectory> {
    const image = await copyOf(directory);
    await rm(join(image.path, "LOCK"));
    return image;
  }

  async function copyOf(image: TemporaryDirectory): Promise<TemporaryDirectory> {
    const copy = await temporaryDirectory();
    await cp(image.path, copy.path, { recursive: true });
    return copy;
  }

  async function started(): Promise<{
    directory: TemporaryDirectory;
    disk: Disk;
    put: (key: string) => Promise<void>;
  }> {
    const directory = await temporaryDirectory();
    const disk = openLmdbDisk({ directory: directory.path, settleMs: never });
    const table = disk.table("t");
    return { directory, disk, put: (key) => disk.commit([{ table, key: Buffer.from(key), value: value(key) }]) };
  }

  function holds(disk: Disk, key: string): boolean {
    return Buffer.compare(disk.table("t").get(Buffer.from(key)) ?? Buffer.alloc(0), value(key)) === 0;
  }

  test("what was acknowledged is there, though nothing was closed, and again after a second crash", async () => {
    const { directory, disk, put } = await started();
    for (let index = 0; index < 50; index += 1) await put(`k${index}`);
    const image = await crashImage(directory);
    await disk.close();
    const second = openLmdbDisk({ directory: image.path, settleMs: never });
    for (let index = 0; index < 50; index += 1) expect(holds(second, `k${index}`)).toBe(true);
    await second.commit([{ table: second.table("t"), key: Buffer.from("k0"), value: undefined }]);
    const third = await crashImage(image);
    await second.close();
    const disk3 = openLmdbDisk({ directory: third.path });
    expect(holds(disk3, "k0")).toBe(false);
    expect(holds(disk3, "k49")).toBe(true);
    expect(disk3.table("t").count()).toBe(49);
    await disk3.close();
    for (const one of [directory, image, third]) await one.remove();
  });

  test("cut anywhere in the journal, as by a lost cable: a beginning of what was committed, in order", async () => {
    const { directory, disk, put } = await started();
    for (let index = 0; index < 12; index += 1) await put(`k${index}`);
    const image = await crashImage(directory);
    await disk.close();
    const journal = await readFile(join(image.path, "journal-0"));
    for (let kept = 0; kept <= journal.length; kept += 2048) {
      const cut = await copyOf(image);
      await truncate(join(cut.path, "journal-0"), kept);
      const reopened = openLmdbDisk({ directory: cut.path });
      const found = Array.from({ length: 12 }, (_, index) => holds(reopened, `k${index}`));
      expect(found.lastIndexOf(true)).toBe(found.filter(Boolean).length - 1);
      expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(Math.floor(kept / 4096));
      await reopened.close();
      await cut.remove();
    }
    for (const one of [directory, image]) await one.remove();
  });

  test("a flipped bit in the journal is put right; two in a frame behind which there are others: refused", async () => {
    const { directory, disk, put } = await started();
    for (let index = 0; index < 5; index += 1) await put(`k${index}`);
    const image = await crashImage(directory);
    await disk.close();
    const path = join(image.path, "journal-0");
    const journal = await readFile(path);
    for (const frame of [2, 4]) journal[frame * 4096 + 100] = (journal[frame * 4096 + 100] ?? 0) ^ 4;
    await writeFile(path, journal);
    const copy = await copyOf(image);
    const reopened = openLmdbDisk({ directory: copy.path });
    for (let index = 0; index < 5; index += 1) expect(holds(reopened, `k${index}`)).toBe(true);
    await reopened.close();
    journal[2 * 4096 + 200] = (journal[2 * 4096 + 200] ?? 0) ^ 4;
    await writeFile(path, journal);
    expect(() => openLmdbDisk({ directory: image.path })).toThrow(expect.objectContaining({ code: "corrupt" }));
    for (const one of [directory, image, copy]) await one.remove();
  });

  test("many times the journal's size, in large and small commits, crashed and reopened", async () => {
    const { directory, disk } = await started();
    const table = disk.table("t");
    const large = Buffer.alloc(100_000, 1);
    const commits: Promise<void>[] = [];
    for (let index = 0; index < 400; index += 1) {
      const key = Buffer.from(`k${index % 150}`);
      commits.push(disk.commit([{ table, key, value: Buffer.concat([large, Buffer.from(String(index))]) }]));
      if (index % 7 === 0) await commits.at(-1);
      const seen = table.get(Buffer.from("k0"));
      if (index > 0) expect(seen).toBeDefined();
    }
    await Promise.all(commits);
    await disk.close();
    const reopened = openLmdbDisk({ directory: directory.path });
    for (let index = 250; index < 400; index += 1) {
      const found = Buffer.from(reopened.table("t").get(Buffer.from(`k${index % 150}`)) ?? []);
      expect(found.subarray(large.length).toString()).toBe(String(index));
    }
    await reopened.close();
    await directory.remove();
  });

  test("one commit larger than a segment", async () => {
    const { directory, disk } = await started();
    const table = disk.table("t");
    const writes = Array.from({ length: 200 }, (_, index) => ({
      table,
      key: Buffer.from(`k${index}`),
      value: Buffer.alloc(100_000, index),
    }));
    await disk.commit(writes);
    await disk.commit([{ table, key: Buffer.from("after"), value: Buffer.from("x") }]);
    const image = await crashImage(directory);
    await disk.close();
    const reopened = openLmdbDisk({ directory: image.path });
    expect(reopened.table("t").count()).toBe(201);
    expect(reopened.table("t").get(Buffer.from("k199"))?.[99_999]).toBe(199);
    await reopened.close();
    for (const one of [directory, image]) await one.remove();
  });
});
