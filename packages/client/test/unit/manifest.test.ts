import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { chunkBytesMax, firstPageIndex, manifestBytesMax } from "@quorumfs/core";
import { decodeManifest, encodeManifest } from "@quorumfs/runtime";
import { type Bench, openBench } from "../fakes/open-client.js";
import { pattern } from "../fakes/pattern.js";

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(async () => {
  await bench.fs.close();
});

describe("manifest with pages", () => {
  it("a file of 2 TiB: what it is made of lies in chunks, and an append finds it there", async () => {
    const { fs, settle, files } = bench;
    const tail = pattern(300_000);
    await settle(fs.append("files/x", tail));
    const file = files.files.get("x");
    if (!file) throw new Error("the file is not there");
    const { extents, hashState } = decodeManifest(file.manifest);
    const upload = Buffer.alloc(16, 7);
    const count = 2 ** 19;
    // Two TiB that nobody has, in front of what was appended.
    const front = {
      upload,
      first: 0,
      chunkBytes: chunkBytesMax,
      lastBytes: chunkBytesMax,
      checksums: Array<number>(count).fill(9),
    };
    const manifest = encodeManifest({ extents: [front, ...extents], hashState });
    expect(manifest.length).toBeGreaterThan(manifestBytesMax);
    const size = count * chunkBytesMax + tail.length;
    // The hash is not that of so many bytes, which only a read of all of them would show.
    files.files.set("x", { ...file, manifest, info: { ...file.info, size } });
    await settle(fs.append("files/x", "more"));
    const after = files.files.get("x");
    if (!after) throw new Error("the file is not there");
    expect(after.info.size).toBe(size + 4);
    expect(after.manifest.length).toBeLessThan(1000);
    const { pages, extents: none } = decodeManifest(after.manifest);
    expect(none).toEqual([]);
    expect(pages?.first).toBe(firstPageIndex);
    const { content } = await settle(fs.get("files/x", { offset: size, length: 4 }));
    expect(Buffer.from(content).toString()).toBe("more");
    await settle(fs.append("files/x", "!"));
    const { content: end } = await settle(fs.get("files/x", { offset: size - 10 }));
    expect(Buffer.compare(end, Buffer.concat([tail.subarray(-10), Buffer.from("more!")]))).toBe(0);
  });
});
