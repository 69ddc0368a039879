import { describe, expect, test } from "@jest/globals";
import { type Extent } from "@quorumfs/core";
import { strangerAmong } from "../../src/content/carried-over.js";
import { extent, upload } from "./fixture.js";

const own = upload(9);
/** Five chunks, the last one short, of upload 1; two of upload 2. */
const base = extent(1, { first: 10, lastBytes: 70_000, checksums: [100, 101, 102, 103, 104] });
const current = [base, extent(2, { checksums: [200, 201] })];

describe("what a new version takes over from the one it builds on", () => {
  const whole = base.chunkBytes;
  const taken: readonly (readonly [string, Extent])[] = [
    ["all of an extent", base],
    ["all but its short last chunk", { ...base, lastBytes: whole, checksums: [100, 101, 102, 103] }],
    ["some from the middle", { ...base, first: 11, lastBytes: whole, checksums: [101, 102] }],
    ["the short last chunk alone", { ...base, first: 14, chunkBytes: 70_000, checksums: [104] }],
    ["nothing, only new chunks", { ...extent(9), upload: own }],
  ];
  test.each(taken)("may be %s", (_name, part) => {
    expect(strangerAmong([part], { own, current })).toBeUndefined();
  });

  const strange: readonly (readonly [string, Extent])[] = [
    ["an upload that is not in it", extent(3)],
    ["chunks before the extent", { ...base, first: 9, lastBytes: whole, checksums: [99, 100] }],
    ["chunks behind the extent", { ...base, checksums: [100, 101, 102, 103, 104, 105] }],
    ["another checksum", { ...base, checksums: [100, 101, 7, 103, 104] }],
    ["a chunk under another index", { ...base, first: 11, lastBytes: whole, checksums: [100] }],
    ["a last chunk that is longer than it is", { ...base, lastBytes: whole }],
    ["a full chunk as if it were short", { ...base, lastBytes: 70_000, checksums: [100, 101] }],
    ["chunks of another size", { ...base, chunkBytes: whole - 1 }],
  ];
  test.each(strange)("is not %s", (_name, part) => {
    expect(strangerAmong([base, part], { own, current })).toBe(part);
  });
});
