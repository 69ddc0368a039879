import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ErrorCode } from "@quorumfs/proto";
import { decodeManifest } from "@quorumfs/runtime";
import { connect, type QuorumFs } from "../../src/index.js";
import { mergeableTail } from "../../src/transfer/append-tail.js";
import { errorResult, sha256, superNodeAddress } from "../fakes/fake-cluster.js";
import { type Bench, openBench } from "../fakes/open-client.js";
import { inPieces, pattern } from "../fakes/pattern.js";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const chunkBytes = 4 * mebibyte;

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(async () => {
  await bench.fs.close();
});

async function expectContent(expected: Uint8Array): Promise<void> {
  const { file, content } = await bench.settle(bench.fs.get("files/x"));
  expect(file.etag).toBe(sha256(expected).toString("hex"));
  expect(Buffer.compare(content, expected)).toBe(0);
}

function manifest() {
  return decodeManifest(bench.files.files.get("x")?.manifest ?? new Uint8Array(0));
}

function readsOf(): number {
  return [1, 2, 3].reduce((sum, id) => sum + bench.chunks(id).reads.length, 0);
}

describe("append", () => {
  it("creates the file, then adds to it; attributes stay", async () => {
    const { fs, settle } = bench;
    await settle(fs.append("files/x", "one "));
    await expectContent(Buffer.from("one "));
    await settle(fs.put("files/x", "two ", { attributes: { kind: "log" } }));
    const { file } = await settle(fs.append("files/x", "three"));
    expect(file.attributes).toEqual({ kind: "log" });
    await expectContent(Buffer.from("two three"));
  });

  it("nothing to a file that exists: no new version", async () => {
    const { fs, settle } = bench;
    const { file: before } = await settle(fs.put("files/x", "1"));
    const { file: after } = await settle(fs.append("files/x", ""));
    expect(after.version).toBe(before.version);
    await settle(fs.append("files/y", ""));
    expect((await settle(fs.get("files/y"))).content).toHaveLength(0);
  });

  it.each([
    ["a record grows into chunks", 100 * kibibyte, 50 * kibibyte],
    ["a record gets more than a chunk", 100 * kibibyte, 5 * mebibyte],
    ["an absent file gets more than a chunk", 0, 9 * mebibyte],
    ["chunks get a little", 5 * mebibyte, 1],
    ["chunks get as much as the last has", 5 * mebibyte, mebibyte],
    ["chunks get more than a chunk", 5 * mebibyte, 9 * mebibyte],
    ["exactly a chunk", chunkBytes, chunkBytes],
  ])("%s", async (_what, before, added) => {
    const { fs, settle } = bench;
    const whole = pattern(before + added);
    if (before > 0) await settle(fs.put("files/x", whole.subarray(0, before)));
    await settle(fs.append("files/x", inPieces(whole.subarray(before), 300_000)));
    await expectContent(whole);
  });

  it("many small ones: few chunks, nothing is read but what is merged", async () => {
    const { fs, settle } = bench;
    const piece = 110 * kibibyte;
    const whole = pattern(40 * piece);
    let chunksMax = 0;
    for (let at = 0; at < whole.length; at += piece) {
      await settle(fs.append("files/x", whole.subarray(at, at + piece)));
      if (at < 2 * piece) continue;
      const { extents } = manifest();
      chunksMax = Math.max(
        chunksMax,
        extents.reduce((sum, { checksums }) => sum + checksums.length, 0),
      );
    }
    expect(chunksMax).toBeLessThanOrEqual(6);
    expect(bench.chunks(1).receivedBytes).toBeLessThan(6 * whole.length);
    await expectContent(whole);
  });

  it("to a file that was put whole: it is read once, and not again", async () => {
    const { fs, settle } = bench;
    const whole = pattern(9 * mebibyte + 2);
    await settle(fs.put("files/x", whole.subarray(0, 9 * mebibyte)));
    await settle(fs.append("files/x", whole.subarray(9 * mebibyte, 9 * mebibyte + 1)));
    const before = readsOf();
    expect(before).toBeGreaterThan(2);
    await settle(fs.append("files/x", whole.subarray(9 * mebibyte + 1)));
    expect(readsOf() - before).toBe(1);
    await expectContent(whole);
  });

  it("a hash state that is not the file's: the file is read", async () => {
    const { fs, settle, files } = bench;
    const whole = pattern(200 * kibibyte);
    await settle(fs.append("files/x", whole.subarray(0, 150 * kibibyte)));
    const state = manifest().hashState;
    expect(state.length).toBeGreaterThan(32);
    const stored = files.files.get("x")?.manifest;
    if (!stored) throw new Error("the file is not in chunks");
    await settle(fs.append("files/x", whole.subarray(150 * kibibyte)));
    await expectContent(whole);
  });

  it("at the same time, by one client: all land in order", async () => {
    const { fs, settle } = bench;
    const pieces = Array.from({ length: 12 }, (_, index) => pattern(20 * kibibyte, index + 1));
    await settle(Promise.all(pieces.map((piece) => fs.append("files/x", piece))));
    await expectContent(Buffer.concat(pieces));
  });

  it("at the same time, by several clients: all land, none is torn", async () => {
    const { cluster, settle } = bench;
    const { network, clock } = cluster;
    const clients: QuorumFs[] = [];
    for (let seed = 1; seed <= 5; seed += 1) {
      let count = seed / 7;
      const random = {
        fraction: () => (count = (count + 0.381966) % 1),
        bytes: (length: number) => Buffer.alloc(length).fill(`client ${seed} id ${(count += 1)} `),
      };
      clients.push(await clock.settle(connect({ endpoints: [superNodeAddress], network, clock, random })));
    }
    const pieces = clients.map((_, index) => pattern(300 * kibibyte, index + 1));
    await settle(Promise.all(clients.map((client, index) => client.append("files/x", pieces[index] ?? ""))));
    const large = pattern(5 * mebibyte, 9);
    const small = pattern(10, 10);
    await settle(
      Promise.all([clients[0]?.append("files/x", inPieces(large, mebibyte)), clients[1]?.append("files/x", small)]),
    );
    const { content, file } = await settle(bench.fs.get("files/x"));
    expect(file.size).toBe(5 * 300 * kibibyte + large.length + small.length);
    for (const piece of [...pieces, large]) expect(Buffer.from(content).includes(Buffer.from(piece))).toBe(true);
    for (const client of clients) await client.close();
  });

  it.each([10 * kibibyte, 300 * kibibyte, 5 * mebibyte])(
    "%i bytes, overtaken by another: what is stored is used again",
    async (length) => {
      const { fs, settle, files } = bench;
      const base = pattern(200 * kibibyte, 3);
      await settle(fs.put("files/x", base));
      const added = pattern(length, 4);
      let overtaken = false;
      let other: Promise<unknown> | undefined;
      files.before = ({ operation }) => {
        if (operation?.$case !== "put" || overtaken) return undefined;
        overtaken = true;
        files.before = () => undefined;
        other = fs.put("files/x", "short");
        return errorResult(ErrorCode.ERROR_CODE_PRECONDITION_FAILED, { currentVersion: 99 });
      };
      await settle(fs.append("files/x", inPieces(added, mebibyte)));
      await settle(Promise.resolve(other));
      const { content } = await settle(fs.get("files/x"));
      expect(Buffer.compare(content, Buffer.concat([Buffer.from("short"), added]))).toBe(0);
      if (length > chunkBytes)
        expect(bench.chunks(1).offered.filter(({ size }) => size === chunkBytes)).toHaveLength(1);
    },
  );

  it.each([300 * kibibyte, 5 * mebibyte])(
    "%i bytes, refused by an earlier mark: goes on under another id",
    async (length) => {
      const { fs, settle, files, cluster } = bench;
      const added = pattern(length, 4);
      let refused = 0;
      files.before = ({ operation }) => {
        if (operation?.$case !== "put" || refused > 0) return undefined;
        refused += 1;
        return errorResult(ErrorCode.ERROR_CODE_PRECONDITION_FAILED);
      };
      await settle(fs.append("files/x", inPieces(added, mebibyte)));
      await expectContent(added);
      const ids = cluster.operations.flatMap(({ request: { operation } }) =>
        operation?.$case === "put" ? [Buffer.from(operation.value.mutation?.requestId ?? []).toString("hex")] : [],
      );
      expect(new Set(ids).size).toBe(2);
    },
  );

  it("an unknown outcome is told, and not repeated under another id", async () => {
    const { fs, settle, cluster, files } = bench;
    cluster.react = (node, request) => (request.operation?.$case === "put" ? "hang" : files.react(node, request));
    const append = settle(fs.append("files/x", "1", { timeoutMs: 3000 }));
    await expect(append).rejects.toMatchObject({ code: "unknown_outcome" });
    expect(files.applied).toBe(0);
  });
});

describe("tail of an append", () => {
  const upload = Buffer.alloc(16, 1);
  const extent = (sizes: { chunks: number; last: number }) => ({
    upload,
    first: 0,
    chunkBytes,
    lastBytes: sizes.last,
    checksums: Array.from({ length: sizes.chunks }, (_, index) => index),
  });

  it.each([
    ["a full chunk is never touched", [extent({ chunks: 2, last: chunkBytes })], chunkBytes, 0, 1],
    ["a larger one is left", [extent({ chunks: 2, last: 1001 })], 1000, 0, 1],
    ["one of the same size is merged", [extent({ chunks: 2, last: 1000 })], 1000, 1000, 1],
    [
      "a chain is merged as a whole",
      [extent({ chunks: 1, last: 2000 }), extent({ chunks: 1, last: 1000 })],
      1000,
      3000,
      0,
    ],
    [
      "up to two chunks",
      [extent({ chunks: 1, last: 3 * mebibyte }), extent({ chunks: 1, last: 3 * mebibyte })],
      3 * mebibyte,
      3 * mebibyte,
      1,
    ],
  ])("%s", (_what, extents, added, bytes, kept) => {
    const tail = mergeableTail(extents, added);
    expect(tail.bytes).toBe(bytes);
    expect(tail.kept).toHaveLength(kept);
  });
});
