import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import { ErrorCode } from "@quorumfs/proto";
import { decodeManifest } from "@quorumfs/runtime";
import type { TransferProgress } from "../../src/index.js";
import { errorResult, sha256 } from "../fakes/fake-cluster.js";
import { type Bench, openBench } from "../fakes/open-client.js";
import { inPieces, pattern } from "../fakes/pattern.js";

const mebibyte = 1024 * 1024;
const chunkBytes = 4 * mebibyte;
const content = pattern(3 * chunkBytes + 12_345);

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(async () => {
  await bench.fs.close();
});

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function contentOf(name: string): Promise<Uint8Array> {
  return (await bench.settle(bench.fs.get(name))).content;
}

function copiesOf(index: number): number {
  return [1, 2, 3].filter((id) => [...bench.chunks(id).stored.keys()].some((key) => key.endsWith(`/${index}`))).length;
}

describe("upload", () => {
  it.each([
    ["bytes in memory", () => content],
    ["a Blob", () => new Blob([content])],
    ["a web stream", () => new Blob([content]).stream()],
    ["an async iterable", () => inPieces(content, 65_000)],
    ["an iterable", () => [content.subarray(0, 5_000_000), content.subarray(5_000_000)]],
  ])("%s", async (_what, make) => {
    const { fs, settle } = bench;
    const { file } = await settle(fs.put("files/x", make(), { attributes: { kind: "test" } }));
    expect(file).toMatchObject({ size: content.length, etag: sha256(content).toString("hex") });
    expect(file.attributes).toEqual({ kind: "test" });
    expect(equal(await contentOf("files/x"), content)).toBe(true);
    expect([0, 1, 2, 3].map(copiesOf)).toEqual([3, 3, 3, 3]);
  });

  it.each([0, 1, 131_072])("a stream of %i bytes goes in one call", async (length) => {
    const { fs, settle, chunks } = bench;
    await settle(fs.put("files/x", inPieces(content.subarray(0, length), 10_000)));
    expect(equal(await contentOf("files/x"), content.subarray(0, length))).toBe(true);
    expect(chunks(1).offered).toHaveLength(0);
  });

  it("text above 128 KiB", async () => {
    const { fs, settle } = bench;
    const text = "ä".repeat(100_000);
    await settle(fs.put("files/x", text));
    expect(Buffer.from(await contentOf("files/x")).toString()).toBe(text);
  });

  it.each([131_073, chunkBytes, chunkBytes + 1, 2 * chunkBytes])("%i bytes", async (length) => {
    const { fs, settle } = bench;
    await settle(fs.put("files/x", content.subarray(0, length)));
    expect(equal(await contentOf("files/x"), content.subarray(0, length))).toBe(true);
  });

  it("a replica that refuses connections", async () => {
    const { fs, settle, cluster } = bench;
    cluster.killNode(2);
    await settle(fs.put("files/x", content));
    expect([0, 1, 2, 3].map(copiesOf)).toEqual([2, 2, 2, 2]);
    expect(cluster.clock.nowMs()).toBeLessThan(1000);
  });

  it.each(["mute", "choke", "forget", "die"] as const)(
    "a replica that goes %s on one chunk is left behind",
    async (how) => {
      const { fs, settle, cluster, chunks } = bench;
      chunks(2).onWrite = ({ index }) => (index === 1 ? how : "store");
      await settle(fs.put("files/x", content));
      expect(copiesOf(1)).toBe(2);
      expect(cluster.clock.nowMs()).toBeLessThan(1000);
      chunks(2).onWrite = () => "store";
      // What is left of it ends by itself.
      await cluster.clock.advance(10_000);
      expect([1, 2, 3].map((id) => chunks(id).open)).toEqual([0, 0, 0]);
      expect(equal(await contentOf("files/x"), content)).toBe(true);
    },
  );

  it("a replica that hangs on everything does not set the pace", async () => {
    const { fs, settle, cluster, chunks } = bench;
    chunks(3).onWrite = () => "mute";
    await settle(fs.put("files/x", pattern(20 * chunkBytes)));
    expect(cluster.clock.nowMs()).toBeLessThan(2500);
    // It is not sent a chunk each time, once it holds its share of the memory.
    expect(chunks(3).offered.length).toBeLessThan(12);
  });

  it("two of three replicas die and come back: the upload goes on from there", async () => {
    const { fs, settle, cluster, chunks } = bench;
    let isDown = false;
    chunks(1).onWrite = ({ index }) => {
      if (index !== 2 || isDown) return "store";
      isDown = true;
      cluster.killNode(2);
      cluster.killNode(3);
      cluster.clock.after(5000, () => {
        cluster.startNode(2);
        cluster.startNode(3);
      });
      return "store";
    };
    await settle(fs.put("files/x", content));
    expect(equal(await contentOf("files/x"), content)).toBe(true);
    expect(cluster.clock.nowMs()).toBeGreaterThan(5000);
    expect(cluster.clock.nowMs()).toBeLessThan(20_000);
  });

  it("a newer layout is followed while chunks are on their way", async () => {
    const wide = await openBench({ nodes: 5 });
    const { fs, settle, cluster } = wide;
    for (const id of [1, 2, 3]) cluster.killNode(id);
    cluster.clock.after(3000, () => {
      const { layout } = cluster.cluster;
      if (!layout) throw new Error("the cluster has no layout");
      const number = layout.number + 1;
      const partitions = layout.partitions.map((partition) => ({ ...partition, nodes: [4, 5, 1], layout: number }));
      cluster.cluster = { ...cluster.cluster, revision: 2, layout: { ...layout, number, partitions } };
      cluster.publish({ $case: "cluster", value: cluster.cluster });
    });
    await settle(fs.put("files/x", content));
    for (const id of [4, 5]) expect(wide.chunks(id).stored.size).toBe(4);
    await fs.close();
  });

  it("too few replicas: says what was missing, and how to go on", async () => {
    const { fs, settle, cluster, files } = bench;
    cluster.killNode(2);
    cluster.killNode(3);
    const put = settle(fs.put("files/x", content, { timeoutMs: 8000 }));
    await expect(put).rejects.toMatchObject({
      code: "quorum_unavailable",
      details: { needed: 2, got: 1, requestId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    expect(cluster.clock.nowMs()).toBeLessThan(20_000);
    expect(files.applied).toBe(0);
  });

  it("one full node is gone around, two are the end", async () => {
    const { fs, settle, chunks } = bench;
    const full = new QuorumError({ code: "resource_exhausted", message: "4 % of the disk is free" });
    chunks(2).onWrite = () => full;
    await settle(fs.put("files/x", content));
    chunks(3).onWrite = () => full;
    const put = settle(fs.put("files/y", content, { timeoutMs: 5000 }));
    await expect(put).rejects.toMatchObject({ code: "resource_exhausted", details: { needed: 2, got: 1 } });
  });

  it("a node that always takes the bytes and then fails makes no progress", async () => {
    const { fs, settle, chunks } = bench;
    chunks(2).onWrite = () => "die";
    chunks(3).onWrite = () => "die";
    const put = settle(fs.put("files/x", content, { timeoutMs: 5000 }));
    await expect(put).rejects.toMatchObject({ code: "quorum_unavailable" });
  });

  it("another chunk under this name is the end at once", async () => {
    const { fs, settle, cluster, chunks } = bench;
    const refusal = new QuorumError({ code: "invalid_argument", message: "another chunk is held under this name" });
    for (const id of [1, 2]) chunks(id).onWrite = () => refusal;
    await expect(settle(fs.put("files/x", content))).rejects.toMatchObject({ code: "invalid_argument" });
    expect(cluster.clock.nowMs()).toBeLessThan(1000);
  });

  it("memory: never more than six buffers, however many uploads", async () => {
    const { fs, settle, cluster, chunks } = bench;
    let most = 0;
    const underWay = new Map<string, number>();
    for (const id of [1, 2, 3]) {
      chunks(id).onWrite = ({ index, upload }) => {
        underWay.set(`${Buffer.from(upload).toString("hex")}/${index}`, cluster.clock.nowMs());
        most = Math.max(most, chunks(id).open);
        return "store";
      };
    }
    const names = Array.from({ length: 20 }, (_, index) => `files/${index}`);
    await settle(Promise.all(names.map((name) => fs.put(name, content.subarray(0, 2 * chunkBytes)))));
    expect(underWay.size).toBe(40);
    expect(most).toBeLessThanOrEqual(6);
  });

  it("size that is not met: nothing is committed", async () => {
    const { fs, settle, files } = bench;
    const options = { size: content.length };
    const less = settle(fs.put("files/x", inPieces(content.subarray(1), 65_536), options));
    await expect(less).rejects.toMatchObject({ code: "invalid_argument" });
    const more = settle(fs.put("files/x", inPieces(pattern(content.length + 1), 65_536), options));
    await expect(more).rejects.toMatchObject({ code: "invalid_argument" });
    expect(files.applied).toBe(0);
  });

  it("a source that throws: its error is the cause, nothing is committed", async () => {
    const { fs, settle, files, chunks } = bench;
    const broken = new Error("the pipe broke");
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* inPieces(content, 1_000_000);
      throw broken;
    }
    await expect(settle(fs.put("files/x", source()))).rejects.toMatchObject({ cause: broken });
    expect(files.applied).toBe(0);
    expect([1, 2, 3].map((id) => chunks(id).open)).toEqual([0, 0, 0]);
  });

  it("a source that yields text", async () => {
    const { fs, settle } = bench;
    const source = ["text"] as unknown as Iterable<Uint8Array>;
    await expect(settle(fs.put("files/x", source))).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("abort while chunks are on their way", async () => {
    const { fs, settle, cluster, chunks, files } = bench;
    const abort = new AbortController();
    let returned = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* inPieces(pattern(40 * chunkBytes), chunkBytes);
      } finally {
        returned = true;
      }
    }
    for (const id of [1, 2, 3]) chunks(id).onWrite = () => "mute";
    const put = fs.put("files/x", source(), { signal: abort.signal });
    put.catch(() => undefined);
    await cluster.clock.quiet();
    abort.abort();
    await expect(settle(put)).rejects.toMatchObject({ code: "cancelled" });
    await cluster.clock.quiet();
    expect([1, 2, 3].map((id) => chunks(id).open)).toEqual([0, 0, 0]);
    expect(files.applied).toBe(0);
    expect(returned).toBe(true);
  });

  it("abort once the vote was sent", async () => {
    const { fs, settle, cluster, files } = bench;
    const abort = new AbortController();
    cluster.react = (node, request) => (request.operation?.$case === "put" ? "hang" : files.react(node, request));
    const put = fs.put("files/x", content, { signal: abort.signal });
    put.catch(() => undefined);
    await cluster.clock.advance(60);
    expect(cluster.operations).toHaveLength(1);
    abort.abort();
    await expect(settle(put)).rejects.toMatchObject({ code: "unknown_outcome" });
  });

  it("closing the client ends what is under way", async () => {
    const { fs, settle, cluster, chunks } = bench;
    for (const id of [1, 2, 3]) chunks(id).onWrite = () => "mute";
    const put = fs.put("files/x", content);
    put.catch(() => undefined);
    await cluster.clock.quiet();
    await fs.close();
    await expect(settle(put)).rejects.toMatchObject({ code: "cancelled" });
  });

  it("a condition that does not hold is told before anything is sent", async () => {
    const { fs, settle, chunks } = bench;
    await settle(fs.put("files/x", "1"));
    const put = settle(fs.put("files/x", content, { ifAbsent: true }));
    await expect(put).rejects.toMatchObject({ code: "precondition_failed", details: { currentVersion: 1 } });
    expect(chunks(1).offered).toHaveLength(0);
  });

  it("resume: what is durable is not sent again", async () => {
    const { fs, settle, cluster, chunks } = bench;
    for (const id of [1, 2, 3]) chunks(id).onWrite = ({ index }) => (index >= 2 ? "mute" : "store");
    const failed: unknown = await settle(fs.put("files/x", content, { timeoutMs: 3000 })).catch(
      (error: unknown) => error,
    );
    if (!(failed instanceof QuorumError)) throw new Error("the put was to fail");
    const { requestId } = failed.details;
    if (requestId === undefined) throw new Error("the error names no request id");
    for (const id of [1, 2, 3]) {
      chunks(id).onWrite = () => "store";
      chunks(id).receivedBytes = 0;
      chunks(id).offered.length = 0;
    }
    const seen: TransferProgress[] = [];
    const onProgress = (progress: TransferProgress): void => void seen.push(progress);
    await settle(fs.put("files/x", inPieces(content, 100_000), { requestId, resume: true, onProgress }));
    expect(equal(await contentOf("files/x"), content)).toBe(true);
    expect(
      chunks(1)
        .offered.map(({ index }) => index)
        .sort(),
    ).toEqual([2, 3]);
    expect(chunks(1).receivedBytes).toBe(content.length - 2 * chunkBytes);
    expect(seen.at(-1)).toEqual({ bytes: content.length, totalBytes: content.length, resumedBytes: 2 * chunkBytes });
    expect(cluster.operations.at(-2)?.request.operation).toMatchObject({ value: { mutation: { mayHaveRun: true } } });
  });

  it("progress: grows, and ends with everything", async () => {
    const { fs, settle } = bench;
    const seen: TransferProgress[] = [];
    await settle(fs.put("files/x", content, { onProgress: (progress) => void seen.push(progress) }));
    expect(seen.at(-1)).toEqual({ bytes: content.length, totalBytes: content.length, resumedBytes: 0 });
    expect(seen.map(({ bytes }) => bytes)).toEqual(seen.map(({ bytes }) => bytes).sort((a, b) => a - b));
  });

  it("chunks that are lost before the vote are copied from who has them", async () => {
    const { fs, settle, chunks, files } = bench;
    chunks(3).onWrite = () => new QuorumError({ code: "unavailable", message: "not now" });
    let refused = 0;
    files.before = ({ operation }) => {
      if (operation?.$case !== "put" || refused > 0) return undefined;
      refused += 1;
      chunks(2).stored.clear();
      chunks(3).onWrite = () => "store";
      return errorResult(ErrorCode.ERROR_CODE_UNAVAILABLE, { message: "chunk 0 is on 1 of 2" });
    };
    await settle(fs.put("files/x", inPieces(content, 65_536)));
    expect(refused).toBe(1);
    expect([0, 1, 2, 3].map((index) => copiesOf(index) >= 2)).toEqual([true, true, true, true]);
    expect(equal(await contentOf("files/x"), content)).toBe(true);
  });

  it("chunks that are lost while the outcome of an earlier attempt is in doubt", async () => {
    const { fs, settle, cluster, chunks, files } = bench;
    chunks(3).onWrite = () => new QuorumError({ code: "unavailable", message: "not now" });
    let attempts = 0;
    cluster.react = (node, request) => {
      if (request.operation?.$case !== "put") return files.react(node, request);
      attempts += 1;
      if (attempts === 1) return "break";
      if (attempts > 2) return files.react(node, request);
      chunks(2).stored.clear();
      chunks(3).onWrite = () => "store";
      return errorResult(ErrorCode.ERROR_CODE_UNAVAILABLE);
    };
    await settle(fs.put("files/x", inPieces(content, 65_536)));
    expect(attempts).toBe(3);
    expect(equal(await contentOf("files/x"), content)).toBe(true);
    attempts = 0;
    chunks(3).onWrite = () => new QuorumError({ code: "unavailable", message: "not now" });
    cluster.react = (node, request) => {
      if (request.operation?.$case !== "put") return files.react(node, request);
      attempts += 1;
      if (attempts === 1) return "break";
      for (const id of [1, 2, 3]) chunks(id).stored.clear();
      return errorResult(ErrorCode.ERROR_CODE_UNAVAILABLE);
    };
    const lost = settle(fs.put("files/x", inPieces(content, 65_536)));
    await expect(lost).rejects.toMatchObject({ code: "unknown_outcome" });
  });

  it("an onProgress that throws ends the put", async () => {
    const { fs, settle, chunks, files } = bench;
    const thrown = new Error("no");
    const onProgress = (): void => {
      throw thrown;
    };
    const put = settle(fs.put("files/x", content, { onProgress }));
    await expect(put).rejects.toMatchObject({ code: "cancelled", cause: thrown });
    expect(files.applied).toBe(0);
    expect([1, 2, 3].map((id) => chunks(id).open)).toEqual([0, 0, 0]);
  });

  it("chunks that nobody has any more end the put", async () => {
    const { fs, settle, chunks, files } = bench;
    files.before = ({ operation }) => {
      if (operation?.$case !== "put") return undefined;
      for (const id of [1, 2, 3]) chunks(id).stored.clear();
      return errorResult(ErrorCode.ERROR_CODE_UNAVAILABLE);
    };
    const put = settle(fs.put("files/x", content));
    await expect(put).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("resume"),
    });
  });

  it("the manifest says what was stored", async () => {
    const { fs, settle, files } = bench;
    await settle(fs.put("files/x", content));
    const manifest = decodeManifest(files.files.get("x")?.manifest ?? new Uint8Array(0));
    expect(manifest.extents).toHaveLength(1);
    expect(manifest.extents[0]).toMatchObject({ first: 0, chunkBytes, lastBytes: 12_345 });
    expect(manifest.hashState).toHaveLength(0);
  });
});
