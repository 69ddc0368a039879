/** What every implementation of the Disk port must do; each one's tests call {@link diskContract}. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Disk, Table, TableRange } from "@quorumfs/core";
import fc from "fast-check";

/** A place that outlives the disks that are opened on it. */
export interface DiskPlace {
  open(): Promise<Disk>;
  remove(): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const lowest = new Uint8Array([0]);

function keysOf(table: Table, range: TableRange): string[] {
  return [...table.range(range)].map(({ key }) => Buffer.from(key).toString());
}

export function diskContract(name: string, makePlace: () => Promise<DiskPlace>): void {
  describe(`${name}: Disk contract`, () => {
    let place: DiskPlace;
    let disk: Disk;

    beforeEach(async () => {
      place = await makePlace();
      disk = await place.open();
    });

    afterEach(async () => {
      await disk.close();
      await place.remove();
    });

    async function put(table: Table, ...keys: string[]): Promise<void> {
      await disk.commit(keys.map((key) => ({ table, key: bytes(key), value: bytes(`value of ${key}`) })));
    }

    test("commit: writes to several tables are there together", async () => {
      const [a, b] = [disk.table("a"), disk.table("b")];
      await disk.commit([
        { table: a, key: bytes("k"), value: bytes("1") },
        { table: b, key: bytes("k"), value: bytes("2") },
      ]);
      expect([a, b].map((table) => textOf(table.get(bytes("k"))))).toEqual(["1", "2"]);
    });

    test("commit: later writes of one commit win over earlier ones", async () => {
      const table = disk.table("a");
      const key = bytes("k");
      await disk.commit([
        { table, key, value: bytes("1") },
        { table, key, value: undefined },
        { table, key, value: bytes("3") },
      ]);
      expect(textOf(table.get(key))).toBe("3");
      await disk.commit([
        { table, key, value: bytes("4") },
        { table, key, value: undefined },
      ]);
      expect(table.get(key)).toBeUndefined();
    });

    test("commit: removing what is not there is no error", async () => {
      await expect(
        disk.commit([{ table: disk.table("a"), key: bytes("k"), value: undefined }]),
      ).resolves.toBeUndefined();
    });

    test("commit: without writes it is done at once", async () => {
      await expect(disk.commit([])).resolves.toBeUndefined();
    });

    test("commit: commits under way at once are applied in the order of their calls", async () => {
      const table = disk.table("a");
      const commits = Array.from({ length: 500 }, (_, index) =>
        disk.commit([{ table, key: bytes("k"), value: bytes(String(index)) }]),
      );
      await Promise.all(commits);
      expect(textOf(table.get(bytes("k")))).toBe("499");
    });

    test("commit: a key that is too long or empty splits nothing", async () => {
      const table = disk.table("a");
      for (const key of [new Uint8Array(0), new Uint8Array(1979)]) {
        const attempt = async (): Promise<void> =>
          disk.commit([
            { table, key: bytes("good"), value: bytes("1") },
            { table, key, value: bytes("2") },
          ]);
        await expect(attempt()).rejects.toThrow(RangeError);
      }
      await put(table, "other");
      expect(table.get(bytes("good"))).toBeUndefined();
    });

    test("values: empty, 1978-byte keys, and 300 KiB survive a reopening", async () => {
      const longKey = new Uint8Array(1978).fill(7);
      const large = new Uint8Array(300 * 1024).map((_, index) => index % 251);
      await disk.commit([
        { table: disk.table("a"), key: bytes("empty"), value: new Uint8Array(0) },
        { table: disk.table("a"), key: longKey, value: large },
      ]);
      await disk.close();
      disk = await place.open();
      expect(disk.table("a").get(bytes("empty"))).toHaveLength(0);
      expect(Buffer.compare(disk.table("a").get(longKey) ?? new Uint8Array(0), large)).toBe(0);
      expect(disk.table("a").count()).toBe(2);
    });

    test("get: the caller may keep and change what it got", async () => {
      const table = disk.table("a");
      await put(table, "x", "y");
      const kept = table.get(bytes("x"));
      kept?.fill(0);
      table.get(bytes("y"));
      expect(textOf(table.get(bytes("x")))).toBe("value of x");
      expect(kept?.every((byte) => byte === 0)).toBe(true);
    });

    test("range: starts inclusive, ends exclusive, in byte order, both ways", async () => {
      const table = disk.table("a");
      await put(table, "a", "ab", "b", "c", "ä");
      expect(keysOf(table, { start: lowest })).toEqual(["a", "ab", "b", "c", "ä"]);
      expect(keysOf(table, { start: bytes("ab"), end: bytes("c") })).toEqual(["ab", "b"]);
      expect(keysOf(table, { start: bytes("aa"), end: bytes("bb") })).toEqual(["ab", "b"]);
      expect(keysOf(table, { start: bytes("ab"), end: bytes("c"), reverse: true })).toEqual(["b", "ab"]);
      expect(keysOf(table, { start: bytes("ab"), reverse: true })).toEqual(["ä", "c", "b", "ab"]);
      expect(keysOf(table, { start: bytes("x"), end: bytes("y") })).toEqual([]);
      expect(keysOf(table, { start: bytes("c"), end: bytes("a") })).toEqual([]);
      expect(keysOf(disk.table("b"), { start: lowest })).toEqual([]);
    });

    test("range: thousands of entries, and only as far as the reader goes", async () => {
      const table = disk.table("a");
      const keys = Array.from({ length: 3000 }, (_, index) => `k${String(index).padStart(5, "0")}`);
      await put(table, ...keys);
      expect(keysOf(table, { start: lowest })).toEqual(keys);
      expect(keysOf(table, { start: lowest, reverse: true })).toEqual([...keys].reverse());
      const first: string[] = [];
      for (const { key } of table.range({ start: lowest })) {
        first.push(Buffer.from(key).toString());
        if (first.length === 1000) break;
      }
      expect(first).toEqual(keys.slice(0, 1000));
    });

    test("range: what is removed meanwhile hides nothing else", async () => {
      const table = disk.table("a");
      const keys = Array.from({ length: 2000 }, (_, index) => `k${String(index).padStart(5, "0")}`);
      await put(table, ...keys);
      const seen = new Set<string>();
      for (const { key } of table.range({ start: lowest })) {
        seen.add(Buffer.from(key).toString());
        if (seen.size % 100 === 0) await disk.commit([{ table, key: Buffer.from(key), value: undefined }]);
      }
      expect(seen.size).toBe(keys.length);
    });

    test("close: waits for running commits, and is refused work afterwards", async () => {
      const table = disk.table("a");
      const running = put(table, "late");
      const closed = disk.close();
      await running;
      await closed;
      await disk.close();
      await expect(disk.commit([{ table, key: bytes("k"), value: bytes("v") }])).rejects.toMatchObject({
        code: "unavailable",
      });
      disk = await place.open();
      expect(disk.table("a").get(bytes("late"))).toBeDefined();
    });

    test("space: free and total bytes of the volume", () => {
      const { freeBytes, totalBytes } = disk.space();
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });

    test("any sequence of commits and reopenings reads like a sorted map", async () => {
      const keyBytes = fc.uint8Array({ minLength: 1, maxLength: 3, max: 4 });
      const write = fc.record({
        key: keyBytes,
        value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
      });
      const step = fc.oneof(
        { weight: 8, arbitrary: fc.array(write, { maxLength: 8 }) },
        fc.constant("reopen" as const),
      );
      const range = fc.record({ start: keyBytes, end: fc.option(keyBytes, { nil: undefined }), reverse: fc.boolean() });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 12 }),
          fc.array(range, { maxLength: 4 }),
          async (steps, ranges) => {
            const name = `t${(run += 1) % 20}`;
            const oracle = new Map<string, string>();
            const table = (): Table => disk.table(name);
            const stale = [...table().range({ start: lowest })].map(({ key }) => ({
              table: table(),
              key,
              value: undefined,
            }));
            await disk.commit(stale);
            for (const current of steps) {
              if (current === "reopen") {
                await disk.close();
                disk = await place.open();
                continue;
              }
              await disk.commit(current.map((one) => ({ table: table(), ...one })));
              for (const { key, value } of current) {
                if (value) oracle.set(hex(key), hex(value));
                else oracle.delete(hex(key));
              }
            }
            const sorted = [...oracle].sort(([a], [b]) => (a < b ? -1 : 1));
            expect(table().count()).toBe(sorted.length);
            for (const { start, end, reverse } of ranges) {
              const wanted = sorted.filter(([key]) => key >= hex(start) && (end === undefined || key < hex(end)));
              if (reverse) wanted.reverse();
              const found = table().range({ start, reverse, ...(end && { end }) });
              expect([...found].map(({ key, value }) => [hex(key), hex(value)])).toEqual(wanted);
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  });
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}
