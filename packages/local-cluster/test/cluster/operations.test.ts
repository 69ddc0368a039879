import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ListEntry, QuorumFs } from "@quorumfs/client";
import { inlineBytesMax, QuorumError } from "@quorumfs/core";
import { type LocalCluster, startCluster } from "../../src/index.js";

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  client = await cluster.client();
});

afterAll(() => cluster.close());

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const names = (entries: readonly ListEntry[]) => entries.map(({ kind, path }) => (kind === "file" ? path : `${path}*`));

describe("a file", () => {
  test("put, get, stat: content, version, etag, voters", async () => {
    const put = await client.put("files/a/report.txt", "first", { attributes: { author: "Ada" } });
    expect(put.file).toMatchObject({ name: "files/a/report.txt", bucket: "files", path: "a/report.txt", size: 5 });
    expect(put.file.etag).toBe(createHash("sha256").update("first").digest("hex"));
    expect(put.acknowledged.length).toBeGreaterThanOrEqual(2);
    expect([...put.replicas].sort()).toEqual([1, 2, 3]);
    expect(put.durability).toBe("fsync");

    const got = await client.get("files/a/report.txt");
    expect(text(got.content)).toBe("first");
    expect(got.file).toEqual(put.file);
    expect(got.file.attributes).toEqual({ author: "Ada" });
    expect((await client.stat("files/a/report.txt")).file).toEqual(put.file);
    expect(Math.abs(got.file.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  test("overwritten: the version grows, the content is the new one", async () => {
    const first = await client.put("files/overwritten", "1");
    const second = await client.put("files/overwritten", "2");
    expect(second.file.version).toBeGreaterThan(first.file.version);
    expect(text((await client.get("files/overwritten")).content)).toBe("2");
  });

  test("deleted: not found; written again it goes on counting", async () => {
    const put = await client.put("files/deleted", "x");
    const deleted = await client.delete("files/deleted");
    expect(deleted.version).toBeGreaterThan(put.file.version);
    await expect(client.get("files/deleted")).rejects.toMatchObject({ code: "not_found" });
    await expect(client.stat("files/deleted")).rejects.toMatchObject({ code: "not_found" });
    await expect(client.delete("files/deleted")).rejects.toMatchObject({ code: "not_found" });
    expect((await client.put("files/deleted", "y")).file.version).toBeGreaterThan(deleted.version);
  });

  test("empty, binary, and as large as a record takes", async () => {
    for (const content of [
      new Uint8Array(0),
      Uint8Array.from({ length: 256 }, (_, index) => index),
      new Uint8Array(inlineBytesMax).fill(7),
    ]) {
      await client.put("files/bytes", content);
      expect(Buffer.compare((await client.get("files/bytes")).content, content)).toBe(0);
    }
  });

  test("names with other scripts, spaces and signs", async () => {
    for (const path of [
      "žluťoučký kůň.txt",
      "日本語/ファイル",
      "a b/c+d=e&f?g#h%2F",
      "😀",
      "__proto__",
      "constructor",
    ]) {
      await client.put(`files/${path}`, path);
      expect(text((await client.get(`files/${path}`)).content)).toBe(path);
      await client.delete(`files/${path}`);
    }
  });

  test("one request id, sent twice: one effect", async () => {
    const requestId = "00112233445566778899aabbccddeeff";
    const first = await client.put("files/once", "x", { requestId });
    const again = await client.put("files/once", "x", { requestId, mayHaveRun: true });
    expect(again.file.version).toBe(first.file.version);
  });

  test("a signal that was given already: cancelled", async () => {
    await expect(client.get("files/a", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("conditions", () => {
  test("ifAbsent: once, and again after a delete", async () => {
    await client.put("files/absent", "1", { ifAbsent: true });
    await expect(client.put("files/absent", "2", { ifAbsent: true })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    expect(text((await client.get("files/absent")).content)).toBe("1");
    await client.delete("files/absent");
    await client.put("files/absent", "3", { ifAbsent: true });
  });

  test("ifVersion and ifMatch: only the present one passes; the error tells it", async () => {
    const first = (await client.put("files/guarded", "1")).file;
    const second = (await client.put("files/guarded", "2", { ifVersion: first.version })).file;
    await expect(client.put("files/guarded", "3", { ifVersion: first.version })).rejects.toMatchObject({
      code: "precondition_failed",
      details: { currentVersion: second.version },
    });
    await expect(client.put("files/guarded", "3", { ifMatch: first.etag })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    await client.put("files/guarded", "3", { ifMatch: second.etag });
    await expect(client.delete("files/guarded", { ifVersion: second.version })).rejects.toMatchObject({
      code: "precondition_failed",
    });
    expect(text((await client.get("files/guarded")).content)).toBe("3");
  });
});

describe("listing", () => {
  const paths = ["a", "a-b", "a/1", "a/2/x", "a/2/y", "b/1", "ä", "z", "\u{e000}", "\u{10000}"];

  beforeAll(async () => {
    await client.buckets.create("listed");
    await Promise.all(paths.map((path) => client.put(`listed/${path}`, path)));
    await client.put("listed/gone", "x");
    await client.delete("listed/gone");
  });

  test("in byte order of path, without what was deleted", async () => {
    const entries = await collect(client.list("listed"));
    expect(names(entries)).toEqual([...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  test("page by page it is the same", async () => {
    const whole = names(await collect(client.list("listed")));
    for (const pageSize of [1, 2, 3, 7]) {
      expect(names(await collect(client.list("listed", { pageSize })))).toEqual(whole);
    }
  });

  test("prefix, delimiter, after", async () => {
    expect(names(await collect(client.list("listed", { prefix: "a/" })))).toEqual(["a/1", "a/2/x", "a/2/y"]);
    expect(names(await collect(client.list("listed", { prefix: "a/", delimiter: "/" })))).toEqual(["a/1", "a/2/*"]);
    expect(names(await collect(client.list("listed", { delimiter: "/", pageSize: 1 })))).toEqual([
      "a",
      "a-b",
      "a/*",
      "b/*",
      "z",
      "ä",
      "\u{e000}",
      "\u{10000}",
    ]);
    expect(names(await collect(client.list("listed", { after: "a/2/x", prefix: "a" })))).toEqual(["a/2/y"]);
  });

  test("a bucket without files, and one that does not exist", async () => {
    await client.buckets.create("without-files");
    expect(await collect(client.list("without-files"))).toEqual([]);
    await expect(collect(client.list("nowhere"))).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("names that are none", () => {
  const bad = [
    ["..", "files/a/../b"],
    [".", "files/./b"],
    ["NUL", "files/a\0b"],
    ["a control character", "files/a\nb"],
    ["an empty segment", "files/a//b"],
    ["a leading slash", "files//a"],
    ["a trailing slash", "files/a/"],
    ["no path", "files/"],
    ["no bucket", "just-a-name"],
    ["1,025 bytes", `files/${"x".repeat(1025)}`],
    ["a lone surrogate", "files/a\ud800"],
    ["a bucket name with capitals", "Files/a"],
    ["__proto__ as a bucket", "__proto__/a"],
  ] as const;

  test.each(bad)("%s: invalid_argument for put, get, stat, delete", async (_what, name) => {
    for (const attempt of [client.put(name, "x"), client.get(name), client.stat(name), client.delete(name)]) {
      await expect(attempt).rejects.toMatchObject({ code: "invalid_argument" });
    }
  });

  test("1,024 bytes are a path", async () => {
    await client.put(`files/${"x".repeat(1024)}`, "x");
    await client.delete(`files/${"x".repeat(1024)}`);
  });

  test("a bucket that does not exist: not_found", async () => {
    await expect(client.put("nowhere/a", "x")).rejects.toMatchObject({ code: "not_found" });
    await expect(client.get("nowhere/a")).rejects.toMatchObject({ code: "not_found" });
    await expect(client.put("constructor/a", "x")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("buckets", () => {
  test("the first one is there with majorities", async () => {
    expect(await client.buckets.info("files")).toMatchObject({
      replicas: 3,
      readQuorum: 2,
      writeQuorum: 2,
      durability: "fsync",
    });
  });

  test.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [4, 2],
    [0.5, 3],
  ])("R=%d W=%d of 3: refused", async (readQuorum, writeQuorum) => {
    const made = client.buckets.create("refused", { readQuorum, writeQuorum });
    await expect(made).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(client.buckets.info("refused")).rejects.toMatchObject({ code: "not_found" });
  });

  test("a name is given once", async () => {
    await client.buckets.create("given-once");
    await expect(client.buckets.create("given-once")).rejects.toMatchObject({ code: "precondition_failed" });
  });

  test("W=3: all three acknowledge", async () => {
    await client.buckets.create("all-three", { writeQuorum: 3 });
    expect(await client.buckets.info("all-three")).toMatchObject({ readQuorum: 1, writeQuorum: 3 });
    const put = await client.put("all-three/a", "x");
    expect([...put.acknowledged].sort()).toEqual([1, 2, 3]);
    expect(text((await client.get("all-three/a")).content)).toBe("x");
  });

  test("memory: said in every answer", async () => {
    await client.buckets.create("quick", { durability: "memory" });
    expect((await client.put("quick/a", "x")).durability).toBe("memory");
    expect((await client.get("quick/a")).durability).toBe("memory");
    expect((await client.buckets.info("quick")).durability).toBe("memory");
  });

  test("deleted only when empty; made anew it is another, and empty", async () => {
    const { id } = await client.buckets.create("short-lived");
    await client.put("short-lived/a", "x");
    await expect(client.buckets.delete("short-lived")).rejects.toMatchObject({ code: "precondition_failed" });
    await client.delete("short-lived/a");
    await client.buckets.delete("short-lived");
    await expect(client.buckets.delete("short-lived")).rejects.toMatchObject({ code: "not_found" });
    // An attempt that a busy machine keeps from its answer leaves a doubt, which is no word on the bucket.
    await cluster.waitUntil("a put is told that there is no such bucket", async () => {
      const refusal = await client.put("short-lived/a", "x").then(
        () => undefined,
        (thrown: unknown) => QuorumError.from(thrown),
      );
      expect(["not_found", "unknown_outcome"]).toContain(refusal?.code);
      return refusal?.code === "not_found";
    });
    expect((await client.buckets.create("short-lived")).id).not.toBe(id);
    await expect(client.get("short-lived/a")).rejects.toMatchObject({ code: "not_found" });
    await client.put("short-lived/a", "y");
  });
});

describe("state", () => {
  test("every file with its holders, and a summary", async () => {
    await client.buckets.create("surveyed");
    for (const path of ["b", "a", "c/d"]) await client.put(`surveyed/${path}`, "12345");
    await cluster.waitUntil("all three files are on three nodes", async () => {
      const files = await collect(client.state({ bucket: "surveyed" }));
      return files.every(({ holders }) => holders.length === 3);
    });
    const query = client.state({ bucket: "surveyed" });
    const files = await collect(query);
    expect(files.map(({ path }) => path)).toEqual(["a", "b", "c/d"]);
    expect(files[0]).toMatchObject({ name: "surveyed/a", size: 5, holders: [1, 2, 3], behind: [] });
    expect(query.summary).toMatchObject({ files: 3, bytes: 15, underReplicated: 0, unreachable: [] });
    expect(await cluster.replicaCount("surveyed/a")).toBe(3);
    expect(await cluster.replicaCount("surveyed/nothing")).toBe(0);
  });

  test("of one node, and of a prefix", async () => {
    const ofNode = await collect(client.state({ bucket: "surveyed", node: 2 }));
    expect(ofNode.map(({ path }) => path)).toEqual(["a", "b", "c/d"]);
    expect((await collect(client.state({ bucket: "surveyed", prefix: "c/" }))).map(({ path }) => path)).toEqual([
      "c/d",
    ]);
    await expect(collect(client.state({ node: 99 }))).rejects.toMatchObject({ code: "not_found" });
  });

  test("status and nodes", async () => {
    const status = await client.status();
    expect(status).toMatchObject({ ready: true, condition: "ready", replicas: 3, layout: 1 });
    expect(status.nodes.map(({ id, state }) => [id, state])).toEqual([
      [1, "up"],
      [2, "up"],
      [3, "up"],
    ]);
    expect((await client.nodes()).map(({ address }) => address)).toEqual(cluster.nodes.map(({ address }) => address));
  });
});

describe("relaxed", () => {
  test("one replica's word is enough", async () => {
    await client.put("files/relaxed", "x");
    await cluster.waitUntil("all have it", async () => (await cluster.replicaCount("files/relaxed")) === 3);
    const got = await client.get("files/relaxed", { consistency: "relaxed" });
    expect(text(got.content)).toBe("x");
    expect(got.acknowledged).toHaveLength(1);
  });
});
