import { afterEach, describe, expect, it } from "@jest/globals";
import { createHash } from "node:crypto";
import { inlineBytesMax } from "@quorumfs/core";
import { SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster.close());

const etagOf = (content: string) => Uint8Array.from(createHash("sha256").update(content).digest());
const idOf = (text: string) => new Uint8Array(16).fill(text.charCodeAt(0));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("file service (N=3 R=2 W=2)", () => {
  it("put, then get from each node: the same content, version and etag", async () => {
    cluster = await SmallCluster.start();
    const put = await cluster.files(0).put("a/b", "hello");
    for (const index of [0, 1, 2]) {
      const got = await cluster.files(index).get("a/b");
      expect(text(got.content)).toBe("hello");
      expect(got.file).toMatchObject({ path: "a/b", version: put.file?.version, size: 5 });
      expect(Uint8Array.from(got.file?.etag ?? [])).toEqual(etagOf("hello"));
    }
    expect(put.vote?.nodes.length).toBeGreaterThanOrEqual(2);
    expect([...(put.vote?.replicas ?? [])].sort()).toEqual([1, 2, 3]);
  });

  it("stat says the same without content; attributes come back", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "hello", { attributes: new Map([["__proto__", "x"]]) });
    const { file } = await cluster.files(1).stat("a");
    expect(file).toMatchObject({ size: 5 });
    expect([...(file?.attributes ?? [])]).toEqual([["__proto__", "x"]]);
  });

  it("delete, then get: not found; written again, the version goes on", async () => {
    cluster = await SmallCluster.start();
    const first = await cluster.files(0).put("a", "1");
    const deleted = await cluster.files(0).delete("a");
    await expect(cluster.files(1).get("a")).rejects.toMatchObject({ code: "not_found" });
    await expect(cluster.files(1).delete("a")).rejects.toMatchObject({ code: "not_found" });
    const second = await cluster.files(2).put("a", "2");
    expect(first.file?.version).toBeLessThan(deleted.version);
    expect(deleted.version).toBeLessThan(second.file?.version ?? 0);
  });

  it("conditions: only what holds takes effect, and the error tells the version that is there", async () => {
    cluster = await SmallCluster.start();
    const files = cluster.files(0);
    const { file } = await files.put("a", "1", { condition: { $case: "ifAbsent", value: true } });
    const currentVersion = file?.version ?? 0;
    const absent = { condition: { $case: "ifAbsent", value: true } } as const;
    await expect(cluster.files(1).put("a", "2", absent)).rejects.toMatchObject({
      code: "precondition_failed",
      details: { currentVersion },
    });
    const other = { condition: { $case: "ifVersion", value: currentVersion + 7 } } as const;
    await expect(files.put("a", "2", other)).rejects.toMatchObject({ code: "precondition_failed" });
    await expect(files.put("b", "2", other)).rejects.toMatchObject({ details: { currentVersion: 0 } });
    await files.put("a", "3", { condition: { $case: "ifMatch", value: etagOf("1") } });
    expect(text((await files.get("a")).content)).toBe("3");
  });

  it("one request id sent twice: one effect, one version", async () => {
    cluster = await SmallCluster.start();
    const request = { requestId: idOf("x") };
    const first = await cluster.files(0).put("a", "1", request);
    const again = await cluster.files(1).put("a", "1", { ...request, mayHaveRun: true });
    expect(again.file?.version).toBe(first.file?.version);
  });

  it("a repeated request that was overwritten meanwhile is told of its own version", async () => {
    cluster = await SmallCluster.start();
    const request = { requestId: idOf("x") };
    const first = await cluster.files(0).put("a", "1", request);
    await cluster.files(0).put("a", "other");
    const again = await cluster.files(1).put("a", "1", { ...request, mayHaveRun: true });
    expect(again.file).toMatchObject({ version: first.file?.version, size: 1 });
  });

  it("errors of a mutation carry its request id", async () => {
    cluster = await SmallCluster.start();
    await expect(cluster.files(0).delete("a", { requestId: idOf("x") })).rejects.toMatchObject({
      details: { requestId: "78".repeat(16) },
    });
  });

  const refused: readonly (readonly [string, (files: ReturnType<SmallCluster["files"]>) => Promise<unknown>])[] = [
    ["path with ..", (files) => files.put("a/../b", "")],
    ["empty path", (files) => files.get("")],
    ["path of 1,025 bytes", (files) => files.put("x".repeat(1025), "")],
    ["bucket name with capitals", (files) => files.get("a", "Files")],
    ["content above the limit", (files) => files.put("a", "x".repeat(inlineBytesMax + 1))],
    ["etag of another content", (files) => files.put("a", "x", { etag: etagOf("y") })],
    ["request id of 15 bytes", (files) => files.put("a", "x", { requestId: new Uint8Array(15) })],
    ["repeated without a request id", (files) => files.put("a", "x", { mayHaveRun: true })],
    ["if_version 0", (files) => files.put("a", "x", { condition: { $case: "ifVersion", value: 0 } })],
    [
      "if_match of 5 bytes",
      (files) => files.put("a", "x", { condition: { $case: "ifMatch", value: new Uint8Array(5) } }),
    ],
    ["delete if absent", (files) => files.delete("a", { condition: { $case: "ifAbsent", value: true } })],
    [
      "17 attributes",
      (files) => files.put("a", "", { attributes: new Map(Array.from({ length: 17 }, (_, i) => [`${i}`, ""])) }),
    ],
    ["attributes of 3 KiB", (files) => files.put("a", "", { attributes: new Map([["a", "x".repeat(3072)]]) })],
    ["page of 10,001", (files) => files.list({ limit: 10_001 })],
  ];
  it.each(refused)("refused with invalid_argument: %s", async (_name, operation) => {
    cluster = await SmallCluster.start();
    await expect(operation(cluster.files(0))).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("a bucket that nobody knows: not found, once the SuperNode was asked", async () => {
    cluster = await SmallCluster.start();
    await expect(cluster.files(0).get("a", "nowhere")).rejects.toMatchObject({ code: "not_found" });
    cluster.network.kill("super:1");
    await settle();
    await expect(cluster.files(0).get("a", "nowhere")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("before the cluster has formed: unavailable, saying what is missing", async () => {
    cluster = await SmallCluster.start({ nodes: 2, replicas: 3 });
    await expect(cluster.files(0).put("a", "")).rejects.toMatchObject({
      code: "unavailable",
      message: "cluster is forming: 2 of 3 DataNodes have joined",
    });
  });

  it("above the limit of operations: refused at once, and let in again afterwards", async () => {
    cluster = await SmallCluster.start({ config: { limits: { operationsMax: 1, contentBytesMax: 1000 } } });
    cluster.holdVotesFrom(0);
    const held = cluster.files(0).put("a", "1");
    await settle();
    await expect(cluster.files(0).get("b")).rejects.toMatchObject({
      code: "resource_exhausted",
      details: { retryAfterMs: 25 },
    });
    cluster.network.release();
    await held;
    await expect(cluster.files(0).get("b")).rejects.toMatchObject({ code: "not_found" });
  });

  it("relaxed: one replica answers even when no quorum is left", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "hello");
    await settle();
    for (const index of [1, 2]) await cluster.nodes[index]?.close();
    const { channel } = cluster.files(0);
    const { FileServiceService } = await import("@quorumfs/proto");
    const request = { bucket: "files", path: "a", consistency: 2, acceptManifest: false } as const;
    const got = await channel.unary(FileServiceService.get, request, { timeoutMs: 1000 });
    expect(text(got.content)).toBe("hello");
    await expect(cluster.files(0).get("a")).rejects.toMatchObject({
      code: "quorum_unavailable",
      details: { needed: 2, got: 1 },
    });
  });
});
