import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openLmdbDisk, setStoreAside } from "../src/index.js";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.js";

describe("setting a store aside", () => {
  let directory: TemporaryDirectory;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(() => directory.remove());

  const put = (round: number): ReturnType<typeof setStoreAside> => {
    mkdirSync(join(directory.path, "records"));
    writeFileSync(join(directory.path, "records", "data"), String(round));
    return setStoreAside({ dataDirectory: directory.path, store: "records" });
  };

  test("it is kept under another name, and what stands beside it stays", () => {
    mkdirSync(join(directory.path, "chunks"));
    expect(put(1)).toEqual({ directory: join(directory.path, "set-aside-1"), removed: [] });
    expect(readdirSync(directory.path).sort()).toEqual(["chunks", "set-aside-1"]);
    expect(readFileSync(join(directory.path, "set-aside-1", "data"), "utf8")).toBe("1");
  });

  test("the newest three are kept, and no number is given twice", () => {
    for (let round = 1; round <= 11; round += 1) put(round);
    expect(readdirSync(directory.path).sort()).toEqual(["set-aside-10", "set-aside-11", "set-aside-9"]);
    expect(readFileSync(join(directory.path, "set-aside-10", "data"), "utf8")).toBe("10");
  });

  test("there is none: says so", () => {
    expect(() => setStoreAside({ dataDirectory: directory.path, store: "records" })).toThrow(
      expect.objectContaining({ code: "unavailable", message: expect.stringContaining("move it away by hand") }),
    );
  });

  test("a store that was open: a new one takes its place, and the old one can still be opened", async () => {
    const path = join(directory.path, "records");
    const first = openLmdbDisk({ directory: path });
    await first.commit([{ table: first.table("t"), key: Buffer.from("k"), value: Buffer.from("v") }]);
    await first.close();
    const { directory: aside } = setStoreAside({ dataDirectory: directory.path, store: "records" });
    const second = openLmdbDisk({ directory: path });
    expect(second.table("t").get(Buffer.from("k"))).toBeUndefined();
    await second.close();
    const old = openLmdbDisk({ directory: aside });
    expect(Buffer.from(old.table("t").get(Buffer.from("k")) ?? []).toString()).toBe("v");
    await old.close();
  });
});
