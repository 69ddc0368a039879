import { describe, expect, test } from "@jest/globals";
import { type Condition, type Extent, firstPageIndex, type Manifest } from "@quorumfs/core";
import { checkUploads, extentsMax } from "../../src/content/manifest-uploads.js";
import { extent, upload } from "./fixture.js";

const requestId = upload(1);
const onVersion: Condition = { kind: "version", counter: 7 };

function check(extents: readonly Extent[], condition: Condition, pages?: Extent): void {
  const manifest: Manifest = { extents, hashState: new Uint8Array(0), ...(pages && { pages }) };
  checkUploads(manifest, { requestId, condition });
}

const page = extent(1, { first: firstPageIndex });

describe("uploads that a mutation may name", () => {
  test("its own, under any condition", () => {
    for (const condition of [onVersion, { kind: "none" } as const, { kind: "absent" } as const]) {
      expect(() => check([extent(1)], condition)).not.toThrow();
      expect(() => check([], condition, page)).not.toThrow();
    }
  });

  test("others, if it builds on one version", () => {
    expect(() => check([extent(2), extent(1)], onVersion)).not.toThrow();
  });

  const refused: readonly (readonly [string, readonly Extent[], Condition, Extent?])[] = [
    ["another's without a condition", [extent(2)], { kind: "none" }],
    ["another's if the file exists", [extent(1), extent(2)], { kind: "exists" }],
    ["another's if the content matches", [extent(2)], { kind: "etag", etag: new Uint8Array(32) }],
    ["pages of another upload", [], onVersion, extent(2, { first: firstPageIndex })],
    ["pages with indices of the file's own chunks", [], onVersion, extent(1)],
    ["chunks with indices of pages", [extent(1, { first: firstPageIndex - 1, checksums: [1, 2] })], onVersion],
    ["more extents than a notice can name", Array.from({ length: extentsMax + 1 }, () => extent(1)), onVersion],
  ];
  test.each(refused)("not: %s", (...[, extents, condition, pages]) => {
    expect(() => check(extents, condition, pages)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
