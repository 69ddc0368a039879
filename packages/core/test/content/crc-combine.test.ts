import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { combineCrc32c } from "../../src/index.js";

/** Bit by bit, straight from the definition. */
function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffff_ffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit += 1)
      remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
  }
  return (remainder ^ 0xffff_ffff) >>> 0;
}

describe("CRC-32C of two pieces together", () => {
  test("the check value of the catalogue of CRCs, cut anywhere", () => {
    const digits = new TextEncoder().encode("123456789");
    for (let cut = 0; cut <= digits.length; cut += 1) {
      const combined = combineCrc32c(
        crc32c(digits.subarray(0, cut)),
        crc32c(digits.subarray(cut)),
        digits.length - cut,
      );
      expect(combined).toBe(0xe3069283);
    }
  });

  test("any pieces", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 3000 }), (first, second) => {
        const whole = Uint8Array.from([...first, ...second]);
        return combineCrc32c(crc32c(first), crc32c(second), second.length) === crc32c(whole);
      }),
    );
  });

  test("lengths of blocks and chunks", () => {
    for (const length of [65_536, 65_537, 1_048_576]) {
      const zeros = new Uint8Array(length);
      const whole = new Uint8Array(length + 1).fill(7, 0, 1);
      expect(combineCrc32c(crc32c(Uint8Array.of(7)), crc32c(zeros), length)).toBe(crc32c(whole));
    }
  });
});
