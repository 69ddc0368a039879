import { describe, expect, test } from "@jest/globals";
import type { Table, TableWrite } from "@quorumfs/core";
import fc from "fast-check";
import { decodeFrame, decodeMendedFrame, encodeFrame, frameAlign, type Frame } from "../../src/journal/frame.js";
import { framesToReplay } from "../../src/journal/recovery.js";

const salt = Buffer.from("8 bytes!");

function tableNamed(name: string): Table {
  return { name, get: () => undefined, range: () => [], count: () => 0 };
}

const write: fc.Arbitrary<TableWrite> = fc.record({
  table: fc.constantFrom("records", "floors", "größe").map(tableNamed),
  key: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  value: fc.option(fc.uint8Array({ maxLength: 5000 }), { nil: undefined }),
});

const plain = (writes: readonly TableWrite[]): unknown =>
  writes.map(({ table, key, value }) => [table.name, hex(key), value && hex(value)]);

const plainOf = ({ writes }: Frame): unknown =>
  writes.map(({ table, key, value }) => [
    table,
    Buffer.from(key, "latin1").toString("hex"),
    value && hex(value.frame.subarray(value.start, value.end)),
  ]);

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function frame(number: number, text = `frame ${number}`): Buffer {
  const writes = [{ table: tableNamed("t"), key: Buffer.from("k"), value: Buffer.from(text) }];
  return encodeFrame({ salt, number, writes });
}

function replay(segments: readonly Buffer[], applied = 0): number[] {
  return framesToReplay({ segments, salt, applied }).map(({ number }) => number);
}

describe("frame", () => {
  test("any writes come back as they were, from any place", () => {
    const number = fc.integer({ min: 1, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 12 }), number, fc.nat({ max: 3 }), (writes, id, pages) => {
        const encoded = encodeFrame({ salt, number: id, writes });
        expect(encoded.length % frameAlign).toBe(0);
        const offset = pages * frameAlign;
        const found = decodeFrame(Buffer.concat([Buffer.alloc(offset), encoded]), offset, salt);
        expect(found?.end).toBe(offset + encoded.length);
        expect(found?.frame.number).toBe(id);
        expect(found && plainOf(found.frame)).toEqual(plain(writes));
      }),
    );
  });

  test("a flipped bit anywhere makes it no frame", () => {
    const encoded = frame(7);
    const used = encoded.readUInt32LE(12);
    for (let bit = 0; bit < used * 8; bit += 1) {
      const damaged = Buffer.from(encoded);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeFrame(damaged, 0, salt)).toBeUndefined();
    }
  });

  test("another store's frame is none of ours", () => {
    expect(decodeFrame(frame(1), 0, Buffer.from("8 others"))).toBeUndefined();
  });
});

describe("a frame with one flipped bit", () => {
  test("is read as it was, whichever bit that is", () => {
    const encoded = frame(7);
    const used = encoded.readUInt32LE(12);
    for (let bit = 0; bit < used * 8; bit += 1) {
      const damaged = Buffer.from(encoded);
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      const found = decodeMendedFrame(Buffer.concat([Buffer.alloc(frameAlign), damaged]), frameAlign, salt);
      expect([bit, found?.frame.number, found?.end]).toEqual([bit, 7, 2 * frameAlign]);
      expect(found && plainOf(found.frame)).toEqual([["t", hex(Buffer.from("k")), hex(Buffer.from("frame 7"))]]);
    }
  });

  test("a large one as well, in any place", () => {
    const encoded = frame(7, "x".repeat(300_000));
    const used = encoded.readUInt32LE(12);
    for (let bit = 5; bit < used * 8; bit += 250_007) {
      const damaged = Buffer.from(encoded);
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeMendedFrame(damaged, 0, salt)?.frame.number).toBe(7);
    }
  });

  test("two flipped bits, or a tail that never got there, make it no frame", () => {
    const encoded = frame(7, "y".repeat(20_000));
    const twice = Buffer.from(encoded);
    for (const byte of [100, 9000]) twice[byte] = (twice[byte] ?? 0) ^ 2;
    expect(decodeMendedFrame(twice, 0, salt)).toBeUndefined();
    for (let kept = 4096; kept < encoded.length; kept += 4096) {
      const torn = Buffer.concat([encoded.subarray(0, kept), Buffer.alloc(encoded.length - kept)]);
      expect(decodeMendedFrame(torn, 0, salt)).toBeUndefined();
    }
    expect(decodeMendedFrame(encoded, 0, Buffer.from("9 bytes!"))?.frame.number).toBe(7);
    expect(decodeMendedFrame(encoded, 0, Buffer.from("other  !"))).toBeUndefined();
  });

  test("in the middle or at the end of the journal: nothing is missing", () => {
    for (const damaged of [1, 2, 3]) {
      const frames = [1, 2, 3].map((number) => frame(number));
      const one = frames[damaged - 1];
      if (one) one[40] = (one[40] ?? 0) ^ 16;
      expect(replay([Buffer.concat(frames)])).toEqual([1, 2, 3]);
    }
  });
});

describe("recovery", () => {
  test("frames of both segments, in order, without those that are applied", () => {
    const segments = [Buffer.concat([frame(4), frame(5)]), Buffer.concat([frame(2), frame(3)])];
    expect(replay(segments, 1)).toEqual([2, 3, 4, 5]);
    expect(replay(segments, 3)).toEqual([4, 5]);
    expect(replay(segments, 5)).toEqual([]);
    expect(replay([Buffer.alloc(0), Buffer.alloc(0)])).toEqual([]);
  });

  test("frames of an earlier turn, behind the newer ones in a segment, are old", () => {
    const segment = Buffer.concat([frame(9), frame(2), frame(3)]);
    expect(replay([segment], 8)).toEqual([9]);
  });

  test("the last frame was being written: it is left out, wherever it was cut", () => {
    const large = frame(3, "x".repeat(10_000));
    for (let kept = 0; kept < large.length; kept += 511) {
      const torn = Buffer.concat([large.subarray(0, kept), Buffer.alloc(large.length - kept)]);
      const isWhole = kept >= large.readUInt32LE(12);
      expect(replay([Buffer.concat([frame(1), frame(2), torn])])).toEqual(isWhole ? [1, 2, 3] : [1, 2]);
      expect(replay([Buffer.concat([frame(1), frame(2), large.subarray(0, kept)])])).toEqual(
        isWhole ? [1, 2, 3] : [1, 2],
      );
    }
  });

  test("a frame in the middle is damaged: corrupt, since the later ones were acknowledged after it", () => {
    const damaged = frame(2);
    damaged[30] = (damaged[30] ?? 0) ^ 1;
    damaged[33] = (damaged[33] ?? 0) ^ 8;
    expect(() => replay([Buffer.concat([frame(1), damaged, frame(3)])])).toThrow("lacks frame 2");
    expect(() => replay([frame(3)], 1)).toThrow(expect.objectContaining({ code: "corrupt" }));
  });

  test("a frame within a value is a value, even where frames start", () => {
    const forged = Buffer.concat([
      Buffer.alloc(frameAlign - 54),
      encodeFrame({ salt: Buffer.from("guessed!"), number: 2, writes: [] }),
    ]);
    const writes = [{ table: tableNamed("t"), key: Buffer.from("k"), value: forged }];
    const torn = encodeFrame({ salt, number: 1, writes });
    torn[0] = 0;
    expect(replay([torn])).toEqual([]);
  });
});
