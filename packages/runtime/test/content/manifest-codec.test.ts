import { describe, expect, test } from "@jest/globals";
import {
  checkManifest,
  chunkBytesMax,
  type Extent,
  extentsBytes,
  type Manifest,
  manifestBytesMax,
} from "@quorumfs/core";
import { crc32c, decodeManifest, encodeManifest } from "@quorumfs/runtime";
import fc from "fast-check";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const extents: fc.Arbitrary<Extent> = fc.record({
  upload: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  first: uint32,
  chunkBytes: fc.integer({ min: 1, max: chunkBytesMax }),
  lastBytes: fc.integer({ min: 1, max: chunkBytesMax }),
  checksums: fc.array(uint32, { minLength: 1, maxLength: 20 }),
});

const manifests: fc.Arbitrary<Manifest> = fc
  .record({
    extents: fc.array(extents, { maxLength: 5 }),
    pages: fc.option(extents, { nil: undefined }),
    hashState: fc.uint8Array({ maxLength: 120 }),
  })
  .map(({ pages, ...others }) => (pages ? { ...others, pages } : others));

describe("manifest codec", () => {
  test("any manifest comes back as it was", () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
      }),
    );
  });

  test("what is decoded may be kept, whatever becomes of the bytes", () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const bytes = encodeManifest(manifest);
        const decoded = decodeManifest(bytes);
        bytes.fill(0xee);
        expect(decoded).toEqual(manifest);
      }),
    );
  });

  test("from the middle of a larger buffer", () => {
    fc.assert(
      fc.property(manifests, fc.nat(9), (manifest, margin) => {
        const bytes = encodeManifest(manifest);
        const within = new Uint8Array(bytes.length + 2 * margin).fill(3);
        within.set(bytes, margin);
        expect(decodeManifest(within.subarray(margin, margin + bytes.length))).toEqual(manifest);
      }),
    );
  });

  test("any flipped bit is corrupt", () => {
    fc.assert(
      fc.property(manifests, fc.nat(), (manifest, at) => {
        const bytes = encodeManifest(manifest);
        const bit = at % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => decodeManifest(bytes)).toThrow(expect.objectContaining({ code: "corrupt" }));
      }),
      { numRuns: 500 },
    );
  });

  test("any cut is corrupt", () => {
    fc.assert(
      fc.property(manifests, fc.nat(), (manifest, at) => {
        const bytes = encodeManifest(manifest);
        expect(() => decodeManifest(bytes.subarray(0, at % bytes.length))).toThrow(
          expect.objectContaining({ code: "corrupt" }),
        );
      }),
    );
  });

  test("a right checksum over something that is no manifest is corrupt", () => {
    const message = Buffer.from([0x0a, 0xff, 0xff]);
    const bytes = Buffer.alloc(4 + message.length);
    bytes.writeUInt32LE(crc32c(message), 0);
    bytes.set(message, 4);
    expect(() => decodeManifest(bytes)).toThrow(expect.objectContaining({ code: "corrupt" }));
  });

  test("512 GiB in one extent fit into a record, and pass the check", () => {
    const checksums = Array.from({ length: 2 ** 17 }, (_, index) => index * 32_749);
    const upload = new Uint8Array(16).fill(9);
    const extent = { upload, first: 0, chunkBytes: chunkBytesMax, lastBytes: 17, checksums };
    const manifest = { extents: [extent], hashState: new Uint8Array(0) };
    const bytes = encodeManifest(manifest);
    expect(bytes.length).toBeLessThan(manifestBytesMax);
    expect(decodeManifest(bytes)).toEqual(manifest);
    checkManifest(manifest, extentsBytes([extent]));
  });
});
