import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { eachUtf8Byte, utf8Length } from "../../src/file/utf8.js";

const anyText = fc.string({ unit: "binary" });
// Where the number of bytes changes.
const edges = ["\0", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "\u{10000}", "\u{10ffff}"];

describe("UTF-8", () => {
  test("length and bytes are those of Node's encoder", () => {
    const check = (text: string) => {
      const bytes: number[] = [];
      eachUtf8Byte(text, (byte) => bytes.push(byte));
      expect(bytes).toEqual([...Buffer.from(text)]);
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    };
    for (const edge of edges) check(edge);
    fc.assert(fc.property(anyText, (text) => check(text)));
  });

  test("a lone surrogate takes three bytes, as its replacement does", () => {
    expect(utf8Length("\ud800")).toBe(Buffer.byteLength("\ud800"));
  });
});
