import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { openLmdbDisk } from "@quorumfs/runtime";
import { temporaryDirectory } from "../temporary-directory.js";
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

  test("open: an empty file becomes a store", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory.path, "data.mdb"), "");
    await openLmdbDisk({ directory: directory.path }).close();
    await directory.remove();
  });
});
