import { afterEach, describe, expect, it } from "@jest/globals";
import { type OperationTrace, type Random, QuorumError } from "@quorumfs/core";
import { ErrorCode, TraceKind } from "@quorumfs/proto";
import { explanationText } from "../../src/cli/explain-text.js";
import { Printer } from "../../src/cli/printer.js";
import { traceText } from "../../src/cli/trace-text.js";
import { OperationIds } from "../../src/follow/operation-ids.js";
import type { Explanation, QuorumFs } from "../../src/index.js";
import { TestTerminal } from "../fakes/cli.js";
import { errorResult, FakeCluster, resultOf } from "../fakes/fake-cluster.js";

let client: QuorumFs | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
});

async function open(cluster: FakeCluster): Promise<QuorumFs> {
  client = await cluster.connect();
  return client;
}

const failed = (thrown: unknown) => QuorumError.from(thrown);
const kindsOf = (trace: OperationTrace | undefined) => trace?.steps.map(({ kind }) => kind);

describe("operation ids", () => {
  it("a read has one, the same for all attempts, and another than the next; a mutation has its request id", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    let first = true;
    cluster.react = (_node, request) => {
      if (!first) return resultOf(request);
      first = false;
      return "break";
    };
    await cluster.clock.settle(fs.get("files/x"));
    await cluster.clock.settle(fs.stat("files/x"));
    await cluster.clock.settle(fs.put("files/x", "1"));
    const ids = cluster.operations.map(({ request }) => Buffer.from(request.operationId).toString("hex"));
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids.at(-1)).toBe("");
  });

  it("are different, by the thousand, and those of two clients as well", () => {
    const random = (seed: number): Random => ({
      fraction: () => 0.5,
      bytes: (length) => Uint8Array.from({ length }, (_, index) => seed + index),
    });
    const [one, other] = [new OperationIds(random(1)), new OperationIds(random(2))];
    const ids = Array.from({ length: 1000 }, () => [one.next(), other.next()]).flat();
    expect(ids.every((id) => id.length === 16)).toBe(true);
    expect(new Set(ids.map((id) => Buffer.from(id).toString("hex"))).size).toBe(2000);
  });

  it("the error of a read names it, unless it only says that there is no such file", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    cluster.react = () => errorResult(ErrorCode.ERROR_CODE_PERMISSION_DENIED);
    const { details } = await cluster.clock.settle(fs.get("files/x").catch(failed)).then(failed);
    const sent = cluster.operations[0]?.request.operationId ?? new Uint8Array(0);
    expect(details.requestId).toBe(Buffer.from(sent).toString("hex"));
    cluster.react = () => errorResult(ErrorCode.ERROR_CODE_NOT_FOUND);
    const absent = await cluster.clock.settle(fs.get("files/x").catch(failed)).then(failed);
    expect(absent.details.requestId).toBeUndefined();
  });
});

describe("an operation with trace", () => {
  it("asks its coordinator to tell, and tells its own attempts around that", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    let attempts = 0;
    cluster.react = (_node, request) => {
      attempts += 1;
      return attempts === 1 ? errorResult(ErrorCode.ERROR_CODE_UNAVAILABLE) : resultOf(request);
    };
    const { trace } = await cluster.clock.settle(fs.stat("files/x", { trace: true }));
    expect(cluster.operations.map(({ request }) => request.trace)).toEqual([true, true]);
    expect(kindsOf(trace)).toEqual(["attempt", "answered", "attempt", "answered", "decided"]);
    expect(trace?.steps[2]?.detail).toBe("stat, attempt 2");
  });

  it("without it nobody is asked to, and nothing is told", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    const result = await cluster.clock.settle(fs.stat("files/x"));
    expect(cluster.operations.map(({ request }) => [request.trace, request.traceparent])).toEqual([[false, ""]]);
    expect("trace" in result).toBe(false);
  });

  it("an error tells as well, with the nodes that could not be reached", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    for (const id of [1, 2, 3]) cluster.killNode(id);
    const error = await cluster.clock
      .settle(fs.get("files/x", { trace: true, timeoutMs: 500 }).catch(failed))
      .then(failed);
    expect(kindsOf(error.details.trace)).toEqual(expect.arrayContaining(["attempt", "failed", "waited", "decided"]));
  });

  it("a coordinator's steps stand where it was asked, under its number", async () => {
    const cluster = new FakeCluster();
    const fs = await open(cluster);
    const step = {
      atUs: 1500,
      kind: TraceKind.TRACE_KIND_ASKED,
      node: 2,
      tookUs: 0,
      ballot: undefined,
      detail: "read",
    };
    cluster.trace = { steps: [step], leftOut: 3 };
    const { trace } = await cluster.clock.settle(fs.stat("files/x", { trace: true }));
    const told = trace?.steps.find(({ kind }) => kind === "asked");
    expect(told).toMatchObject({ coordinator: trace?.steps[0]?.node, node: 2, detail: "read" });
    expect(told?.atMs).toBeCloseTo((trace?.steps[0]?.atMs ?? 0) + 1.5);
    expect(trace?.leftOut).toBe(3);
  });
});

describe("for people", () => {
  const trace: OperationTrace = {
    operationId: "ab".repeat(16),
    steps: [
      { atMs: 0.5, kind: "attempt", coordinator: undefined, node: 1, tookMs: 0, ballot: undefined, detail: "put" },
      {
        atMs: 2.25,
        kind: "nacked",
        coordinator: 1,
        node: 3,
        tookMs: 1.5,
        ballot: undefined,
        detail: "promised 9\u001b[2J",
      },
      {
        atMs: 1,
        kind: "round",
        coordinator: 1,
        node: undefined,
        tookMs: 0,
        ballot: { counter: 4, node: 1, incarnation: 2 },
        detail: "prepare",
      },
      {
        atMs: 9,
        kind: "decided",
        coordinator: undefined,
        node: undefined,
        tookMs: 9,
        ballot: undefined,
        detail: "done",
      },
    ],
    leftOut: 1,
  };

  it("a trace reads in the order of time, and shows nothing that a terminal would obey", () => {
    expect(traceText(trace).split("\n")).toEqual([
      `request ${"ab".repeat(16)}`,
      "      0.5 ms  client        asks DataNode 1: put",
      "      1.0 ms  DataNode 1    round of prepare, ballot 4.1.2",
      "      2.3 ms  DataNode 1      replica 3 after 1.5 ms refuses: promised 9\\u001b[2J",
      "      9.0 ms  client        done, after 9.0 ms",
      "  and 1 step more",
    ]);
  });

  it("an error names the request by which DataNodes log it, where looking there makes sense", () => {
    const terminal = new TestTerminal();
    const printer = new Printer(terminal, "table");
    const details = { requestId: "cd".repeat(16) };
    printer.problem(new QuorumError({ code: "quorum_unavailable", message: "needed 2 answers, got 1", details }));
    printer.problem(new QuorumError({ code: "not_found", message: "files/x does not exist", details }));
    expect(terminal.err.split("\n")).toEqual([
      `quorumfs: needed 2 answers, got 1 [request ${"cd".repeat(16)}]`,
      "quorumfs: files/x does not exist",
      "",
    ]);
  });

  it("an explanation: the verdict first, a table of votes, why, and what it takes", () => {
    const copy = {
      state: "good",
      promised: undefined,
      accepted: { counter: 7, node: 1, incarnation: 2 },
      committed: undefined,
      version: 7,
      size: 12,
      etag: "",
      modifiedAt: new Date(0),
      deleted: false,
      floor: 0,
      chunksWanted: 0,
      chunksHeld: 0,
    } as const;
    const explanation: Explanation = {
      name: "files/x",
      bucket: "files",
      path: "x",
      partition: 3,
      layout: 1,
      coordinator: 1,
      replicas: 3,
      readQuorum: 2,
      writeQuorum: 2,
      promiseQuorum: 2,
      durability: "fsync",
      joint: false,
      verdict: "found",
      version: {
        version: 7,
        ballot: copy.accepted,
        size: 12,
        etag: "",
        modifiedAt: new Date(0),
        deleted: false,
        chunks: 0,
      },
      votes: [
        { node: 1, address: "a:1", zone: "z", group: "current", counted: true, latencyMs: 0, copy, failure: undefined },
        {
          node: 2,
          address: "b:2",
          zone: "",
          group: "current",
          counted: false,
          latencyMs: 9,
          copy: undefined,
          failure: "refused",
        },
      ],
      reasons: ["Node 1 answered."],
      readNeeds: "A read needs 2 answers of 3.",
      writeNeeds: "A write needs 2 acknowledgements of 3.",
      chunkHolders: [],
    };
    const text = explanationText(explanation);
    expect(text).toContain(
      "files/x: version 7, 12 B, of 1970-01-01 00:00:00Z\n  N=3 R=2 W=2, fsync; partition 3 of layout 1",
    );
    expect(text).toMatch(/1 +a:1 +z +yes +good +7 +12 B +7\.1\.2/);
    expect(text).toMatch(/2 +b:2 +- +no +no answer/);
    expect(text).toContain("   1. Node 1 answered.");
    expect(text).toContain("Write:  A write needs 2 acknowledgements of 3.");
  });
});
