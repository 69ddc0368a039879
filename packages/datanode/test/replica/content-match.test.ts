import { describe, expect, test } from "@jest/globals";
import { chunkBytesMax, type Content, type Value } from "@quorumfs/core";
import { encodeManifest } from "@quorumfs/runtime";
import { checkContentIsWhole, contentIsWhole } from "../../src/replica/content-match.js";
import { tombstoneOf, valueOf } from "./fixture.js";

const size = 2 * chunkBytesMax - 5;
const extent = {
  upload: new Uint8Array(16),
  first: 0,
  chunkBytes: chunkBytesMax,
  lastBytes: chunkBytesMax - 5,
  checksums: [1, 2],
};
const manifest = encodeManifest({ extents: [extent], hashState: new Uint8Array(0) });
const flipped = Uint8Array.from(manifest, (byte, index) => (index === 30 ? byte ^ 1 : byte));

function large(content: Content, ofSize = size): Value {
  return { ...valueOf(5), size: ofSize, content };
}

describe("content that comes with a value", () => {
  const whole: readonly (readonly [string, Value])[] = [
    ["bytes with the SHA-256 that the value names", valueOf(5)],
    ["a manifest that adds up to the value's size", large({ kind: "manifest", bytes: manifest })],
    ["none, for it was left out", large({ kind: "omitted" })],
    ["none, for the file was deleted", tombstoneOf(5)],
  ];
  test.each(whole)("is whole: %s", (_name, value) => {
    expect(contentIsWhole(value)).toBe(true);
    expect(() => checkContentIsWhole(value)).not.toThrow();
  });

  const damaged: readonly (readonly [string, Value])[] = [
    ["other bytes", { ...valueOf(5), content: { kind: "inline", bytes: Buffer.from("content 6") } }],
    ["a manifest with one flipped bit", large({ kind: "manifest", bytes: flipped })],
    ["a manifest of another size", large({ kind: "manifest", bytes: manifest }, size + 1)],
    ["no manifest at all", large({ kind: "manifest", bytes: new Uint8Array(0) })],
  ];
  test.each(damaged)("is not: %s", (_name, value) => {
    expect(contentIsWhole(value)).toBe(false);
    expect(() => checkContentIsWhole(value)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
