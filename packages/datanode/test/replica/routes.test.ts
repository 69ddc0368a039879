import { afterEach, describe, expect, test } from "@jest/globals";
import type { Channel, Listener, ReplicaReply, ReplicaRequest, Value } from "@quorumfs/core";
import {
  ReplicaServiceService,
  type ExchangeRequest,
  type ExchangeResponse,
  type ReplicaRequest as RequestMessage,
  type ReplicaResponse as ResponseMessage,
  ScanPart,
  type ScanWindowRequest,
  type ScanWindowResponse,
} from "@quorumfs/proto";
import { grpcNetwork, Lane } from "@quorumfs/rpc";
import { silentLog, systemClock, systemRandom } from "@quorumfs/runtime";
import { noTracer } from "@quorumfs/telemetry/lean";
import { OperationLog } from "../../src/follow/operation-log.js";
import { LaneMeter } from "../../src/observe/lane-meter.js";
import type { ReplicaContext } from "../../src/replica/replica-context.js";
import { replicaRoutes, type ReplicaRoutes } from "../../src/replica/routes.js";
import { rangePageFromWire, replyFromWire, requestToWire } from "../../src/replica/wire.js";
import {
  accept,
  ballot,
  contentOf,
  context,
  files,
  openReplica,
  prepare,
  read,
  readContent,
  valueOf,
} from "./fixture.js";
import { MemoryDisk } from "./memory-disk.js";

const network = grpcNetwork({ log: silentLog });
const clock = systemClock();
const closing: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Server {
  readonly listener: Listener;
  readonly service: ReplicaRoutes;
}

async function serve(changes: Partial<ReplicaContext> = {}): Promise<Server> {
  const { replica } = openReplica(new MemoryDisk());
  const service = replicaRoutes({
    lanes: new LaneMeter(),
    replica,
    context: { ...context, ...changes },
    operations: new OperationLog({ clock, log: silentLog }),
    tracer: noTracer,
    clock,
    log: silentLog,
  });
  const listener = await network.listen({ host: "127.0.0.1", port: 0, routes: service.routes });
  closing.push(() => listener.close(0));
  return { listener, service };
}

function connect(server: Server, identity: Record<string, string> = member): Channel {
  const channel = network.connect({
    address: server.listener.address,
    purpose: "votes",
    identity: new Map(Object.entries(identity)),
  });
  closing.push(() => channel.close());
  return channel;
}

const member = { "quorumfs-cluster": "test-cluster", "quorumfs-node": "2" };
const superNode = { "quorumfs-cluster": "test-cluster", "quorumfs-node": "0" };

type Votes = (request: ReplicaRequest | RequestMessage, path?: string) => Promise<ReplicaReply>;

/** Asks for votes the way a peer does. */
function voter(channel: Channel): Votes {
  const lane = new Lane<RequestMessage, ResponseMessage, ExchangeRequest, ExchangeResponse>({
    peer: "the replica",
    open: () => channel.duplex(ReplicaServiceService.exchange, {}),
    pack: (requests) => ({ requests }),
    unpack: (frame) => frame.responses,
    bytesOf: () => 100,
    clock,
    random: systemRandom(),
  });
  closing.push(() => lane.close());
  return (request, path = "a") =>
    new Promise((resolve, reject) => {
      const message = "kind" in request ? envelope(request, path) : request;
      lane.call(message, { timeoutMs: 5000 }, (error, response) => {
        if (response) resolve(replyFromWire(response));
        else reject(error ?? new Error("no reply"));
      });
    });
}

function envelope(request: ReplicaRequest, path = "a"): RequestMessage {
  return requestToWire({ id: 0, target: { bucket: files, path, layout: 1 }, request, requestId: new Uint8Array(0) });
}

/** Like `accept`, by node 2, which is who calls. */
function acceptOfPeer(counter: number, value: Value = valueOf(counter)): ReplicaRequest {
  return { kind: "accept", ballot: ballot(counter, 2), value, next: ballot(counter + 1, 2) };
}

describe("Exchange", () => {
  test("votes of a member are answered", async () => {
    const ask = voter(connect(await serve()));
    expect(await ask(prepare(1, 2))).toMatchObject({ kind: "state" });
    expect(await ask(acceptOfPeer(1))).toEqual({ kind: "ok" });
    expect(contentOf(await ask(readContent))).toBe("content 1");
    expect(await Promise.all(Array.from({ length: 200 }, (_, index) => ask(read, `file-${index}`)))).toHaveLength(200);
  });

  test("a malformed vote is refused, and the stream lives on", async () => {
    const ask = voter(connect(await serve()));
    for (const path of ["", "a/../b", "x".repeat(1025)]) {
      expect(await ask(envelope(read, path))).toMatchObject({ kind: "refused", code: "invalid_argument" });
    }
    expect(await ask({ ...envelope(read), vote: undefined })).toMatchObject({ code: "invalid_argument" });
    expect(await ask(read)).toMatchObject({ kind: "state" });
  });

  test("content that does not match its checksum is not stored", async () => {
    const ask = voter(connect(await serve()));
    const damaged = { ...valueOf(1), content: { kind: "inline" as const, bytes: Buffer.from("content 2") } };
    expect(await ask(acceptOfPeer(1, damaged))).toMatchObject({ kind: "refused", code: "invalid_argument" });
    expect(await ask(read)).toMatchObject({ accepted: { counter: 0 } });
  });

  test("a promise is asked for in one's own name; what was found may be written back in another's", async () => {
    const ask = voter(connect(await serve()));
    expect(await ask(prepare(1, 1))).toMatchObject({ kind: "refused", code: "permission_denied" });
    expect(await ask(accept(1, valueOf(1), ballot(2, 1)))).toMatchObject({ code: "permission_denied" });
    expect(await ask(accept(1))).toEqual({ kind: "ok" });
  });

  test("a hint gets no reply", async () => {
    const channel = connect(await serve());
    const stream = channel.duplex(ReplicaServiceService.exchange, {});
    const ids = new Promise<number[]>((resolve) =>
      stream.onMessage((frame: ExchangeResponse) => resolve(frame.responses.map(({ id }) => id))),
    );
    stream.write({
      requests: [
        { ...envelope({ kind: "commit", ballot: ballot(1) }), id: 0 },
        { ...envelope(read), id: 7 },
      ],
    });
    expect(await ids).toEqual([7]);
    stream.end();
  });

  test("drain ends the streams", async () => {
    const server = await serve();
    const ask = voter(connect(server));
    await ask(read);
    await server.service.drain();
    await server.service.drain();
  });
});

describe("callers", () => {
  const strangers: [string, Record<string, string>, string][] = [
    ["a client", {}, "permission_denied"],
    ["another cluster's node", { ...member, "quorumfs-cluster": "other" }, "permission_denied"],
    ["no member", { ...member, "quorumfs-node": "9" }, "permission_denied"],
    ["no number", { ...member, "quorumfs-node": "two" }, "permission_denied"],
    ["no node", { "quorumfs-cluster": "test-cluster" }, "permission_denied"],
  ];
  const rangeRequest = { bucket: 1, prefix: "", after: "", limit: 10, layout: 1 };
  const windowRequest: ScanWindowRequest = {
    bucket: 1,
    prefix: "",
    after: "",
    until: "",
    limit: 10,
    parts: new Uint8Array(1024).fill(ScanPart.SCAN_PART_ROWS),
    sizeMin: 0,
    sizeMax: undefined,
  };

  function scanWindow(channel: Channel, given: Partial<ScanWindowRequest> = {}): Promise<ScanWindowResponse> {
    return channel.unary(ReplicaServiceService.scanWindow, { ...windowRequest, ...given }, { timeoutMs: 5000 });
  }

  async function endOf(channel: Channel): Promise<Error | undefined> {
    const stream = channel.duplex(ReplicaServiceService.exchange, {});
    stream.onMessage(() => undefined);
    return await new Promise((resolve) => stream.onEnd(resolve));
  }

  test.each(strangers)("%s is heard nowhere", async (_name, identity, code) => {
    const channel = connect(await serve(), identity);
    expect(await endOf(channel)).toMatchObject({ code });
    await expect(
      channel.unary(ReplicaServiceService.rangeRead, rangeRequest, { timeoutMs: 5000 }),
    ).rejects.toMatchObject({
      code,
    });
    await expect(scanWindow(channel)).rejects.toMatchObject({ code });
  });

  test("nobody is heard before this node has joined", async () => {
    const channel = connect(await serve({ clusterId: undefined, self: undefined, layout: () => undefined }));
    expect(await endOf(channel)).toMatchObject({ code: "unavailable" });
  });

  test.each<Partial<ScanWindowRequest>>([
    { bucket: 0 },
    { limit: 0 },
    { limit: 65_537 },
    { parts: new Uint8Array(0) },
    { parts: new Uint8Array(1024).fill(5) },
    { prefix: "a\u0000" },
    { after: "x".repeat(2000) },
    { until: "x".repeat(2000) },
  ])("a window that breaks a limit is refused", async (given) => {
    const channel = connect(await serve(), superNode);
    await expect(scanWindow(channel, given)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("the SuperNode scans, and does not vote or list", async () => {
    const server = await serve();
    await voter(connect(server))(acceptOfPeer(1));
    const channel = connect(server, superNode);
    const { rows, truncated } = await scanWindow(channel);
    expect([rows?.count, Buffer.from(rows?.paths ?? []).toString(), truncated]).toEqual([1, "a", false]);
    expect(await endOf(channel)).toMatchObject({ code: "permission_denied" });
    await expect(
      channel.unary(ReplicaServiceService.rangeRead, rangeRequest, { timeoutMs: 5000 }),
    ).rejects.toMatchObject({ code: "permission_denied" });
  });

  test("a page for a member; not under an older layout, and not above the limit", async () => {
    const server = await serve();
    const channel = connect(server);
    await voter(channel)(acceptOfPeer(1));
    const ask = (changes: object) =>
      channel.unary(ReplicaServiceService.rangeRead, { ...rangeRequest, ...changes }, { timeoutMs: 5000 });
    const page = rangePageFromWire(await ask({}));
    expect(page).toMatchObject({ entries: [{ kind: "record", path: "a" }], truncated: false });
    await expect(ask({ layout: 0 })).rejects.toMatchObject({ code: "precondition_failed" });
    await expect(ask({ limit: 0 })).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(ask({ limit: 10_001 })).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(ask({ prefix: "\0" })).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
