import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type Channel, inlineBytesMax, type Method, QuorumError } from "@quorumfs/core";
import {
  ClusterServiceService,
  type ExchangeResponse,
  FileRequest,
  FileServiceService,
  ListRequest,
  PutRequest,
  ReplicaRequest,
  ReplicaServiceService,
  type SessionResponse,
} from "@quorumfs/proto";
import { errorFromDetail, grpcNetwork } from "@quorumfs/rpc";
import { openLmdbDisk, silentLog } from "@quorumfs/runtime";
import { type LocalCluster, startCluster } from "../../src/index.js";

let cluster: LocalCluster;
let client: QuorumFs;
let clusterId: string;
const channels: Channel[] = [];
const network = grpcNetwork({ log: silentLog });

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  client = await cluster.client();
  clusterId = (await client.status()).clusterId;
});

afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  // Whatever a test did, nobody was harmed by it.
  await cluster.ready();
  const { acknowledged } = await client.put("files/unharmed", randomBytes(8));
  expect(acknowledged.length).toBeGreaterThanOrEqual(2);
});

afterAll(() => cluster.close());

const addressOf = (id: number): string => {
  const node = cluster.nodes.find((candidate) => candidate.id === id);
  if (!node) throw new Error(`there is no DataNode ${id}`);
  return node.address;
};

function reach(address: string, identity: Readonly<Record<string, string>> = {}): Channel {
  const channel = network.connect({ address, purpose: "files", identity: new Map(Object.entries(identity)) });
  channels.push(channel);
  return channel;
}

const memberOf = (cluster: string, node: number) => ({
  "quorumfs-cluster": cluster,
  "quorumfs-node": String(node),
  "quorumfs-incarnation": "1",
  "quorumfs-version": "0.1.0",
});

async function errorOf(operation: Promise<unknown>): Promise<QuorumError> {
  try {
    await operation;
  } catch (error) {
    return QuorumError.from(error);
  }
  throw new Error("it succeeded");
}

/** Everything that a server says until it hangs up, or for a second. */
function talkTo(address: string, bytes: Uint8Array): Promise<Buffer> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const said: Buffer[] = [];
    const socket = connectSocket({ host, port: Number(port) });
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (data) => said.push(data));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Buffer.concat(said)));
    socket.write(bytes);
  });
}

describe("bytes on the port", () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const inputs: readonly (readonly [string, Uint8Array])[] = [
    ["noise", randomBytes(64 * 1024)],
    ["HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nHost: example\r\n\r\n")],
    ["TLS", Buffer.from("16030100c8010000c40303", "hex")],
    ["half a preface", preface.subarray(0, 10)],
    ["HTTP/2, then noise", Buffer.concat([preface, randomBytes(4096)])],
    ["a frame of 16 MiB", Buffer.concat([preface, Buffer.from("ffffff000000000001", "hex"), randomBytes(1024)])],
    ["nothing", Buffer.alloc(0)],
  ];

  test.each(inputs)("%s: hung up, and everybody else is served", async (_what, bytes) => {
    const addresses = [...cluster.endpoints, ...cluster.nodes.map(({ address }) => address)];
    await Promise.all(addresses.map((address) => talkTo(address, bytes)));
  });
});

describe("gRPC messages", () => {
  let session: ClientHttp2Session;

  afterEach(() => session.destroy());

  /** Posts a raw body; resolves with the gRPC status. */
  function post(path: string, body: Uint8Array): Promise<number> {
    session = connectHttp2(`http://${addressOf(1)}`);
    return new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      let status: number | undefined;
      const take = (headers: Record<string, unknown>): void => {
        if (headers["grpc-status"] !== undefined) status = Number(headers["grpc-status"]);
      };
      stream
        .on("response", take)
        .on("trailers", take)
        .on("error", () => undefined);
      stream.on("close", () => (status === undefined ? reject(new Error("no status came")) : resolve(status)));
      stream.resume();
      stream.end(body);
    });
  }

  const framed = (length: number, body: Uint8Array): Buffer => {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(length, 1);
    return Buffer.concat([header, body]);
  };

  test("cut short: refused", async () => {
    expect(await post(FileServiceService.put.path, framed(1000, Buffer.alloc(10)))).not.toBe(0);
  });

  test("no protobuf: refused", async () => {
    const noise = Buffer.from("ffffffffffffffffffffff", "hex");
    expect(await post(FileServiceService.put.path, framed(noise.length, noise))).not.toBe(0);
  });

  test("said to have 4 GiB: refused", async () => {
    expect(await post(FileServiceService.put.path, framed(0xffff_ffff, Buffer.alloc(10)))).not.toBe(0);
  });

  test("a method that does not exist: unimplemented", async () => {
    expect(await post("/quorumfs.v1.FileService/Steal", framed(0, Buffer.alloc(0)))).toBe(12);
  });
});

describe("requests that no client of ours would send", () => {
  const timeoutMs = 5_000;
  const put = (request: Partial<PutRequest>) =>
    errorOf(reach(addressOf(1)).unary(FileServiceService.put, PutRequest.fromPartial(request), { timeoutMs }));

  test.each([
    ["a path upwards", { path: "../a" }],
    ["NUL", { path: "a\0" }],
    ["an empty path", { path: "" }],
    ["1,025 bytes", { path: "x".repeat(1025) }],
    ["a bucket that is no name", { bucket: "__proto__", path: "a" }],
    ["an etag of 3 bytes", { path: "a", etag: new Uint8Array(3) }],
    ["an etag of other content", { path: "a", content: Buffer.from("x"), etag: new Uint8Array(32) }],
    [
      "a request id of 3 bytes",
      {
        path: "a",
        mutation: { requestId: new Uint8Array(3), mayHaveRun: false, mayBeRepeated: false, seenVersion: 0 },
      },
    ],
    ["a content above the limit", { path: "a", content: new Uint8Array(inlineBytesMax + 1) }],
  ])("%s: invalid_argument", async (_what, request) => {
    const requestId = randomBytes(16);
    const error = await put({
      bucket: "files",
      mutation: { requestId, mayHaveRun: false, mayBeRepeated: false, seenVersion: 0, condition: undefined },
      ...request,
    } as Partial<PutRequest>);
    expect(error.code).toBe("invalid_argument");
  });

  test("a path that is not UTF-8: invalid_argument", async () => {
    const good = PutRequest.fromPartial({ bucket: "files", path: "a?", mutation: { requestId: randomBytes(16) } });
    const bytes = Buffer.from(PutRequest.encode(good).finish());
    bytes[bytes.indexOf("a?") + 1] = 0xff;
    const method: Method<PutRequest, unknown> = { ...FileServiceService.put, requestSerialize: () => bytes };
    expect((await errorOf(reach(addressOf(1)).unary(method, good, { timeoutMs }))).code).toBe("invalid_argument");
  });

  test("an unknown bucket: not_found", async () => {
    const error = await put({
      bucket: "nowhere",
      path: "a",
      mutation: {
        requestId: randomBytes(16),
        mayHaveRun: false,
        mayBeRepeated: false,
        seenVersion: 0,
        condition: undefined,
      },
    });
    expect(error.code).toBe("not_found");
  });

  test("a message above the receive limit: refused, whether sent or received", async () => {
    const content = new Uint8Array(8 * 2 ** 20);
    const error = await put({ bucket: "files", path: "a", content });
    expect(["resource_exhausted", "invalid_argument"]).toContain(error.code);
  });

  test("a list of more than the limit, of a prefix that is none: invalid_argument or cut", async () => {
    const channel = reach(addressOf(1));
    const bad = ListRequest.fromPartial({ bucket: "files", prefix: "a\0", limit: 10 });
    expect((await errorOf(channel.unary(FileServiceService.list, bad, { timeoutMs }))).code).toBe("invalid_argument");
  });

  test("a session: empty requests, ids in double use, cancels of nothing", async () => {
    const session = reach(addressOf(1)).duplex(FileServiceService.session, {});
    const answers: SessionResponse["responses"] = [];
    session.onMessage(({ responses }) => answers.push(...responses));
    session.onEnd(() => undefined);
    session.write({
      requests: [
        FileRequest.fromPartial({ id: 1 }),
        FileRequest.fromPartial({ id: 2, operation: { $case: "cancel", value: 77 } }),
        FileRequest.fromPartial({ id: 3, operation: { $case: "stat", value: { bucket: "files", path: "none" } } }),
        FileRequest.fromPartial({ id: 3, operation: { $case: "stat", value: { bucket: "files", path: "none" } } }),
      ],
    });
    await cluster.waitUntil("the good one is answered", () => answers.some(({ id }) => id === 3));
    await cluster.waitUntil("the empty one is refused", () => answers.some(({ id }) => id === 1));
    expect(answers.find(({ id }) => id === 1)?.result).toMatchObject({ $case: "error" });
    session.cancel();
  });

  test("more at once than a DataNode takes: the surplus is refused soon, none is forgotten", async () => {
    const sessions = 12;
    const putsOfEach = 1_000;
    const codes = new Map<string, number>();
    let answered = 0;
    let firstRefusalMs: number | undefined;
    let startedMs = performance.now();
    const stat = FileRequest.fromPartial({
      id: 0xffff,
      operation: { $case: "stat", value: { bucket: "files", path: "none" } },
    });
    const floods = Array.from({ length: sessions }, (_, number) => {
      const session = reach(addressOf(1)).duplex(FileServiceService.session, {});
      session.onMessage(({ responses }) => {
        for (const { result } of responses) {
          const code = result?.$case === "error" ? errorFromDetail(result.value).code : "done";
          codes.set(code, (codes.get(code) ?? 0) + 1);
          if (code === "resource_exhausted") firstRefusalMs ??= performance.now() - startedMs;
          answered += 1;
        }
      });
      session.onEnd(() => undefined);
      session.write({ requests: [stat] });
      const content = new Uint8Array(100);
      const requests = Array.from({ length: putsOfEach }, (_request, index) => {
        const mutation = { requestId: randomBytes(16), mayHaveRun: false, mayBeRepeated: false, seenVersion: 0 };
        const put = { bucket: "files", path: `flood/${number}/${index}`, content, mutation };
        return FileRequest.fromPartial({ id: index + 1, operation: { $case: "put", value: put } });
      });
      return { session, requests };
    });
    await cluster.waitUntil("all are connected", () => answered === sessions);
    codes.clear();
    startedMs = performance.now();
    for (const { session, requests } of floods) session.write({ requests });
    await cluster.waitUntil("all are answered", () => answered === sessions * (1 + putsOfEach), 30_000);
    for (const { session } of floods) session.cancel();
    // What was let in may still come to nothing: this machine does the work of three DataNodes and of the clients.
    const possible = ["done", "resource_exhausted", "quorum_unavailable", "unknown_outcome"];
    expect(possible).toEqual(expect.arrayContaining([...codes.keys()]));
    expect(codes.get("resource_exhausted")).toBeGreaterThan(1_000);
    // Mostly the time that it takes this one thread to write and read all of it.
    expect(firstRefusalMs).toBeLessThan(10_000);
  });

  test("a client that never reads: held back, not stored up", async () => {
    await client.put("files/big", new Uint8Array(100 * 1024));
    const session = reach(addressOf(1)).duplex(FileServiceService.session, {});
    let ended = false;
    session.onMessage(() => undefined);
    session.onEnd(() => {
      ended = true;
    });
    session.pause();
    // 64 requests of 100 bytes ask for 6.4 MB of answers; 400 frames would be 2.5 GB.
    let asked = 0;
    let held = false;
    session.onDrain(() => {
      held = false;
    });
    const before = process.memoryUsage().rss;
    const startedMs = performance.now();
    for (let frame = 0; frame < 400 && !ended && performance.now() - startedMs < 10_000; frame += 1) {
      const requests = Array.from({ length: 64 }, (_, index) =>
        FileRequest.fromPartial({
          id: frame * 64 + index + 1,
          operation: { $case: "get", value: { bucket: "files", path: "big" } },
        }),
      );
      held = !session.write({ requests });
      asked += 64;
      const waitingSinceMs = performance.now();
      while (held && !ended && performance.now() - waitingSinceMs < 1_000)
        await new Promise((resolve) => setImmediate(resolve));
      if (held) break;
    }
    // Others are served meanwhile.
    await client.put("files/meanwhile", "x", { timeoutMs: 5_000 });
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * 2 ** 20);
    expect(asked).toBeGreaterThan(0);
    session.cancel();
  }, 30_000);
});

describe("votes", () => {
  /** Answers to votes that were sent in somebody's name; a refused stream is a refusal. */
  async function vote(
    identity: Readonly<Record<string, string>>,
    requests: readonly ReplicaRequest[],
  ): Promise<{ answers: ExchangeResponse["responses"]; error: Error | undefined }> {
    const stream = reach(addressOf(1), identity).duplex(ReplicaServiceService.exchange, {});
    const answers: ExchangeResponse["responses"] = [];
    let ended = false;
    let error: Error | undefined;
    stream.onMessage(({ responses }) => answers.push(...responses));
    stream.onEnd((thrown) => {
      ended = true;
      error = thrown;
    });
    stream.write({ requests: [...requests] });
    await cluster.waitUntil("they are answered", () => ended || answers.length >= requests.length);
    stream.cancel();
    return { answers, error };
  }

  const prepare = (counter: number, node = 2) =>
    ReplicaRequest.fromPartial({
      id: 1,
      bucket: 1,
      path: "votes",
      layout: 1,
      vote: { $case: "prepare", value: { ballot: { counter, node, incarnation: 1 } } },
    });

  test("from a client: permission_denied", async () => {
    const { answers, error } = await vote({}, [prepare(5)]);
    expect(answers).toEqual([]);
    expect(error).toMatchObject({ code: "permission_denied" });
  });

  test("from another cluster: permission_denied, naming both", async () => {
    const other = "00000000000000000000000000000000";
    const { answers, error } = await vote(memberOf(other, 2), [prepare(5)]);
    expect(answers).toEqual([]);
    expect(error).toMatchObject({ code: "permission_denied" });
    expect(error?.message).toContain(clusterId);
  });

  test("from a node that nobody knows: permission_denied", async () => {
    const { error } = await vote(memberOf(clusterId, 99), [prepare(5, 99)]);
    expect(error).toMatchObject({ code: "permission_denied" });
  });

  test("in another node's name: refused", async () => {
    const { answers } = await vote(memberOf(clusterId, 2), [prepare(5, 3)]);
    expect(answers[0]?.reply).toMatchObject({ $case: "refused" });
  });

  test.each([2 ** 33, 2 ** 52, Number.MAX_SAFE_INTEGER])(
    "a counter that jumps to %d: refused, and the file goes on",
    async (counter) => {
      const before = await client.put("files/votes", "x");
      const { answers } = await vote(memberOf(clusterId, 2), [prepare(counter)]);
      expect(answers[0]?.reply).toMatchObject({ $case: "refused" });
      const after = await client.put("files/votes", "y");
      expect(after.file.version - before.file.version).toBeLessThan(100);
    },
  );

  test("without a ballot, a path, a bucket that exists: refused", async () => {
    const { answers } = await vote(memberOf(clusterId, 2), [
      ReplicaRequest.fromPartial({ id: 1, bucket: 1, path: "votes", layout: 1, vote: { $case: "prepare", value: {} } }),
      ReplicaRequest.fromPartial({ ...prepare(5), id: 2, path: "../votes" }),
      ReplicaRequest.fromPartial({ ...prepare(5), id: 3, bucket: 4_000_000 }),
      ReplicaRequest.fromPartial({ id: 4, bucket: 1, path: "votes", layout: 1 }),
    ]);
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4]);
    for (const { reply } of answers) expect(reply).toMatchObject({ $case: "refused" });
  });

  test("range reads and scans from a client: permission_denied", async () => {
    const channel = reach(addressOf(1));
    const range = { bucket: 1, prefix: "", after: "", limit: 10, layout: 1 };
    expect((await errorOf(channel.unary(ReplicaServiceService.rangeRead, range, { timeoutMs: 2_000 }))).code).toBe(
      "permission_denied",
    );
  });
});

describe("members", () => {
  test("a DataNode of another cluster may not join", async () => {
    const error = await errorOf(
      reach(cluster.endpoints[0] ?? "").unary(
        ClusterServiceService.join,
        {
          clusterId: "00000000000000000000000000000000",
          nodeId: 2,
          storeId: randomBytes(16),
          address: "127.0.0.1:1",
          zone: "default",
          capacityBytes: 1,
          incarnation: 1,
          layout: 0,
          version: "0.1.0",
          runId: randomBytes(16),
          commits: 0,
          revision: 0,
          metricsAddress: "",
        },
        { timeoutMs: 2_000 },
      ),
    );
    expect(error.code).toBe("permission_denied");
    expect(error.message).toContain(clusterId);
  });

  test("a node id from another disk is refused", async () => {
    await cluster.stop(3);
    const { dataDir } = cluster.nodes[2] ?? { dataDir: "" };
    const disk = openLmdbDisk({ directory: `${dataDir}-elsewhere` });
    await disk.close();
    const error = await errorOf(
      reach(cluster.endpoints[0] ?? "").unary(
        ClusterServiceService.join,
        {
          clusterId,
          nodeId: 3,
          storeId: randomBytes(16),
          address: "127.0.0.1:1",
          zone: "default",
          capacityBytes: 1,
          incarnation: 1,
          layout: 0,
          version: "0.1.0",
          runId: randomBytes(16),
          commits: 0,
          revision: 0,
          metricsAddress: "",
        },
        { timeoutMs: 2_000 },
      ),
    );
    expect(error.code).toBe("permission_denied");
    await rm(`${dataDir}-elsewhere`, { recursive: true });
    await cluster.restart(3);
  });
});

describe("a flipped bit", () => {
  /** A node that has just come back may miss a write: two votes are enough. */
  const putOnAll = (name: string, content: Uint8Array) =>
    cluster.waitUntil(`${name} is on all three`, async () => {
      await client.put(name, content);
      return (await cluster.replicaCount(name)) === 3;
    });

  /** Flips a bit in the row of one file, in a store that nobody has open. */
  async function damage(options: { node: number; table: string; path: string; fromEnd: number }): Promise<void> {
    const { node, table, path, fromEnd } = options;
    const { dataDir } = cluster.nodes.find(({ id }) => id === node) ?? { dataDir: "" };
    const disk = openLmdbDisk({ directory: join(dataDir, "records") });
    const rows = disk.table(table);
    let found: { key: Uint8Array; value: Uint8Array } | undefined;
    for (const { key, value } of rows.range({ start: new Uint8Array([0]) })) {
      if (!Buffer.from(key).toString("latin1").endsWith(path)) continue;
      found = { key: Uint8Array.from(key), value: Uint8Array.from(value) };
    }
    try {
      if (!found) throw new Error(`${path} has no row in ${table} of DataNode ${node}`);
      const { key, value } = found;
      const at = value.length - 1 - fromEnd;
      value[at] = (value[at] ?? 0) ^ 1;
      await disk.commit([{ table: rows, key, value }]);
    } finally {
      await disk.close();
    }
  }

  test.each([
    ["in the record's header", { table: "records", fromEnd: 60, size: 10 }],
    ["in a small content", { table: "records", fromEnd: 0, size: 10 }],
    ["in a large content", { table: "contents", fromEnd: 500, size: 50_000 }],
  ])("%s: that replica does not answer with it, the others do", async (what, { table, fromEnd, size }) => {
    const path = `damaged-${what.replaceAll(/[^a-z]/g, "-")}`;
    const content = randomBytes(size);
    await putOnAll(`files/${path}`, content);
    await cluster.stop(2);
    await damage({ node: 2, table, path, fromEnd });
    await cluster.restart(2);
    await cluster.ready();
    for (let round = 0; round < 10; round += 1) {
      const got = await client.get(`files/${path}`);
      expect(Buffer.compare(got.content, content)).toBe(0);
    }
    const next = await client.put(`files/${path}`, "new");
    expect(next.acknowledged.length).toBeGreaterThanOrEqual(2);
    expect(new TextDecoder().decode((await client.get(`files/${path}`)).content)).toBe("new");
  });

  test("two damaged records of three: no quorum, and the reason is said", async () => {
    await putOnAll("files/damaged-twice", randomBytes(10));
    for (const node of [1, 2]) {
      await cluster.stop(node);
      await damage({ node, table: "records", path: "damaged-twice", fromEnd: 60 });
      await cluster.restart(node);
    }
    await cluster.ready();
    const { code, details } = await errorOf(client.get("files/damaged-twice", { timeoutMs: 3_000 }));
    expect(["quorum_unavailable", "corrupt"]).toContain(code);
    expect(details.nodes?.map(({ node }) => node).sort()).toEqual([1, 2]);
    for (const { reason } of details.nodes ?? []) expect(reason).toContain("damaged");
  });
});
