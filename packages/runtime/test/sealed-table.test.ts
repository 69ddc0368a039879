import { beforeEach, describe, expect, test } from "@jest/globals";
import { SealedTable } from "@quorumfs/runtime";
import { MemoryDisk } from "./disk/memory-disk.js";

const key = Buffer.from("incarnation");
const value = Buffer.from("1234567");
const other = Buffer.from("member");

let disk: MemoryDisk;
let sealed: SealedTable;

beforeEach(async () => {
  disk = new MemoryDisk();
  sealed = new SealedTable(disk.table("node"));
  await disk.commit([sealed.write(key, value), sealed.write(other, Buffer.from("7 cluster"))]);
});

const plain = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();
const flipped = (bytes: Uint8Array, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

describe("a sealed table", () => {
  test("rows come back, and are gone when they are removed", async () => {
    expect(plain(sealed.get(key))).toBe("1234567");
    expect(sealed.entries().map((entry) => [plain(entry.key), plain(entry.value)])).toEqual([
      ["incarnation", "1234567"],
      ["member", "7 cluster"],
    ]);
    await disk.commit([sealed.write(key, undefined)]);
    expect(sealed.get(key)).toBeUndefined();
  });

  test("a flipped bit anywhere in a row: as if it had not flipped", async () => {
    const table = disk.table("node");
    const row = Buffer.from(table.get(key) ?? []);
    for (let bit = 0; bit < row.length * 8; bit += 1) {
      await disk.commit([{ table, key, value: flipped(row, bit) }]);
      expect([bit, plain(sealed.get(key))]).toEqual([bit, "1234567"]);
      expect(sealed.entries().map((entry) => plain(entry.value))).toEqual(["1234567", "7 cluster"]);
    }
  });

  test("a flipped bit anywhere in a key: as if it had not flipped", async () => {
    const table = disk.table("node");
    const row = Buffer.from(table.get(key) ?? []);
    for (let bit = 0; bit < key.length * 8; bit += 1) {
      const strange = flipped(key, bit);
      await disk.commit([
        { table, key, value: undefined },
        { table, key: strange, value: row },
      ]);
      expect([bit, plain(sealed.get(key))]).toEqual([bit, "1234567"]);
      const entries = sealed.entries().map((entry) => [plain(entry.key), plain(entry.value)]);
      expect(entries).toContainEqual(["incarnation", "1234567"]);
      expect(entries).toHaveLength(2);
      await disk.commit([{ table, key: strange, value: undefined }]);
    }
  });

  describe.each([
    ["of its own", () => new Uint8Array(0)],
    ["encoded from no text", () => new TextEncoder().encode("")],
    ["over no memory", () => Buffer.from(new ArrayBuffer(0))],
  ])("an empty value, %s", (_, empty) => {
    beforeEach(() => disk.commit([sealed.write(key, empty())]));

    test("comes back empty", () => {
      expect(sealed.get(key)).toHaveLength(0);
      expect(sealed.entries().map((entry) => plain(entry.value))).toEqual(["", "7 cluster"]);
    });

    test("a flipped bit of its checksum or its key: as if it had not flipped", async () => {
      const table = disk.table("node");
      const row = Buffer.from(table.get(key) ?? []);
      for (let bit = 0; bit < row.length * 8; bit += 1) {
        await disk.commit([{ table, key, value: flipped(row, bit) }]);
        expect([bit, plain(sealed.get(key))]).toEqual([bit, ""]);
      }
      await disk.commit([
        { table, key, value: undefined },
        { table, key: flipped(key, 3), value: row },
      ]);
      expect(plain(sealed.get(key))).toBe("");
      expect(sealed.entries().map((entry) => plain(entry.key))).toContain("incarnation");
    });

    test("the checksum of another key's empty value: refused", async () => {
      const table = disk.table("node");
      await disk.commit([sealed.write(other, empty())]);
      await disk.commit([{ table, key, value: Buffer.from(table.get(other) ?? []) }]);
      expect(() => sealed.get(key)).toThrow(expect.objectContaining({ code: "corrupt" }));
    });
  });

  test("what was written anew counts, whatever lies beside it", async () => {
    const table = disk.table("node");
    const row = Buffer.from(table.get(key) ?? []);
    await disk.commit([{ table, key: flipped(key, 3), value: row }, sealed.write(key, Buffer.from("1234568"))]);
    expect(plain(sealed.get(key))).toBe("1234568");
    expect(sealed.entries().map((entry) => plain(entry.value))).toEqual(["1234568", "7 cluster"]);
  });

  test("two flipped bits, or a row that was never sealed: refused", async () => {
    const table = disk.table("node");
    const row = Buffer.from(table.get(key) ?? []);
    for (const damaged of [flipped(flipped(row, 3), 40), Buffer.from("?"), Buffer.from("never sealed")]) {
      await disk.commit([{ table, key, value: damaged }]);
      expect(() => sealed.get(key)).toThrow(expect.objectContaining({ code: "corrupt" }));
      expect(() => sealed.entries()).toThrow(expect.objectContaining({ code: "corrupt" }));
    }
  });
});
