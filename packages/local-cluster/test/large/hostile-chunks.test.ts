/** Clients that lie about chunks, stop in the middle of them, or name some that do not exist. */
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type Channel, chunkBytesMax, type Manifest, partitionOfChunk, QuorumError } from "@quorumfs/core";
import { ChunkServiceService, FileServiceService } from "@quorumfs/proto";
import { grpcNetwork } from "@quorumfs/rpc";
import { crc32c, encodeManifest, silentLog } from "@quorumfs/runtime";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { ChunkCaller } from "./chunk-caller.js";
import { mebibyte, same, sample, sha256 } from "./sample.js";

const network = grpcNetwork({ log: silentLog });

let cluster: LocalCluster;
let client: QuorumFs;
let bucket: number;
const channels: Channel[] = [];

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  client = await cluster.client();
  bucket = (await client.buckets.info("files")).id;
});

afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  // Whatever a test did: it has left nothing behind, and others are served.
  await cluster.waitUntil("no draft is left", async () => (await drafts()).length === 0, 60_000);
  const content = sample(9 * mebibyte, 1);
  await client.put("files/unharmed", content, { timeoutMs: 60_000 });
  expect(same((await client.get("files/unharmed", { timeoutMs: 60_000 })).content, content)).toBe("same");
});

afterAll(() => cluster.close());

async function drafts(): Promise<string[]> {
  const names = await Promise.all(cluster.nodes.map(({ dataDir }) => readdir(join(dataDir, "chunks", "drafts"))));
  return names.flat();
}

function reach(node: number, purpose: "bulk" | "files" = "bulk"): Channel {
  const address = cluster.nodes.find(({ id }) => id === node)?.address ?? "";
  const channel = network.connect({ address, purpose, identity: new Map() });
  channels.push(channel);
  return channel;
}

const callerTo = (node: number, path = "hostile"): ChunkCaller =>
  new ChunkCaller({ channel: reach(node), bucket, path });

describe("a chunk", () => {
  const content = sample(mebibyte + 5, 2);
  const halves = [content.subarray(0, 256 * 1024), content.subarray(256 * 1024)];
  const pieces = [halves[0], ...[0, 1, 2, 3].map((at) => halves[1]?.subarray(at * 200_000, (at + 1) * 200_000))].filter(
    (piece) => piece !== undefined,
  );

  test("an honest one is stored, and then held already", async () => {
    const caller = callerTo(1);
    const upload = randomBytes(16);
    const header = caller.header(upload, 0, content);
    expect(await caller.write(header, pieces)).toBe("stored");
    expect(await caller.write(header, [])).toBe("held");
    expect(await caller.sizes(upload, 2)).toEqual([content.length, 0]);
    expect(same(await caller.read(upload, 0), content)).toBe("same");
  });

  test.each([
    ["its checksum lies", { crc32c: 1 }, pieces],
    ["a bit was flipped on the way", {}, [Buffer.from(pieces[0] ?? []).fill(0, 100, 101), ...pieces.slice(1)]],
    ["it is shorter than it says", { size: content.length + 1 }, pieces],
    ["it is longer than it says", { size: content.length - 1 }, pieces],
    ["it goes on and on", { size: 10 }, Array.from({ length: 64 }, () => Buffer.alloc(256 * 1024))],
    ["it says that it is empty", { size: 0 }, []],
    ["it says that it is huge", { size: chunkBytesMax + 1 }, pieces],
    ["its upload has no proper id", { upload: randomBytes(5) }, pieces],
    ["it has no owner", { owner: undefined }, pieces],
    ["its owner has no proper path", { owner: { bucket: 1, path: "a//b" } }, pieces],
    ["a message is larger than allowed", {}, [content.subarray(0, 257 * 1024), content.subarray(257 * 1024)]],
  ] as const)("%s: refused, and nothing is left of it", async (_what, change, sent) => {
    const caller = callerTo(2);
    const upload = randomBytes(16);
    const answer = await caller.write({ ...caller.header(upload, 0, content), ...change }, sent);
    expect(answer).toBeInstanceOf(QuorumError);
    // Who keeps sending is hung up on, and may miss the reason.
    expect(answer).toMatchObject({ code: expect.stringMatching(/^(invalid_argument|corrupt|unavailable)$/) });
    expect(await caller.sizes(upload, 1)).toEqual([0]);
  });

  test("other content under the name of one that is there: refused, and that one stays", async () => {
    const caller = callerTo(3);
    const upload = randomBytes(16);
    expect(await caller.write(caller.header(upload, 0, content), pieces)).toBe("stored");
    const other = sample(mebibyte, 3);
    expect(await caller.write(caller.header(upload, 0, other), [other.subarray(0, 1000)])).toMatchObject({
      code: "invalid_argument",
    });
    expect(same(await caller.read(upload, 0), content)).toBe("same");
  });

  test("its client vanishes in the middle of it, forty times", async () => {
    for (let round = 0; round < 40; round += 1) {
      const caller = callerTo(1);
      const writing = caller.begin(caller.header(randomBytes(16), 0, content));
      expect(await writing.next()).toBe("proceed");
      writing.send({ part: { $case: "data", value: pieces[0] ?? content } });
      caller.channel.close();
    }
  });

  test("the same one from four clients at once: stored once", async () => {
    const upload = randomBytes(16);
    const callers = [1, 1, 1, 1].map((node) => callerTo(node));
    const answers = await Promise.all(callers.map((caller) => caller.write(caller.header(upload, 0, content), pieces)));
    for (const answer of answers) expect(["stored", "held"]).toContain(answer);
    expect(same((await callers[0]?.read(upload, 0)) ?? Buffer.alloc(0), content)).toBe("same");
  });
});

describe("a client that stands still", () => {
  test("some never send what they announced, others never read: cut, and meanwhile nobody starves", async () => {
    const content = sample(chunkBytesMax, 4);
    const upload = randomBytes(16);
    const writer = callerTo(1);
    const pieces = Array.from({ length: 16 }, (_, at) => content.subarray(at * 262_144, (at + 1) * 262_144));
    expect(await writer.write(writer.header(upload, 0, content), pieces)).toBe("stored");

    const silent = Array.from({ length: 12 }, () => {
      const caller = callerTo(1);
      return caller.begin(caller.header(randomBytes(16), 0, content));
    });
    expect(await silent[0]?.next()).toBe("proceed");
    for (let reader = 0; reader < 40; reader += 1) {
      const owner = { bucket, path: "hostile" };
      const request = { owner, upload, index: 0, offset: 0, length: 0 };
      const answers = reach(1).serverStream(ChunkServiceService.readChunk, request, {});
      // The first message, and never another one.
      await answers[Symbol.asyncIterator]().next();
    }
    // Both go by way of that node, too.
    const large = sample(24 * mebibyte, 5);
    await client.put("files/meanwhile", large, { timeoutMs: 60_000 });
    expect(same((await client.get("files/meanwhile", { timeoutMs: 60_000 })).content, large)).toBe("same");
    // Cut by the node itself, while the client would have stayed for ever.
    await expect(silent[0]?.next()).rejects.toBeInstanceOf(QuorumError);
  }, 120_000);
});

describe("a manifest", () => {
  const size = mebibyte;

  function put(options: { path: string; manifest: Uint8Array; size?: number; requestId: Uint8Array }) {
    const { path, manifest, requestId } = options;
    return reach(1, "files").unary(
      FileServiceService.put,
      {
        bucket: "files",
        path,
        content: new Uint8Array(0),
        manifest,
        size: options.size ?? size,
        etag: Buffer.from(sha256(Buffer.alloc(0)), "hex"),
        attributes: new Map(),
        mutation: {
          requestId,
          mayHaveRun: false,
          mayBeRepeated: false,
          seenVersion: 0,
          condition: { test: undefined },
        },
      },
      { timeoutMs: 20_000 },
    );
  }

  const manifestOf = (upload: Uint8Array, checksums: readonly number[] = [1]): Manifest => ({
    extents: [{ upload, first: 0, chunkBytes: chunkBytesMax, lastBytes: size, checksums }],
    hashState: new Uint8Array(0),
  });

  async function refused(path: string, attempt: Promise<unknown>, code: RegExp): Promise<void> {
    await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(code) });
    await expect(client.stat(`files/${path}`)).rejects.toMatchObject({ code: "not_found" });
  }

  test("it names chunks that do not exist: refused, and there is no file", async () => {
    const requestId = randomBytes(16);
    const manifest = encodeManifest(manifestOf(requestId));
    await refused("dangling", put({ path: "dangling", manifest, requestId }), /^(unavailable|quorum_unavailable)$/);
  });

  test("it names chunks that only one of three replicas has: refused", async () => {
    const content = sample(size, 6);
    const requestId = randomBytes(16);
    const { replicas } = await client.put("files/any", "x");
    expect(replicas).toHaveLength(3);
    const caller = callerTo(2, "thin");
    const pieces = [0, 1, 2, 3].map((at) => content.subarray(at * 262_144, (at + 1) * 262_144));
    expect(await caller.write(caller.header(requestId, 0, content), pieces)).toBe("stored");
    const manifest = encodeManifest(manifestOf(requestId, [crc32c(content)]));
    await refused("thin", put({ path: "thin", manifest, requestId }), /^(unavailable|quorum_unavailable)$/);
    expect(partitionOfChunk(requestId, 0)).toBeGreaterThanOrEqual(0);
  });

  test("it names another checksum than that of the chunks: refused", async () => {
    const content = sample(size, 7);
    const requestId = randomBytes(16);
    const pieces = [0, 1, 2, 3].map((at) => content.subarray(at * 262_144, (at + 1) * 262_144));
    for (const node of [1, 2, 3]) {
      const caller = callerTo(node, "wrong-sum");
      expect(await caller.write(caller.header(requestId, 0, content), pieces)).toBe("stored");
    }
    const lie = encodeManifest(manifestOf(requestId, [crc32c(content) ^ 1]));
    await refused(
      "wrong-sum",
      put({ path: "wrong-sum", manifest: lie, requestId }),
      /^(unavailable|quorum_unavailable|invalid_argument|corrupt)$/,
    );
  });

  test("it names the chunks of an upload of somebody else: refused", async () => {
    const manifest = encodeManifest(manifestOf(randomBytes(16)));
    await refused("stolen", put({ path: "stolen", manifest, requestId: randomBytes(16) }), /^invalid_argument$/);
  });

  test.each([
    ["noise", () => randomBytes(500)],
    ["a flipped bit", () => flipped(encodeManifest(manifestOf(randomBytes(16))))],
    ["nothing in it", () => encodeManifest({ extents: [], hashState: new Uint8Array(0) })],
    ["chunks of another length than the file", () => encodeManifest(manifestOf(randomBytes(16), [1, 2]))],
  ])("%s: refused", async (_what, bytes) => {
    const requestId = randomBytes(16);
    await refused("noise", put({ path: "noise", manifest: bytes(), requestId }), /^(invalid_argument|corrupt)$/);
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 3] = (copy[copy.length - 3] ?? 0) ^ 8;
  return copy;
}
