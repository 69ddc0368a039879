import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { openTracing, type Tracing } from "@quorumfs/telemetry";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { type OtlpReceiver, otlpReceiver, type ReceivedSpan } from "./otlp-receiver.js";

describe("traces and explanations of a real cluster (N=3 R=2 W=2)", () => {
  let receiver: OtlpReceiver;
  let ofClient: Tracing;
  let ofNodes: Tracing;
  let cluster: LocalCluster;
  let traced: QuorumFs;

  beforeAll(async () => {
    receiver = await otlpReceiver();
    const open = (serviceName: string) =>
      openTracing({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint }, serviceName, version: "1" });
    [ofClient, ofNodes] = [await open("client"), await open("datanode")];
    cluster = await startCluster({ nodes: 4, replicas: 3, tracer: ofNodes.tracer });
    traced = await cluster.client({ tracer: ofClient.tracer });
  });

  afterAll(async () => {
    await cluster.close();
    await Promise.all([ofClient.close(), ofNodes.close()]);
    await receiver[Symbol.asyncDispose]();
  });

  test("a large file: who has how many of its chunks", async () => {
    const client = await cluster.client();
    await client.put("files/large", Buffer.alloc(9_000_000, 7));
    await cluster.waitUntil("every chunk is on its three nodes", async () => {
      const { chunkHolders } = await client.explain("files/large");
      return chunkHolders.reduce((sum, { held }) => sum + held, 0) === 9;
    });
    const told = await client.explain("files/large");
    expect(told).toMatchObject({ verdict: "found", version: { size: 9_000_000, chunks: 3 } });
    expect(told.chunkHolders.reduce((sum, { wanted }) => sum + wanted, 0)).toBe(9);
    for (const { node, copy } of told.votes) {
      const holder = told.chunkHolders.find((each) => each.node === node);
      expect(copy?.chunksHeld).toBe(holder?.held ?? 0);
    }
  });

  test("a result tells how it came about, and an error, too", async () => {
    const client = await cluster.client();
    const put = await client.put("files/told", "1", { trace: true });
    expect(put.trace?.operationId).toMatch(/^[0-9a-f]{32}$/);
    const kinds = put.trace?.steps.map(({ kind }) => kind) ?? [];
    expect(kinds[0]).toBe("attempt");
    expect(kinds.at(-1)).toBe("decided");
    expect(put.trace?.steps.filter(({ kind }) => kind === "round").map(({ detail }) => detail)).toEqual([
      "prepare",
      "accept",
    ]);
    const { trace } = await client.get("files/told", { trace: true });
    expect(trace?.steps.filter(({ kind }) => kind === "answered").length).toBeGreaterThanOrEqual(3);
    expect((await client.get("files/told")).trace).toBeUndefined();

    const failed = await client
      .delete("files/none", { trace: true })
      .catch((thrown: unknown) => QuorumError.from(thrown));
    expect(failed).toMatchObject({ code: "not_found", details: { trace: { leftOut: 0 } } });
  });

  test("a stream tells of its chunks when it has ended", async () => {
    const client = await cluster.client();
    await client.put("files/stream", Buffer.alloc(500_000, 3));
    const result = await client.read("files/stream", { trace: true });
    for await (const _ of result.body);
    expect(result.trace?.steps.map(({ kind }) => kind)).toContain("transfer");
    expect(result.trace?.steps.at(-1)).toMatchObject({ kind: "decided", detail: "done" });
  });

  test("one trace from the client through the coordinator to the replicas and their disks", async () => {
    await traced.put("files/spans", "1");
    await traced.get("files/spans");
    const spansOf = (verb: string): readonly ReceivedSpan[] => {
      const root = receiver.spans.find(
        ({ service, name, attributes }) =>
          service === "client" && name === verb && attributes.get("quorumfs.file") === "files/spans",
      );
      return root ? receiver.spans.filter(({ traceId }) => traceId === root.traceId) : [];
    };
    await cluster.waitUntil("the collector has the spans of the write and the read", async () => {
      const names = spansOf("put").map(({ name }) => name);
      return names.filter((name) => name === "disk commit").length >= 2 && spansOf("get").length >= 5;
    });
    const written = spansOf("put");
    const parentOf = ({ parent }: ReceivedSpan) => written.find(({ spanId }) => spanId === parent)?.name;
    const lineage = new Set(written.map((span) => `${span.service}: ${span.name} in ${parentOf(span) ?? "nothing"}`));
    expect([...lineage].sort()).toEqual([
      "client: put in nothing",
      "datanode: coordinate put in put",
      "datanode: disk commit in vote accept",
      "datanode: disk commit in vote prepare",
      "datanode: round accept in coordinate put",
      "datanode: round prepare in coordinate put",
      "datanode: vote accept in round accept",
      "datanode: vote prepare in round prepare",
    ]);
    const operationId = written.find(({ parent }) => parent === "")?.attributes.get("quorumfs.operation_id");
    expect(operationId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("nodes that are gone: the verdict, and what it would take", async () => {
    const client = await cluster.client();
    await client.put("files/gone", "1");
    const { votes } = await client.explain("files/gone");
    const [first, second] = votes.map(({ node }) => node);
    await cluster.kill(first ?? 0);
    const one = await client.explain("files/gone");
    expect(one.verdict).toBe("found");
    expect(one.votes.find(({ node }) => node === first)).toMatchObject({ counted: false, copy: undefined });
    await cluster.kill(second ?? 0);
    const two = await client.explain("files/gone");
    expect(two).toMatchObject({ verdict: "no_quorum", version: undefined });
    expect(two.readNeeds).toContain("it fails until");
    const failed = await client
      .get("files/gone", { timeoutMs: 1500, trace: true })
      .catch((thrown: unknown) => QuorumError.from(thrown));
    expect(failed).toMatchObject({
      code: "quorum_unavailable",
      details: { requestId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
  });
});
