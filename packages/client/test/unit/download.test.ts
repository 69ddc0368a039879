import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { ErrorCode } from "@quorumfs/proto";
import { decodeManifest, encodeManifest } from "@quorumfs/runtime";
import type { TransferProgress } from "../../src/index.js";
import { leastReadBytes, readAheadBytesMax } from "../../src/transfer/read-ahead.js";
import { errorResult } from "../fakes/fake-cluster.js";
import type { FakeFile } from "../fakes/fake-files.js";
import { type Bench, openBench } from "../fakes/open-client.js";
import { pattern } from "../fakes/pattern.js";

const mebibyte = 1024 * 1024;
const chunkBytes = 4 * mebibyte;
const content = pattern(2 * chunkBytes + 12_345);
const nodes = [1, 2, 3];

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
  await bench.settle(bench.fs.put("files/x", content));
});

afterEach(async () => {
  await bench.fs.close();
});

function isContent(bytes: Uint8Array, from = 0): boolean {
  return Buffer.compare(bytes, content.subarray(from, from + bytes.length)) === 0;
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Bytes that were asked for, of all nodes. */
function askedBytes(): number {
  return nodes.reduce((sum, id) => sum + bench.chunks(id).reads.reduce((bytes, { length }) => bytes + length, 0), 0);
}

describe("download", () => {
  it("whole, as one buffer and as a stream", async () => {
    const { fs, settle } = bench;
    const got = await settle(fs.get("files/x"));
    expect(got.offset).toBe(0);
    expect(got.content).toHaveLength(content.length);
    expect(isContent(got.content)).toBe(true);
    const read = await settle(fs.read("files/x"));
    expect(read).toMatchObject({ offset: 0, length: content.length });
    const streamed = await settle(collect(read.body));
    expect(streamed).toHaveLength(content.length);
    expect(isContent(streamed)).toBe(true);
  });

  it("as a Node stream", async () => {
    const { fs, settle } = bench;
    const { body } = await settle(fs.read("files/x"));
    const streamed = await settle(collect(Readable.fromWeb(body)));
    expect(isContent(streamed)).toBe(true);
  });

  it.each([
    ["the first byte", 0, 1, 1],
    ["across two chunks", chunkBytes - 10, 20, 20],
    ["within a block", 70_000, 100, 100],
    ["a whole chunk", chunkBytes, chunkBytes, chunkBytes],
    ["cut off at the end", content.length - 5, 100, 5],
    ["up to the end", content.length - 200_000, undefined, 200_000],
    ["nothing", 17, 0, 0],
    ["at the end", content.length, undefined, 0],
  ])("range: %s", async (_what, offset, length, expected) => {
    const { fs, settle } = bench;
    const range = length === undefined ? { offset } : { offset, length };
    const got = await settle(fs.get("files/x", range));
    expect(got.content).toHaveLength(expected);
    expect(isContent(got.content, offset)).toBe(true);
    const read = await settle(fs.read("files/x", range));
    expect(read).toMatchObject({ offset, length: expected });
    expect(isContent(await settle(collect(read.body)), offset)).toBe(true);
  });

  it("range: asks for no more than it needs", async () => {
    const { fs, settle } = bench;
    await settle(fs.get("files/x", { offset: 5_000_000, length: 1000 }));
    expect(askedBytes()).toBe(1000);
  });

  it.each([{ offset: -1 }, { offset: 0.5 }, { length: -1 }, { offset: content.length + 1 }])(
    "range: %j is refused",
    async (range) => {
      const { fs, settle } = bench;
      await expect(settle(fs.get("files/x", range))).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(settle(fs.read("files/x", range))).rejects.toMatchObject({ code: "invalid_argument" });
    },
  );

  it("range of a small file, and an empty file", async () => {
    const { fs, settle } = bench;
    await settle(fs.put("files/small", "0123456789"));
    const { content: part } = await settle(fs.get("files/small", { offset: 3, length: 4 }));
    expect(Buffer.from(part).toString()).toBe("3456");
    await settle(fs.put("files/empty", ""));
    const { body, length } = await settle(fs.read("files/empty"));
    expect(length).toBe(0);
    expect(await settle(collect(body))).toHaveLength(0);
  });

  it("get of more than 256 MiB names read", async () => {
    const { fs, settle, files } = bench;
    const file = files.files.get("x");
    if (!file) throw new Error("the file is not there");
    const [extent] = decodeManifest(file.manifest).extents;
    if (!extent) throw new Error("the file is not in chunks");
    const checksums = Array.from({ length: 65 }, () => 0);
    const manifest = encodeManifest({
      extents: [{ ...extent, checksums, lastBytes: chunkBytes }],
      hashState: new Uint8Array(0),
    });
    files.files.set("x", { ...file, manifest, info: { ...file.info, size: 65 * chunkBytes } });
    const get = settle(fs.get("files/x"));
    await expect(get).rejects.toMatchObject({ code: "invalid_argument", message: expect.stringContaining("read") });
  });

  it.each(["die", "damage", "lie"] as const)("a replica whose chunks %s is replaced", async (how) => {
    const { fs, settle, cluster, chunks } = bench;
    chunks(2).onRead = () => how;
    const { content: got } = await settle(fs.get("files/x"));
    expect(isContent(got)).toBe(true);
    expect(cluster.clock.nowMs()).toBeLessThan(1000);
  });

  it("all replicas have another chunk in place of one: not a byte of that is handed out", async () => {
    const { fs, settle, chunks } = bench;
    for (const id of nodes) chunks(id).onRead = ({ index }) => (index === 1 ? "lie" : "serve");
    const { body } = await settle(fs.read("files/x", { timeoutMs: 2000 }));
    const taken: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of body) taken.push(piece);
    })();
    await expect(settle(reading)).rejects.toMatchObject({ code: "corrupt" });
    const bytes = Buffer.concat(taken);
    expect(bytes).toHaveLength(chunkBytes);
    expect(isContent(bytes)).toBe(true);
    const range = { offset: chunkBytes + 300_000, length: 10, timeoutMs: 2000 };
    await expect(settle(fs.get("files/x", range))).rejects.toMatchObject({ code: "corrupt" });
  });

  it("a replica that stalls: another one is asked two seconds later", async () => {
    const { fs, settle, cluster, chunks } = bench;
    chunks(1).onRead = () => "stall";
    const { content: got } = await settle(fs.get("files/x"));
    expect(isContent(got)).toBe(true);
    expect(cluster.clock.nowMs()).toBeGreaterThanOrEqual(2000);
    expect(cluster.clock.nowMs()).toBeLessThan(6000);
    await cluster.clock.quiet();
    expect(nodes.map((id) => chunks(id).open)).toEqual([0, 0, 0]);
  });

  it("a replica that is late with its first bytes: another one is asked soon, and that one last from then on", async () => {
    const { fs, settle, cluster, chunks } = bench;
    chunks(1).onRead = () => "mute";
    const startedMs = cluster.clock.nowMs();
    while (chunks(1).reads.length === 0) expect(isContent((await settle(fs.get("files/x"))).content)).toBe(true);
    expect(cluster.clock.nowMs() - startedMs).toBeLessThan(1000);
    const asked = chunks(1).reads.length;
    for (let index = 0; index < 5; index += 1) await settle(fs.get("files/x"));
    expect(chunks(1).reads).toHaveLength(asked);
    await cluster.clock.quiet();
    expect(nodes.map((id) => chunks(id).open)).toEqual([0, 0, 0]);
  });

  it("dying in mid-chunk: the next replica goes on where verified bytes end", async () => {
    const { fs, settle, chunks } = bench;
    let died = 0;
    for (const id of nodes) chunks(id).onRead = () => ((died += 1) === 1 ? "die" : "serve");
    const { content: got } = await settle(fs.get("files/x", { length: chunkBytes }));
    expect(isContent(got)).toBe(true);
    const [first, second] = nodes.flatMap((id) => chunks(id).reads).sort((a, b) => a.offset - b.offset);
    expect(first).toMatchObject({ offset: 0, length: chunkBytes });
    expect(second).toMatchObject({ offset: 262_144, length: chunkBytes - 262_144 });
  });

  it("connections refused: no time is lost", async () => {
    const { fs, settle, cluster } = bench;
    cluster.killNode(1);
    cluster.killNode(3);
    expect(isContent((await settle(fs.get("files/x"))).content)).toBe(true);
    expect(cluster.clock.nowMs()).toBeLessThan(1000);
  });

  it("all replicas away for a while", async () => {
    const { fs, settle, cluster, chunks } = bench;
    const away = new QuorumError({ code: "unavailable", message: "restarting" });
    for (const id of nodes) chunks(id).onRead = () => (cluster.clock.nowMs() < 8000 ? away : "serve");
    expect(isContent((await settle(fs.get("files/x"))).content)).toBe(true);
    expect(cluster.clock.nowMs()).toBeLessThan(12_000);
  });

  it("all replicas away for good, all copies damaged, or gone", async () => {
    const { fs, settle, chunks } = bench;
    for (const id of nodes) chunks(id).onRead = () => new QuorumError({ code: "unavailable", message: "away" });
    const away = settle(fs.get("files/x", { timeoutMs: 3000 }));
    await expect(away).rejects.toMatchObject({ code: "unavailable" });
    for (const id of nodes) chunks(id).onRead = () => "damage";
    const damaged = settle(fs.get("files/x", { timeoutMs: 3000 }));
    await expect(damaged).rejects.toMatchObject({ code: "corrupt" });
    for (const id of nodes) chunks(id).stored.clear();
    await expect(settle(fs.get("files/x", { timeoutMs: 3000 }))).rejects.toMatchObject({ code: "corrupt" });
  });

  describe("overwritten while it is read, and its chunks taken away", () => {
    const newer = pattern(chunkBytes + 99);

    /** The first read of a chunk finds another version in the file's place, and its own chunks gone. */
    function overwriteAtFirstRead(overwrite: () => void): void {
      let gone: string | undefined;
      for (const id of nodes) {
        bench.chunks(id).onRead = ({ upload }) => {
          const name = Buffer.from(upload).toString("hex");
          if (gone === undefined) {
            gone = name;
            overwrite();
          }
          return name === gone ? new QuorumError({ code: "not_found", message: "no such chunk" }) : "serve";
        };
      }
    }

    async function putNewer(): Promise<FakeFile> {
      const older = bench.files.files.get("x");
      await bench.settle(bench.fs.put("files/x", newer));
      const file = bench.files.files.get("x");
      if (!older || !file) throw new Error("both were put");
      bench.files.files.set("x", older);
      return file;
    }

    it("get: the new version", async () => {
      const file = await putNewer();
      overwriteAtFirstRead(() => bench.files.files.set("x", file));
      const got = await bench.settle(bench.fs.get("files/x"));
      expect(Buffer.compare(got.content, newer)).toBe(0);
      expect(got.file.version).toBe(file.info.version);
    });

    it("get, deleted instead: there is no such file", async () => {
      overwriteAtFirstRead(() => bench.files.files.delete("x"));
      await expect(bench.settle(bench.fs.get("files/x"))).rejects.toMatchObject({ code: "not_found" });
    });

    it("read: it says so, and does not speak of damage", async () => {
      const file = await putNewer();
      overwriteAtFirstRead(() => bench.files.files.set("x", file));
      const { body } = await bench.settle(bench.fs.read("files/x"));
      await expect(bench.settle(collect(body))).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("overwritten while it was being read"),
      });
    });

    it("not overwritten: damage", async () => {
      overwriteAtFirstRead(() => undefined);
      await expect(bench.settle(bench.fs.get("files/x"))).rejects.toMatchObject({ code: "corrupt" });
    });
  });

  it("whole but not the file: told at the end of the stream", async () => {
    const { fs, settle, files } = bench;
    const file = files.files.get("x");
    if (!file) throw new Error("the file is not there");
    files.files.set("x", { ...file, info: { ...file.info, etag: Buffer.alloc(32) } });
    await expect(settle(fs.get("files/x"))).rejects.toMatchObject({ code: "corrupt" });
    const { body } = await settle(fs.read("files/x"));
    await expect(settle(collect(body))).rejects.toMatchObject({ code: "corrupt" });
  });

  it("a slow reader holds everything back", async () => {
    const { fs, settle, cluster } = bench;
    await settle(fs.put("files/long", pattern(6 * chunkBytes)));
    const { body } = await settle(fs.read("files/long"));
    await cluster.clock.quiet();
    expect(askedBytes()).toBe(chunkBytes);
    const reader = body.getReader();
    const { value } = await settle(reader.read());
    expect(value && isContent(value)).toBe(true);
    await cluster.clock.advance(60_000);
    expect(askedBytes()).toBe(readAheadBytesMax);
    await settle(reader.read());
    expect(askedBytes()).toBe(readAheadBytesMax);
    await reader.cancel();
  });

  it("a reader that sleeps does not stop others", async () => {
    const { fs, settle } = bench;
    await settle(fs.put("files/long", pattern(6 * chunkBytes)));
    const sleeping = (await settle(fs.read("files/long"))).body.getReader();
    await settle(sleeping.read());
    const before = askedBytes();
    const { body } = await settle(fs.read("files/x"));
    expect(askedBytes() - before).toBe(leastReadBytes);
    expect(isContent(await settle(collect(body)))).toBe(true);
    await sleeping.cancel();
    const { body: next } = await settle(fs.read("files/x"));
    expect(askedBytes() - before).toBe(content.length + chunkBytes);
    await next.cancel();
  });

  it("cancelling the body ends its streams", async () => {
    const { fs, settle, cluster, chunks } = bench;
    for (const id of nodes) chunks(id).onRead = () => "stall";
    const { body } = await settle(fs.read("files/x"));
    await cluster.clock.quiet();
    expect(nodes.reduce((sum, id) => sum + chunks(id).open, 0)).toBeGreaterThan(0);
    await body.cancel();
    expect(nodes.map((id) => chunks(id).open)).toEqual([0, 0, 0]);
  });

  it("abort, and closing the client, in mid-stream", async () => {
    const { fs, settle, cluster } = bench;
    const abort = new AbortController();
    const first = await settle(fs.read("files/x", { signal: abort.signal }));
    const second = await settle(fs.read("files/x"));
    abort.abort();
    await expect(settle(collect(first.body))).rejects.toMatchObject({ code: "cancelled" });
    await fs.close();
    await cluster.clock.quiet();
    await expect(settle(collect(second.body))).rejects.toMatchObject({ code: "cancelled" });
  });

  it("what a slow reader still needs is renewed, until it has it or is given up", async () => {
    const { fs, settle, cluster, chunks } = bench;
    const { body } = await settle(fs.read("files/x"));
    await cluster.clock.advance(10 * 60_000);
    expect(chunks(1).stats.filter(({ renew }) => renew).length).toBe(3);
    expect(isContent(await settle(collect(body)))).toBe(true);
    await cluster.clock.advance(10 * 60_000);
    expect(chunks(1).stats).toHaveLength(3);
    const forgotten = await settle(fs.read("files/x"));
    await cluster.clock.advance(7 * 60 * 60_000);
    expect(chunks(1).stats.length).toBeLessThan(150);
    await expect(settle(collect(forgotten.body))).rejects.toMatchObject({ code: "cancelled" });
  });

  it("reads are spread over the replicas", async () => {
    const { fs, settle, chunks } = bench;
    for (let round = 0; round < 6; round += 1) await settle(fs.get("files/x"));
    for (const id of nodes) expect(chunks(id).reads.length).toBeGreaterThan(3);
  });

  it("progress", async () => {
    const { fs, settle } = bench;
    const seen: TransferProgress[] = [];
    await settle(fs.get("files/x", { offset: 100, onProgress: (progress) => void seen.push(progress) }));
    const bytes = content.length - 100;
    expect(seen.at(-1)).toEqual({ bytes, totalBytes: bytes, resumedBytes: 0 });
  });

  it("a file that does not exist", async () => {
    const { fs, settle, files } = bench;
    files.before = () => errorResult(ErrorCode.ERROR_CODE_NOT_FOUND);
    await expect(settle(fs.read("files/y"))).rejects.toMatchObject({ code: "not_found" });
  });
});
