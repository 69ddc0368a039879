import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type Ballot,
  differingSubRanges,
  DigestTable,
  fileHashOf,
  subRangeCount,
  subRangeOf,
  SubRangeSet,
} from "../../src/index.js";

const partitions = 8;

function keyOf(bucket: number, path: string): Uint8Array {
  const key = new Uint8Array(4 + path.length);
  new DataView(key.buffer).setUint32(0, bucket);
  for (let at = 0; at < path.length; at += 1) key[4 + at] = path.charCodeAt(at);
  return key;
}

const ballots: fc.Arbitrary<Ballot> = fc.record({
  counter: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  node: fc.integer({ min: 1, max: 0xffff_ffff }),
  incarnation: fc.integer({ min: 0, max: 0xffff_ffff }),
});

const records = fc.record({
  partition: fc.integer({ min: 0, max: partitions - 1 }),
  bucket: fc.integer({ min: 1, max: 3 }),
  path: fc.stringMatching(/^[a-z]{1,12}$/),
  ballot: ballots,
});

type Row = typeof records extends fc.Arbitrary<infer T> ? T : never;

function toggle(table: DigestTable, { partition, bucket, path, ballot }: Row): void {
  table.toggle(partition, fileHashOf(keyOf(bucket, path)), ballot);
}

function contents(table: DigestTable): readonly Uint8Array[] {
  return Array.from({ length: partitions }, (_, partition) => table.subRangesOf(partition));
}

describe("the digests of a set of records", () => {
  test("depend on the set alone, not on the order in which it came to be", () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 40 }), fc.array(records, { maxLength: 20 }), (kept, passing) => {
        const direct = new DigestTable(partitions);
        for (const row of kept) toggle(direct, row);
        const indirect = new DigestTable(partitions);
        for (const row of passing) toggle(indirect, row);
        for (const row of [...kept].reverse()) toggle(indirect, row);
        for (const row of passing) toggle(indirect, row);
        expect(contents(indirect)).toEqual(contents(direct));
      }),
    );
  });

  test("differ where one record differs, in its sub-range only, whatever of it does", () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 10 }), records, ballots, (others, row, ballot) => {
        fc.pre(JSON.stringify(ballot) !== JSON.stringify(row.ballot));
        const one = new DigestTable(partitions);
        const other = new DigestTable(partitions);
        for (const table of [one, other]) for (const same of others) toggle(table, same);
        toggle(one, row);
        toggle(other, { ...row, ballot });
        const { partition, bucket, path } = row;
        const differing = differingSubRanges(one.subRangesOf(partition), other.subRangesOf(partition));
        expect([...differing]).toEqual([subRangeOf(fileHashOf(keyOf(bucket, path)))]);
        expect(one.digestOf(partition)).not.toEqual(other.digestOf(partition));
        for (let at = 0; at < partitions; at += 1) {
          if (at !== partition) expect(one.digestOf(at)).toEqual(other.digestOf(at));
        }
      }),
    );
  });

  test("are those of an empty partition once it is cleared", () => {
    const table = new DigestTable(partitions);
    const row = { partition: 3, bucket: 1, path: "a", ballot: { counter: 1, node: 1, incarnation: 1 } };
    toggle(table, row);
    toggle(table, { ...row, partition: 4 });
    table.clear(3);
    expect(table.digestOf(3)).toEqual(new Uint8Array(8));
    expect(table.digestOf(4)).not.toEqual(new Uint8Array(8));
  });

  test("never change: both ends of a comparison compute them", () => {
    const table = new DigestTable(1);
    const ballot = { counter: 2 ** 40 + 7, node: 3, incarnation: 9 };
    toggle(table, { partition: 0, bucket: 1, path: "dir/file", ballot });
    expect(Buffer.from(table.digestOf(0)).toString("hex")).toMatchInlineSnapshot(`"d0d55baeccadb603"`);
    expect(subRangeOf(fileHashOf(keyOf(1, "dir/file")))).toMatchInlineSnapshot(`98`);
  });
});

test("files spread over the sub-ranges", () => {
  const counts = new Array<number>(subRangeCount).fill(0);
  const files = 64 * subRangeCount;
  for (let index = 0; index < files; index += 1) {
    const subRange = subRangeOf(fileHashOf(keyOf(1, `dir-${index % 10}/file-${index}`)));
    counts[subRange] = (counts[subRange] ?? 0) + 1;
  }
  // 64 on average; six standard deviations off would be 48.
  expect(Math.min(...counts)).toBeGreaterThan(64 - 48);
  expect(Math.max(...counts)).toBeLessThan(64 + 48);
});

describe("a set of sub-ranges", () => {
  test("survives its bit map", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: subRangeCount - 1 })), (subRanges) => {
        const set = SubRangeSet.fromBitmap(SubRangeSet.of(subRanges).toBitmap());
        expect([...set]).toEqual([...subRanges].sort((a, b) => a - b));
        expect(set.isEmpty).toBe(subRanges.length === 0);
        for (const subRange of subRanges) expect(set.has(subRange)).toBe(true);
      }),
    );
  });

  test.each([0, 31, 33])("a bit map of %d bytes is refused", (length) => {
    expect(() => SubRangeSet.fromBitmap(new Uint8Array(length))).toThrow("bit map");
  });
});
