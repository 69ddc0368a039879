import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Disk, type Log, type LogFields, QuorumError } from "@quorumfs/core";
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

class WarningLog implements Log {
  readonly warnings: unknown[] = [];

  warn(event: string, fields: LogFields = {}): void {
    this.warnings.push([event, fields["page"], fields["bit"]]);
  }

  error(): void {}
  info(): void {}
  debug(): void {}

  child(): Log {
    return this;
  }
}

describe("a store with a flipped bit", () => {
  let original: TemporaryDirectory;
  let file: Buffer;
  let parents: ReadonlyMap<number, number>;

  beforeAll(async () => {
    original = await temporaryDirectory();
    const disk = openLmdbDisk({ directory: original.path, settleMs: 5 });
    await fill(disk);
    await disk.close();
    file = await readFile(join(original.path, "data.mdb"));
    parents = childrenIn(file);
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
      const log = new WarningLog();
      const disk = openLmdbDisk({ directory: copy.path, log });
      const { lost, strange } = losses(disk);
      await disk.close();
      if (log.warnings.length > 0) {
        expect([lost, strange]).toEqual([0, 0]);
        expect(log.warnings).toEqual([
          ["store.bit-put-right", Math.floor(byte / pageBytes), (byte % pageBytes) * 8 + bit],
        ]);
        return "put right";
      }
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

  async function withEachBitFlipped(byte: number): Promise<readonly string[]> {
    const outcomes: string[] = [];
    for (let bit = 0; bit < 8; bit += 1) outcomes.push(await withBitFlipped(byte, bit));
    return outcomes;
  }

  function* randomBits(count: number, byteOf: (random: number) => number): Generator<[number, number]> {
    let state = seed;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    };
    for (let index = 0; index < count; index += 1) yield [byteOf(next() / 2 ** 32), next() % 8];
  }

  const allowed = new Set(["put right", "refused", "nothing lost", "a row under another key"]);

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
    for (const [byte, bit] of randomBits(30, byteOf)) {
      const outcome = await withBitFlipped(byte, bit);
      expect([byte, bit, allowed.has(outcome) || outcome]).toEqual([byte, bit, true]);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    expect(counts.get("nothing lost") ?? 0).toBeGreaterThan(0);
  });

  test.each([
    ["its number", 3],
    ["its transaction", 11],
    ["its kind", 18],
    ["how many rows there are", 20],
    ["where the rows begin", 22],
    ["where one of them is", 24],
  ])("in a leaf, %s: put right", async (_what, offset) => {
    expect(await withBitFlipped(leafPage() * pageBytes + offset, 1)).toBe("put right");
  });

  // Which pages there are beside it depends on which writes were settled together; a bit may have several solutions then.
  test("in a branch, its child: nothing is lost without a word, and most are put right", async () => {
    const { node } = parentOf(leafPage());
    const outcomes = await withEachBitFlipped(node);
    expect(outcomes.filter((outcome) => outcome !== "put right" && outcome !== "refused")).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === "put right").length).toBeGreaterThan(outcomes.length / 2);
  });

  test("in a branch, the beginning of its child's range: nothing is lost without a word", async () => {
    const { node } = parentOf(leafPage());
    const outcomes = await withEachBitFlipped(node + 8 + 3);
    expect(outcomes.filter((outcome) => !["put right", "nothing lost", "refused"].includes(outcome))).toEqual([]);
  });

  test("two bits: refused, and said why", async () => {
    const leaf = leafPage() * pageBytes;
    const before = file;
    file = Buffer.from(file);
    file[leaf + 22] = (file[leaf + 22] ?? 0) ^ 4;
    try {
      expect(await withBitFlipped(leaf + 20, 2)).toBe("refused");
    } finally {
      file = before;
    }
  });

  /** The last leaf of a branch: what comes before it in the branch has a key. */
  function leafPage(): number {
    for (let page = Math.floor(file.length / pageBytes) - 1; page > 1; page -= 1) {
      const at = page * pageBytes;
      const isLeaf = file.readUInt16LE(at + 18) === 2;
      if (isLeaf && parents.has(page)) return page;
    }
    throw new Error("the store has a branch with leaves");
  }

  function parentOf(page: number): { readonly node: number } {
    const node = parents.get(page);
    if (node === undefined) throw new Error(`page ${page} has no branch above it`);
    return { node };
  }
});

/** Where branches that are in use name their children; the first child of each aside. */
function childrenIn(file: Buffer): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  const root = newestRoots(file);
  for (const branch of root) {
    const at = branch * pageBytes;
    if (file.readUInt16LE(at + 18) !== 1) continue;
    for (let index = 1; index < file.readUInt16LE(at + 20) / 2; index += 1) {
      const node = at + headerBytes + file.readUInt16LE(at + headerBytes + 2 * index);
      parents.set(file.readUInt32LE(node), node);
    }
  }
  return parents;
}

/** Of the tables: the table of tables is one leaf. */
function newestRoots(file: Buffer): readonly number[] {
  const metas = [0, 1].map((page) => page * pageBytes + headerBytes);
  const txnOf = (meta: number) => file.readUInt32LE(meta + 128);
  const newest = metas.sort((a, b) => txnOf(b) - txnOf(a))[0] ?? 0;
  const main = file.readUInt32LE(newest + 72 + 40) * pageBytes;
  return Array.from({ length: file.readUInt16LE(main + 20) / 2 }, (_, index) => {
    const node = main + headerBytes + file.readUInt16LE(main + headerBytes + 2 * index);
    return file.readUInt32LE(node + 8 + file.readUInt16LE(node + 6) + 40);
  });
}
