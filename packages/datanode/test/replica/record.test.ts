import { crc32 } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { type Ballot, bucketId, type Content, type Value } from "@quorumfs/core";
import fc from "fast-check";
import { encodePromise, openPromise } from "../../src/replica/promise-row.js";
import { recordKey } from "../../src/replica/record-key.js";
import { contentInRecordBytesMax, encodeRecord, openRecord, type ValuedRegister } from "../../src/replica/record.js";
import { ballots, paths, values } from "./arbitraries.js";
import { plain, valueOf } from "./fixture.js";

const key = recordKey(bucketId(7), "dir/file");
const registers: fc.Arbitrary<ValuedRegister> = fc.record({ promised: ballots, accepted: ballots, value: values });

function decodedContent(register: ValuedRegister): Content | undefined {
  const { record, tableContent } = encodeRecord(key, register);
  if (register.value.kind === "tombstone") return { kind: "none" };
  return openRecord(key, record.bytes)?.checkedContent(key, tableContent ?? record.contentInRecord);
}

describe("record", () => {
  test("what is encoded is decoded", () => {
    fc.assert(
      fc.property(registers, (register) => {
        const stored = openRecord(key, encodeRecord(key, register).record.bytes);
        const value: Value = { ...register.value, content: decodedContent(register) ?? { kind: "omitted" } };
        expect(plain({ ...stored?.register, value })).toEqual(plain(register));
        expect(plain(stored?.listedValue())).toEqual(plain({ ...stored?.register.value, ring: [] }));
        expect(stored?.accepted).toEqual(register.accepted);
      }),
    );
  });

  test("any flipped bit in the header damages the record; one in the content damages the content only", () => {
    fc.assert(
      fc.property(registers, fc.nat(), fc.integer({ min: 0, max: 7 }), (register, position, bit) => {
        const { record, tableContent } = encodeRecord(key, register);
        const headerBytes = record.bytes.length - (tableContent ? 0 : contentLength(register.value));
        const bytes = Buffer.from(record.bytes);
        const at = position % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const opened = openRecord(key, bytes);
        if (at < headerBytes) expect(opened).toBeUndefined();
        else expect(opened?.checkedContent(key, opened.contentInRecord)).toBeUndefined();
      }),
    );
  });

  test("any cut, and any addition, damages the record", () => {
    const { bytes } = encodeRecord(key, { promised: b(2), accepted: b(1), value: valueOf(1) }).record;
    for (let length = 0; length < bytes.length; length += 1) {
      expect(openRecord(key, bytes.subarray(0, length))).toBeUndefined();
    }
    expect(openRecord(key, Buffer.concat([bytes, Buffer.of(0)]))).toBeUndefined();
  });

  test("a record under another file's key is damaged, and so is its content", () => {
    fc.assert(
      fc.property(registers, paths, (register, path) => {
        fc.pre(path !== "dir/file");
        const other = recordKey(bucketId(7), path);
        const { record, tableContent } = encodeRecord(key, register);
        expect(openRecord(other, record.bytes)).toBeUndefined();
        const content = tableContent ?? record.contentInRecord;
        if (content.length > 0) expect(record.checkedContent(other, content)).toBeUndefined();
      }),
    );
  });

  test("a record of a later format is not understood", () => {
    const { bytes } = encodeRecord(key, { promised: b(2), accepted: b(1), value: valueOf(1) }).record;
    const headerBytes = bytes.readUInt16LE(6);
    const seal = () => bytes.writeUInt32LE(crc32(bytes.subarray(4, headerBytes), key.seed), 0);
    seal();
    expect(openRecord(key, bytes)).toBeDefined();
    bytes[4] = 2;
    seal();
    expect(openRecord(key, bytes)).toBeUndefined();
  });

  test("no bytes have the same checksum wherever they come from", () => {
    const empty = new Uint8Array(0);
    // From here on `crc32` takes it for a null pointer.
    expect(empty.buffer.byteLength).toBe(0);
    const value: Value = { ...valueOf(1), size: 0, content: { kind: "inline", bytes: empty } };
    const { record } = encodeRecord(key, { promised: b(2), accepted: b(1), value });
    const opened = openRecord(key, Buffer.from(record.bytes));
    expect(opened?.checkedContent(key, opened.contentInRecord)).toBeDefined();
    expect(opened?.checkedContent(key, empty)).toBeDefined();
  });

  test("content above the limit gets a row of its own", () => {
    const at = encodeRecord(key, {
      promised: b(1),
      accepted: b(1),
      value: valueOf(1, "x".repeat(contentInRecordBytesMax)),
    });
    const above = encodeRecord(key, {
      promised: b(1),
      accepted: b(1),
      value: valueOf(1, "x".repeat(contentInRecordBytesMax + 1)),
    });
    expect([at.tableContent, at.record.contentInTable]).toEqual([undefined, false]);
    expect([above.tableContent?.length, above.record.contentInTable]).toEqual([contentInRecordBytesMax + 1, true]);
    expect(above.record.bytes.length).toBeLessThan(300);
  });

  test("a full ring and the largest content in the record stay within an LMDB page", () => {
    const value = valueOf(1, "x".repeat(contentInRecordBytesMax));
    const ring = Array.from({ length: 8 }, () => ({ requestId: new Uint8Array(16), counter: 2 ** 52 }));
    const { bytes } = encodeRecord(key, { promised: b(1), accepted: b(1), value: { ...value, ring } }).record;
    // Half a page of 4 KiB less the page's and the node's headers, and a path of 100 bytes.
    expect(bytes.length + 100).toBeLessThan(2038);
  });
});

describe("promise row", () => {
  test("what is encoded is decoded; any flipped bit, and another key, damage it", () => {
    fc.assert(
      fc.property(ballots, fc.nat({ max: 20 * 8 - 1 }), (promised, bit) => {
        const row = encodePromise(key, promised);
        expect(openPromise(key, row)).toEqual(promised);
        expect(openPromise(recordKey(bucketId(7), "dir/fil"), row)).toBeUndefined();
        row[bit >> 3] = (row[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(openPromise(key, row)).toBeUndefined();
      }),
    );
  });
});

function b(counter: number): Ballot {
  return { counter, node: 1, incarnation: 1 };
}

function contentLength(value: Value): number {
  return value.content.kind === "inline" || value.content.kind === "manifest" ? value.content.bytes.length : 0;
}
