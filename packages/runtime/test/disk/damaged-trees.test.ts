import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Disk, QuorumError } from "@quorumfs/core";
import { openLmdbDisk } from "@quorumfs/runtime";
import { type TemporaryDirectory, temporaryDirectory } from "../temporary-directory.js";

const pageBytes = 4096;
const headerBytes = 24;
const names = ["records", "contents", "promises"];
const rowsPerTable = 400;
// The bits that are flipped come from it.
const seed = 4711;

const keyOf = (index: number): Buffer => Buffer.from(`path/of/file-${index}`);

/** Long, short, and on pages of their own. */
const valueOf = (index: number): Buffer => Buffer.alloc(index % 17 === 0 ? 9000 : (index * 37) % 700, index);

async function fill(disk: Disk): Promise<void> {
  for (const name of names) {
    const table = disk.table(name);
    for (let index = 0; index < rowsPerTable * 2; index += 1) {
      await disk.commit([{ table, key: keyOf(index), value: valueOf(index) }]);
    }
    // Free pages, and lists of them.
    for (let index = rowsPerTable; index < rowsPerTable * 2; index += 1) {
      await disk.commit([{ table, key: keyOf(index), value: undefined }]);
    }
  }
}

/** Rows that cannot be found though nothing was said, and rows under keys that nobody wrote. */
function losses(disk: Disk): { readonly lost: number; readonly strange: number } {
  let lost = 0;
  let strange = 0;
  for (const name of names) {
    const table = disk.table(name);
    const keys = new Set<string>();
    for (let index = 0; index < rowsPerTable; index += 1) {
      keys.add(keyOf(index).toString("latin1"));
      if (!table.get(keyOf(index))) lost += 1;
    }
    for (const { key } of table.range({ start: Buffer.of(0) })) {
      if (!keys.has(Buffer.from(key).toString("latin1"))) strange += 1;
    }
  }
  return { lost, strange };
}

describe("a store with a flipped bit", () => {
  let original: TemporaryDirectory;
  let file: Buffer;

  beforeAll(async () => {
    original = await temporaryDirectory();
    const disk = openLmdbDisk({ directory: original.path, settleMs: 5 });
    await fill(disk);
    await disk.close();
    file = await readFile(join(original.path, "data.mdb"));
  });

  afterAll(() => original.remove());

  /** @returns what the store said, or what of it is lost */
  async function withBitFlipped(byte: number, bit: number): Promise<string> {
    const copy = await temporaryDirectory();
    await cp(original.path, copy.path, { recursive: true });
    const damaged = Buffer.from(file);
    damaged[byte] = (damaged[byte] ?? 0) ^ (1 << bit);
    await writeFile(join(copy.path, "data.mdb"), damaged);
    try {
      const disk = openLmdbDisk({ directory: copy.path });
      const { lost, strange } = losses(disk);
      await disk.close();
      // A bit of a row's own key: its checksum tells.
      if (lost === 1 && strange === 1) return "a row under another key";
      return lost + strange === 0 ? "nothing lost" : `${lost} lost, ${strange} strange`;
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(QuorumError);
      expect(thrown).toMatchObject({ code: "corrupt" });
      return "refused";
    } finally {
      await copy.remove();
    }
  }

  function* randomBits(count: number, byteOf: (random: number) => number): Generator<[number, number]> {
    let state = seed;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    };
    for (let index = 0; index < count; index += 1) yield [byteOf(next() / 2 ** 32), next() % 8];
  }

  const allowed = new Set(["refused", "nothing lost", "a row under another key"]);

  test.each([
    [
      "in the heads and offsets of pages",
      (random: number) => {
        const place = Math.floor(random * (file.length / pageBytes) * 64);
        return Math.floor(place / 64) * pageBytes + (place % 64);
      },
    ],
    ["anywhere", (random: number) => Math.floor(random * file.length)],
  ])(`%s, chosen from seed ${seed}: no key is lost without a word`, async (_where, byteOf) => {
    const counts = new Map<string, number>();
    for (const [byte, bit] of randomBits(60, byteOf)) {
      const outcome = await withBitFlipped(byte, bit);
      expect([byte, bit, allowed.has(outcome) || outcome]).toEqual([byte, bit, true]);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    expect(counts.get("nothing lost") ?? 0).toBeGreaterThan(0);
  });

  test("the number of a page's rows: refused, and said why", async () => {
    const leaf = leafPage();
    const lower = leaf * pageBytes + 20;
    expect(await withBitFlipped(lower, 1)).toBe("refused");
  });

  function leafPage(): number {
    const leaves = Array.from({ length: file.length / pageBytes }, (_, page) => page).filter((page) => {
      const at = page * pageBytes;
      return file.readUInt16LE(at + 18) === 2 && file.includes("path/of/file-", at + headerBytes) && isInUse(page);
    });
    const [first] = leaves;
    if (first === undefined) throw new Error("the store has rows");
    return first;
  }

  /** Branches name their children. */
  function isInUse(page: number): boolean {
    for (let at = 2 * pageBytes; at < file.length; at += pageBytes) {
      if (file.readUInt16LE(at + 18) !== 1) continue;
      for (let index = 0; index < file.readUInt16LE(at + 20) / 2; index += 1) {
        const node = at + headerBytes + file.readUInt16LE(at + headerBytes + 2 * index);
        if (file.readUInt32LE(node) === page) return true;
      }
    }
    return false;
  }
});
