import { afterEach, describe, expect, it } from "@jest/globals";
import type { Log, LogFields } from "@quorumfs/core";
import { QuorumError } from "@quorumfs/core";
import {
  FileServiceService,
  type FileRequest,
  type FileResponse,
  type OperationTrace,
  type SessionRequest,
  type SessionResponse,
  TraceKind,
} from "@quorumfs/proto";
import { OperationLog } from "../../src/follow/operation-log.js";
import { TraceSteps } from "../../src/follow/trace-steps.js";
import { putRequest, SmallCluster } from "../support/small-cluster.js";
import { settle, StepClock } from "../support/step-clock.js";

let cluster: SmallCluster;
afterEach(() => cluster?.close());

/** One request in a session of its own. */
function ask(index: number, request: Omit<FileRequest, "id" | "timeoutMs" | "traceparent">): Promise<FileResponse> {
  const { channel } = cluster.files(index);
  const stream = channel.duplex<SessionRequest, SessionResponse>(FileServiceService.session, {});
  return new Promise((resolve) => {
    stream.onMessage(({ responses }) => {
      const [first] = responses;
      if (first) resolve(first);
    });
    stream.write({ requests: [{ id: 1, timeoutMs: 5000, traceparent: "", ...request }] });
  });
}

const noId = new Uint8Array(0);
const get = (path: string) =>
  ({ $case: "get", value: { bucket: "files", path, consistency: 0, acceptManifest: false } }) as const;
const put = (path: string, content: string) => ({ $case: "put", value: putRequest(path, content) }) as const;

const names = new Map<number, string>(
  Object.entries(TraceKind).map(([name, kind]) => [kind, name.replace("TRACE_KIND_", "").toLowerCase()]),
);

function kinds(trace: OperationTrace | undefined): readonly string[] {
  return (trace?.steps ?? []).map(({ kind, node, detail }) => {
    const name = names.get(kind) ?? "?";
    return kind === TraceKind.TRACE_KIND_ROUND ? `${name} ${detail}` : node === 0 ? name : `${name} ${node}`;
  });
}

describe("an operation that is to be told", () => {
  it("a write: both rounds, who was asked and who answered", async () => {
    cluster = await SmallCluster.start();
    const { trace, result } = await ask(0, { operation: put("a", "1"), operationId: noId, trace: true });
    expect(result?.$case).toBe("put");
    const told = kinds(trace);
    expect(told[0]).toBe("admitted");
    expect(told.at(-1)).toBe("decided");
    const rounds = told.filter((step) => step.startsWith("round"));
    expect(rounds).toEqual(["round prepare", "round accept"]);
    expect(told.filter((step) => step.startsWith("asked"))).toHaveLength(6);
    expect(trace?.leftOut).toBe(0);
    // With the promise that came with its votes the next write goes on without the first round.
    await settle();
    const next = await ask(0, { operation: put("a", "2"), operationId: noId, trace: true });
    expect(kinds(next.trace).filter((step) => step.startsWith("round"))).toEqual(["round accept"]);
  });

  it("a read that fails tells, too: who did not answer, and why", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await cluster.nodes[1]?.close();
    await cluster.nodes[2]?.close();
    await settle();
    const asking = ask(0, { operation: get("a"), operationId: noId, trace: true });
    await cluster.clock.pass(3000);
    const { trace, result } = await asking;
    expect(result?.$case).toBe("error");
    expect(kinds(trace)).toEqual(expect.arrayContaining(["failed 2", "failed 3"]));
    expect(trace?.steps.at(-1)?.detail).toContain("quorum_unavailable");
  });

  it("a slow replica: the others are asked, and the trace says so", async () => {
    cluster = await SmallCluster.start();
    await cluster.files(0).put("a", "1");
    await settle();
    cluster.holdVotesFrom(0);
    const asking = ask(0, { operation: get("a"), operationId: noId, trace: true });
    await cluster.clock.pass(200);
    cluster.network.release();
    const { result, trace } = await asking;
    expect(result?.$case).toBe("get");
    expect(kinds(trace)).toEqual(expect.arrayContaining(["asked 1", "asked 2", "asked 3", "hedged"]));
  });

  it("nobody asks for it: there is none", async () => {
    cluster = await SmallCluster.start();
    const { trace } = await ask(0, { operation: put("a", "1"), operationId: noId, trace: false });
    expect(trace).toBeUndefined();
  });

  it("an operation id of another length is refused", async () => {
    cluster = await SmallCluster.start();
    const { result } = await ask(0, { operation: get("a"), operationId: new Uint8Array(15), trace: false });
    expect(result).toMatchObject({ $case: "error", value: { message: expect.stringContaining("operation id") } });
  });
});

describe("steps", () => {
  it("are told up to a limit, and how many were left out", () => {
    const steps = new TraceSteps(new StepClock());
    for (let index = 0; index < 300; index += 1) steps.add(TraceKind.TRACE_KIND_ASKED, { node: index });
    const { steps: told, leftOut } = steps.toMessage();
    expect([told.length, leftOut]).toEqual([256, 44]);
  });
});

class RecordingLog implements Log {
  readonly lines: { readonly level: string; readonly event: string; readonly fields: LogFields }[] = [];
  readonly #at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void this.lines.push({ level, event, fields: JSON.parse(JSON.stringify(fields)) as LogFields });
  readonly debug = this.#at("debug");
  readonly info = this.#at("info");
  readonly warn = this.#at("warn");
  readonly error = this.#at("error");
  child(): Log {
    return this;
  }
}

describe("what is written down", () => {
  const about = { operation: "get", bucket: "files", path: "a", requestId: new Uint8Array(16).fill(0xab) };
  const error = new QuorumError({ code: "quorum_unavailable", message: "needed 2 answers, got 1" });

  it("failures by the id that the client knows, ordinary ones for those who look closely", () => {
    const log = new RecordingLog();
    const operations = new OperationLog({ clock: new StepClock(), log });
    operations.failed(about, error, 12.3);
    operations.failed(about, new QuorumError({ code: "not_found", message: "a does not exist" }), 1);
    operations.slow(about, 1500);
    expect(log.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      "warn file.failed",
      "debug file.failed",
      "warn file.slow",
    ]);
    expect(log.lines[0]?.fields).toMatchObject({ requestId: "ab".repeat(16), code: "quorum_unavailable", tookMs: 12 });
  });

  it("no more than so many a second, and how many were left out", async () => {
    const log = new RecordingLog();
    const clock = new StepClock();
    const operations = new OperationLog({ clock, log });
    for (let index = 0; index < 1000; index += 1) operations.failed(about, error, 1);
    expect(log.lines).toHaveLength(20);
    await clock.pass(1000);
    operations.failed(about, error, 1);
    expect(log.lines.at(-1)?.fields).toMatchObject({ leftOut: 980 });
  });
});
