import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs, TransferProgress } from "@quorumfs/client";
import { chunkBytesMax, inlineBytesMax, mix32 } from "@quorumfs/core";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { inPieces, mebibyte, readAll, same, sample, sha256 } from "./sample.js";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 4, replicas: 3 });
  client = await cluster.client();
});

afterAll(() => cluster.close());

const sizes = [
  0,
  1,
  inlineBytesMax,
  inlineBytesMax + 1,
  chunkBytesMax - 1,
  chunkBytesMax,
  chunkBytesMax + 1,
  20 * mebibyte + 17,
];

describe.each(sizes)(`%d bytes (seed ${seed})`, (size) => {
  const name = `files/round-trip-${size}`;
  const content = sample(size, seed + size);

  test("put, stat, get, read", async () => {
    const put = await client.put(name, content);
    expect(put.file).toMatchObject({ name, size, etag: sha256(content) });
    expect(put.acknowledged.length).toBeGreaterThanOrEqual(2);
    expect((await client.stat(name)).file).toEqual(put.file);
    const got = await client.get(name);
    expect(got.file).toEqual(put.file);
    expect(same(got.content, content)).toBe("same");
    const read = await client.read(name);
    expect([read.offset, read.length]).toEqual([0, size]);
    expect(same(await readAll(read.body), content)).toBe("same");
  });

  test("ranges", async () => {
    const edges = [0, 1, 65_535, 65_536, inlineBytesMax, chunkBytesMax - 1, chunkBytesMax, size - 1, size];
    const offsets = [...edges, ...Array.from({ length: 5 }, (_, index) => mix32(seed + index) % (size + 1))];
    for (const [index, offset] of offsets.filter((one) => one >= 0 && one <= size).entries()) {
      const length = [1, 100, 65_536, chunkBytesMax + 5, size][index % 5] ?? 1;
      const wanted = content.subarray(offset, offset + length);
      const got = await client.get(name, { offset, length });
      expect([offset, length, same(got.content, wanted)]).toEqual([offset, length, "same"]);
      expect(got.offset).toBe(offset);
    }
    const { body, length } = await client.read(name, { offset: Math.floor(size / 2) });
    expect(length).toBe(size - Math.floor(size / 2));
    expect(same(await readAll(body), content.subarray(Math.floor(size / 2)))).toBe("same");
  });

  test("from streams whose length nobody tells", async () => {
    for (const stream of [
      inPieces(content, 100_003),
      Readable.from(inPieces(content, 1_000_003)),
      ReadableStream.from(inPieces(content, 65_536)),
      new Blob([new Uint8Array(content)]),
    ]) {
      const { file } = await client.put(`${name}-stream`, stream);
      expect([file.size, file.etag]).toEqual([size, sha256(content)]);
    }
    expect(same((await client.get(`${name}-stream`)).content, content)).toBe("same");
  });
});

describe("progress", () => {
  test("it only grows, and ends with the whole", async () => {
    const content = sample(10 * mebibyte, seed);
    const check = (seen: readonly TransferProgress[]): void => {
      const bytes = seen.map((one) => one.bytes);
      expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      expect(seen.at(-1)).toEqual({ bytes: content.length, totalBytes: content.length, resumedBytes: 0 });
    };
    const up: TransferProgress[] = [];
    await client.put("files/progress", content, { onProgress: (one) => up.push(one) });
    check(up);
    const down: TransferProgress[] = [];
    await client.get("files/progress", { onProgress: (one) => down.push(one) });
    check(down);
  });
});

describe("append", () => {
  test("across the inline limit and chunks: the file is all of them, one after the other", async () => {
    const parts = [0, 1, 1000, inlineBytesMax, 5 * mebibyte, 3, chunkBytesMax].map((size, index) =>
      sample(size, seed + index),
    );
    for (const part of parts) await client.append("files/appended", part);
    const whole = Buffer.concat(parts);
    const got = await client.get("files/appended");
    expect(same(got.content, whole)).toBe("same");
    expect(got.file.etag).toBe(sha256(whole));
  });

  test("eight at the same time, from two clients: each lands once and in one piece", async () => {
    const clients = [client, await cluster.client()];
    const parts = Array.from({ length: 8 }, (_, index) => Buffer.alloc(200_000 + index, index + 1));
    const append = async (part: Buffer, index: number) => clients[index % 2]?.append("files/appended-at-once", part);
    await Promise.all(parts.map(append));
    const { content } = await client.get("files/appended-at-once");
    const seen: number[] = [];
    for (let at = 0; at < content.length;) {
      const part = parts[(content[at] ?? 0) - 1] ?? Buffer.alloc(0);
      expect(same(content.subarray(at, at + part.length), part)).toBe("same");
      seen.push(content[at] ?? 0);
      at += part.length;
    }
    expect(seen.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
