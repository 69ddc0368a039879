import { describe, expect, test } from "@jest/globals";
import { crc32c } from "@quorumfs/runtime";
import fc from "fast-check";

describe("CRC-32C", () => {
  // RFC 3720, B.4.
  test.each([
    ["32 zeros", Buffer.alloc(32), 0x8a9136aa],
    ["32 ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
    ["ascending", Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ["descending", Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113fdb5c],
    ["nothing", Buffer.alloc(0), 0],
    ["123456789", Buffer.from("123456789"), 0xe3069283],
  ])("the standard's own value for %s", (_what, bytes, value) => {
    expect(crc32c(bytes)).toBe(value);
  });

  test("in pieces it is the same as in one, and of a view it is that of its bytes only", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(500), fc.nat(20), (bytes, cut, margin) => {
        const inPieces = crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)));
        expect(inPieces).toBe(crc32c(bytes));
        const within = new Uint8Array(bytes.length + 2 * margin).fill(7);
        within.set(bytes, margin);
        expect(crc32c(within.subarray(margin, margin + bytes.length))).toBe(crc32c(bytes));
      }),
    );
  });

  test("it is an unsigned number", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(crc32c(bytes)).toBeGreaterThanOrEqual(0);
        expect(crc32c(bytes)).toBeLessThan(2 ** 32);
      }),
    );
  });
});
