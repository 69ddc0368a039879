import { describe, expect, test } from "@jest/globals";
import { type Extent, firstPageIndex, type Manifest, nodeId, QuorumError } from "@quorumfs/core";
import { encodeManifest } from "@quorumfs/runtime";
import { ManifestPages, pagesBytesMax } from "../../src/content/manifest-pages.js";
import { extent, extentOf, noise, owner } from "./fixture.js";

const hashState = new Uint8Array(0);
const file = noise(200_000, 1);
const extents = [extentOf(1, file)];
const inner = encodeManifest({ extents, hashState });
const pages: Extent = { ...extentOf(1, inner, 20), first: firstPageIndex };
const manifest: Manifest = { extents: [], pages, hashState };
const never = new AbortController().signal;

type Replica = (page: Uint8Array) => Uint8Array | QuorumError;
const good: Replica = (page) => page;
const absent: Replica = () => new QuorumError({ code: "not_found", message: "no such chunk" });
const lying: Replica = (page) => page.map((byte) => byte ^ 1);
const short: Replica = (page) => page.subarray(1);

/** Pages whose replicas, nearest first, behave as told. */
function pagesOf(...replicas: readonly Replica[]): ManifestPages {
  return new ManifestPages({
    peers: {
      read: async function* (node, { index }) {
        const start = (index - firstPageIndex) * pages.chunkBytes;
        const sent = await Promise.resolve(replicas[node - 1]?.(inner.slice(start, start + pages.chunkBytes)));
        if (!(sent instanceof Uint8Array)) throw sent ?? new Error("no such replica");
        yield sent.subarray(0, 3);
        yield sent.subarray(3);
      },
    },
    places: {
      nearestFirst: () => replicas.slice(0, 1).map(() => nodeId(1)),
      elsewhere: () => replicas.slice(1).map((_, index) => nodeId(index + 2)),
    },
  });
}

describe("pages of a manifest", () => {
  const rows: readonly (readonly [string, readonly Replica[]])[] = [
    ["the nearest replica", [good]],
    ["the next one, where the nearest lacks them", [absent, good]],
    ["the next one, where the nearest has other bytes", [lying, good]],
    ["the next one, where the nearest has too few bytes", [short, good]],
  ];
  test.each(rows)("come from %s", async (_name, replicas) => {
    const found = await pagesOf(...replicas).extentsOf(owner, { manifest, size: file.length }, never);
    expect(found).toEqual(extents);
  });

  test("that no replica has whole: unavailable, naming the page", async () => {
    const reading = pagesOf(absent, lying).extentsOf(owner, { manifest, size: file.length }, never);
    await expect(reading).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`page ${firstPageIndex} of upload ${"01".repeat(16)}`),
    });
  });

  test("that would take too much memory are not read", async () => {
    const checksums = Array.from({ length: 5 }, () => 0);
    const huge: Manifest = { ...manifest, pages: extent(1, { first: firstPageIndex, checksums }) };
    expect(5 * extent(1).chunkBytes).toBeGreaterThan(pagesBytesMax);
    const reading = pagesOf(() => new QuorumError({ code: "internal", message: "it was read" }));
    await expect(reading.extentsOf(owner, { manifest: huge, size: file.length }, never)).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });

  test("that are none: the extents are in the manifest itself", async () => {
    const found = pagesOf().extentsOf(owner, { manifest: { extents, hashState }, size: file.length }, never);
    expect(await found).toBe(extents);
  });
});
