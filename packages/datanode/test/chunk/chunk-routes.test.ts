import { afterEach, describe, expect, test } from "@jest/globals";
import {
  bucketId,
  type Channel,
  type Duplex,
  type Listener,
  nodeId,
  partitionOfChunk,
  QuorumError,
} from "@quorumfs/core";
import {
  type ChunkHeader,
  ChunkServiceService,
  type ReadChunkRequest,
  type ReadChunkResponse,
  type WriteChunkRequest,
  type WriteChunkResponse,
} from "@quorumfs/proto";
import { grpcNetwork } from "@quorumfs/rpc";
import { silentLog } from "@quorumfs/runtime";
import { chunkRoutes } from "../../src/chunk/chunk-routes.js";
import { ChunkTraffic } from "../../src/observe/chunk-traffic.js";
import type { ReplicaContext } from "../../src/replica/replica-context.js";
import { context, layout } from "../replica/fixture.js";
import { MemoryContentFiles } from "../support/memory-content-files.js";
import { settle } from "../support/step-clock.js";
import { bytesOf, contentOf, keyOf, owner, range, TestStore, uploadId } from "./fixture.js";

const network = grpcNetwork({ log: silentLog });
const closing: (() => void | Promise<void>)[] = [];
const kib = 1024;
const pieceBytes = 256 * kib;

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Server {
  readonly node: TestStore;
  readonly listener: Listener;
}

async function serve(
  options: { readonly context?: Partial<ReplicaContext>; readonly files?: MemoryContentFiles } = {},
): Promise<Server> {
  const node = await TestStore.open(options.files ? { files: options.files } : {});
  const { store, clock } = node;
  const traffic = new ChunkTraffic();
  const routes = chunkRoutes({ store, context: { ...context, ...options.context }, clock, traffic });
  const listener = await network.listen({ host: "127.0.0.1", port: 0, routes });
  closing.push(() => store.close());
  closing.push(() => listener.close(0));
  return { node, listener };
}

const member = { "quorumfs-cluster": "test-cluster", "quorumfs-node": "2" };

function connect({ listener }: Server, identity: Record<string, string> = {}): Channel {
  const channel = network.connect({
    address: listener.address,
    purpose: "bulk",
    identity: new Map(Object.entries(identity)),
  });
  closing.push(() => channel.close());
  return channel;
}

type HeaderMore = Partial<Pick<ChunkHeader, "upload" | "index" | "size" | "crc32c" | "owner">>;

function headerOf(bytes: Uint8Array, more: HeaderMore = {}): WriteChunkRequest {
  const { size, checksum } = contentOf(bytes);
  const value = { owner: { ...owner }, upload: uploadId(1), index: 0, size, crc32c: checksum, ...more };
  return { part: { $case: "header", value } };
}

function dataOf(bytes: Uint8Array): WriteChunkRequest {
  return { part: { $case: "data", value: bytes } };
}

/** A writer that does what a test tells it, however wrong. */
class Writer {
  readonly stream: Duplex<WriteChunkRequest, WriteChunkResponse>;
  readonly steps: string[] = [];
  readonly ended: Promise<Error | undefined>;
  #onStep: () => void = () => undefined;
  hasEnded = false;

  constructor(channel: Channel) {
    this.stream = channel.duplex(ChunkServiceService.writeChunk, {});
    this.stream.onMessage(({ step }) => {
      this.steps.push(step?.$case ?? "nothing");
      this.#onStep();
    });
    this.ended = new Promise((resolve) =>
      this.stream.onEnd((error) => {
        this.hasEnded = true;
        resolve(error);
        this.#onStep();
      }),
    );
  }

  /** Resolves with the next step, or when the stream has ended. */
  async step(count = 1): Promise<string | undefined> {
    while (this.steps.length < count && !this.hasEnded) await new Promise<void>((resolve) => (this.#onStep = resolve));
    return this.steps[count - 1];
  }

  sendAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += pieceBytes)
      this.stream.write(dataOf(bytes.subarray(at, at + pieceBytes)));
  }
}

async function write(channel: Channel, bytes: Uint8Array, more: HeaderMore = {}): Promise<readonly string[]> {
  const writer = new Writer(channel);
  writer.stream.write(headerOf(bytes, more));
  if ((await writer.step()) === "proceed") writer.sendAll(bytes);
  const error = await writer.ended;
  if (error) throw error;
  return writer.steps;
}

function requestOf(more: Partial<ReadChunkRequest> = {}): ReadChunkRequest {
  return { owner: { ...owner }, upload: uploadId(1), index: 0, offset: 0, length: 0, ...more };
}

/** Reads as a client does whose stream is a duplex. */
async function read(channel: Channel, more: Partial<ReadChunkRequest> = {}): Promise<ReadChunkResponse[]> {
  const stream = channel.duplex(ChunkServiceService.readChunk, {});
  const messages: ReadChunkResponse[] = [];
  stream.onMessage((message) => messages.push({ ...message, data: Buffer.from(message.data) }));
  stream.write(requestOf(more));
  stream.end();
  const error = await new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
  if (error) throw error;
  return messages;
}

/** Waits for what comes over a real connection; `what` is for whoever finds a test that waits for ever. */
async function until(_what: string, condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Nothing was stored, nothing is set aside, and nobody is waited for. */
async function expectNothingLeft({ node }: Server): Promise<void> {
  await until("everything was given back", () => node.store.incomingBytes === 0 && node.store.waitingIntakes === 0);
  expect(node.files.places).toEqual([]);
  expect(node.store.usage().chunks).toBe(0);
  expect(node.failures).toEqual([]);
}

describe("WriteChunk and ReadChunk", () => {
  test.each([1, 64 * kib, 1000 * kib + 1, 4 * 1024 * kib])("%i bytes there and back", async (size) => {
    const server = await serve();
    const channel = connect(server);
    const bytes = bytesOf(size, size);
    expect(await write(channel, bytes)).toEqual(["proceed", "stored"]);
    expect(await write(channel, bytes)).toEqual(["stored"]);
    const messages = await read(channel);
    expect(Buffer.concat(messages.map(({ data }) => data)).equals(bytes)).toBe(true);
    expect(Math.max(...messages.map(({ data }) => data.length))).toBeLessThanOrEqual(pieceBytes);
    const streamed = [];
    const stream = channel.serverStream(ChunkServiceService.readChunk, requestOf({ offset: size - 1, length: 1 }), {});
    for await (const message of stream) streamed.push(message);
    const blockStart = size - 1 - ((size - 1) % (64 * kib));
    expect(streamed).toHaveLength(1);
    expect(streamed[0]).toMatchObject({ offset: blockStart });
    expect(bytes.subarray(blockStart).equals(streamed[0]?.data ?? new Uint8Array(0))).toBe(true);
  });

  test("what the caller says of the chunk is checked", async () => {
    const server = await serve({ context: { bucket: (id) => context.bucket(id) } });
    const channel = connect(server);
    const bytes = bytesOf(1, 1000);
    const cases: [HeaderMore, string][] = [
      [{ crc32c: 5 }, "corrupt"],
      [{ upload: new Uint8Array(15) }, "invalid_argument"],
      [{ owner: undefined }, "invalid_argument"],
      [{ owner: { bucket: 0, path: "a" } }, "invalid_argument"],
      [{ owner: { bucket: 1, path: "a/../b" } }, "invalid_argument"],
      [{ owner: { bucket: 1, path: "" } }, "invalid_argument"],
      [{ owner: { bucket: 77, path: "a" } }, "unavailable"],
      [{ owner: { bucket: 3, path: "a" } }, "not_found"],
      [{ size: 0 }, "invalid_argument"],
      [{ size: 4 * 1024 * kib + 1 }, "invalid_argument"],
      [{ size: 999 }, "invalid_argument"],
    ];
    for (const [more, code] of cases) {
      await expect(write(channel, bytes, more)).rejects.toMatchObject({ code });
    }
    await expectNothingLeft(server);
  });

  test("a chunk of a partition that this node does not hold is refused", async () => {
    const partition = partitionOfChunk(uploadId(1), 0);
    const partitions = layout.partitions.map((assignment, index) =>
      index === partition ? { ...assignment, nodes: [nodeId(2), nodeId(3)] } : assignment,
    );
    const server = await serve({ context: { layout: () => ({ ...layout, partitions }) } });
    const channel = connect(server);
    await expect(write(channel, bytesOf(1, 10))).rejects.toMatchObject({ code: "unavailable" });
    expect(await write(channel, bytesOf(1, 10), { index: 1 })).toEqual(["proceed", "stored"]);
  });

  test("before there is a layout, nothing is taken", async () => {
    const server = await serve({ context: { layout: () => undefined } });
    await expect(write(connect(server), bytesOf(1, 10))).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each<[string, (writer: Writer) => Promise<void> | void]>([
    ["bytes before the header", (writer) => void writer.stream.write(dataOf(bytesOf(1, 10)))],
    ["an empty message", (writer) => void writer.stream.write({ part: undefined })],
    ["nothing at all", (writer) => writer.stream.end()],
    [
      "bytes before there is room",
      (writer) => {
        writer.stream.write(headerOf(bytesOf(1, 1000)));
        writer.stream.write(dataOf(bytesOf(1, 1000)));
      },
    ],
    [
      "two headers",
      async (writer) => {
        writer.stream.write(headerOf(bytesOf(1, 1000)));
        await writer.step();
        writer.stream.write(headerOf(bytesOf(1, 1000)));
      },
    ],
    [
      "one byte too many",
      async (writer) => {
        writer.stream.write(headerOf(bytesOf(1, 1000)));
        await writer.step();
        writer.stream.write(dataOf(bytesOf(1, 1001)));
      },
    ],
    [
      "a message that is too long",
      async (writer) => {
        writer.stream.write(headerOf(bytesOf(1, 300 * kib)));
        await writer.step();
        writer.stream.write(dataOf(bytesOf(1, 300 * kib)));
      },
    ],
  ])("%s: invalid_argument, and nothing is left", async (_, misbehave) => {
    const server = await serve();
    const writer = new Writer(connect(server));
    await misbehave(writer);
    expect(await writer.ended).toMatchObject({ code: "invalid_argument" });
    expect(writer.steps).not.toContain("stored");
    await expectNothingLeft(server);
  });

  test("an end before there is room: corrupt, so that it is sent again, and nothing is left", async () => {
    const server = await serve();
    const writer = new Writer(connect(server));
    writer.stream.write(headerOf(bytesOf(1, 1000)));
    writer.stream.end();
    expect(await writer.ended).toMatchObject({ code: "corrupt" });
    await expectNothingLeft(server);
  });

  test.each([
    ["one byte too few", bytesOf(1, 999)],
    ["a flipped bit", bytesOf(2, 1000)],
  ])("%s: corrupt, so that it is sent again, and nothing is left", async (_, sent) => {
    const server = await serve();
    const writer = new Writer(connect(server));
    writer.stream.write(headerOf(bytesOf(1, 1000)));
    await writer.step();
    writer.stream.write(dataOf(sent));
    writer.stream.end();
    expect(await writer.ended).toMatchObject({ code: "corrupt" });
    expect(writer.steps).not.toContain("stored");
    await expectNothingLeft(server);
  });

  test("a chunk that is damaged is corrupt to the caller, and told", async () => {
    const server = await serve();
    const channel = connect(server);
    await write(channel, bytesOf(1, 1000 * kib));
    const file = server.node.files.bytesAt(server.node.files.places[0] ?? "");
    file[900 * kib] = (file[900 * kib] ?? 0) ^ 1;
    await expect(read(channel)).rejects.toMatchObject({ code: "corrupt" });
    expect(server.node.damaged[0]).toEqual(keyOf(1, 0));
    await expect(read(channel, { offset: 1, length: 5 })).resolves.toHaveLength(1);
  });

  test("reads of what is not there, or not so large, or of no file", async () => {
    const server = await serve();
    const channel = connect(server);
    await write(channel, bytesOf(1, 1000));
    await expect(read(channel, { index: 1 })).rejects.toMatchObject({ code: "not_found" });
    await expect(read(channel, { owner: { ...owner, path: "b" } })).rejects.toMatchObject({ code: "not_found" });
    await expect(read(channel, { offset: 1000 })).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(read(channel, { upload: new Uint8Array(3) })).rejects.toMatchObject({ code: "invalid_argument" });
    const mute = channel.duplex(ChunkServiceService.readChunk, {});
    mute.end();
    expect(await new Promise((resolve) => mute.onEnd(resolve))).toMatchObject({ code: "invalid_argument" });
    const greedy = channel.duplex(ChunkServiceService.readChunk, {});
    greedy.write(requestOf());
    greedy.write(requestOf());
    const end = await new Promise<Error | undefined>((resolve) => greedy.onEnd(resolve));
    // Unless the answer was faster.
    if (end) expect(end).toMatchObject({ code: "invalid_argument" });
  });
});

describe("those who do not get on", () => {
  test("a caller that vanishes: its draft goes, and its room is given back", async () => {
    const server = await serve();
    const writer = new Writer(connect(server));
    writer.stream.write(headerOf(bytesOf(1, 4 * 1024 * kib)));
    await writer.step();
    writer.stream.write(dataOf(bytesOf(1, pieceBytes)));
    await until("room was set aside", () => server.node.store.incomingBytes > 0);
    writer.stream.cancel();
    await expectNothingLeft(server);
  });

  test("a sender that falls silent is cut after 30 s, one that sends single bytes too", async () => {
    const server = await serve();
    const silent = new Writer(connect(server));
    const slow = new Writer(connect(server));
    for (const writer of [silent, slow]) {
      writer.stream.write(headerOf(bytesOf(1, 4 * 1024 * kib)));
      await writer.step();
    }
    for (let second = 0; second < 29; second += 1) {
      slow.stream.write(dataOf(bytesOf(1, 1)));
      await settle();
      await server.node.clock.pass(1000);
    }
    expect([silent.hasEnded, slow.hasEnded]).toEqual([false, false]);
    await server.node.clock.pass(2000);
    expect(await silent.ended).toMatchObject({ code: "unavailable" });
    expect(await slow.ended).toMatchObject({ code: "unavailable" });
    await expectNothingLeft(server);
  });

  test("one that says nothing from the beginning is cut as well", async () => {
    const server = await serve();
    const channel = connect(server);
    await write(channel, bytesOf(1, 10));
    // A stream is seen by the server with its first message or headers.
    const mute = channel.duplex(ChunkServiceService.readChunk, {});
    const idle = new Writer(channel);
    await read(channel);
    await until("both are waited for", () => server.node.clock.timers >= 3);
    await server.node.clock.pass(31_000);
    expect(await idle.ended).toMatchObject({ code: "unavailable" });
    expect(await new Promise((resolve) => mute.onEnd(resolve))).toMatchObject({ code: "unavailable" });
  });

  test("a sender that is slow but gets on is not cut", async () => {
    const server = await serve();
    const writer = new Writer(connect(server));
    const bytes = bytesOf(1, 640 * kib);
    writer.stream.write(headerOf(bytes));
    await writer.step();
    for (let at = 0; at < bytes.length; at += 64 * kib) {
      await server.node.clock.pass(20_000);
      writer.stream.write(dataOf(bytes.subarray(at, at + 64 * kib)));
      await until("the block came", () => server.node.files.space().freeBytes <= 2 ** 40 - at);
      await settle();
    }
    expect(await writer.ended).toBeUndefined();
    expect(writer.steps).toEqual(["proceed", "stored"]);
  });

  test("a reader that takes nothing holds 768 KiB at most, and is cut after 30 s", async () => {
    const server = await serve();
    const channel = connect(server);
    const size = 4 * 1024 * kib;
    for (let index = 0; index < 4; index += 1) await write(channel, bytesOf(index, size), { index });
    let readBytes = 0;
    const { files } = server.node;
    const readAsIs = files.read.bind(files);
    files.read = (place, offset, target) => {
      readBytes += target.byteLength;
      return readAsIs(place, offset, target);
    };
    const streams = [0, 1, 2, 3].map((index) => {
      const stream = channel.duplex(ChunkServiceService.readChunk, {});
      stream.onMessage(() => undefined);
      stream.pause();
      stream.write(requestOf({ index }));
      return stream;
    });
    let before = -1;
    await until("nothing moves", () => {
      const moved = readBytes !== before;
      before = readBytes;
      return !moved && readBytes > 0;
    });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    // What the connection takes in without the reader's doing, and what is ready to follow.
    expect(readBytes).toBeLessThan(4 * size);
    const ended = streams.map((stream) => new Promise<Error | undefined>((resolve) => stream.onEnd(resolve)));
    await server.node.clock.pass(31_000);
    for (const stream of streams) stream.resume();
    const errors = await Promise.all(ended);
    expect(errors.some((error) => error instanceof QuorumError && error.code === "unavailable")).toBe(true);
    files.read = readAsIs;
    // And others are served.
    expect((await read(channel)).length).toBeGreaterThan(0);
  });

  test("memory that is used again reaches nobody twice: readers that are fast, slow, and gone in the middle", async () => {
    const server = await serve();
    const channels = Array.from({ length: 3 }, () => connect(server));
    const size = 1024 * kib;
    const stored = [0, 1, 2, 3].map((index) => bytesOf(index, size));
    for (const [index, bytes] of stored.entries()) await write(connect(server), bytes, { index });
    const readOne = async (turn: number): Promise<void> => {
      const index = turn % stored.length;
      const stream = channels[turn % channels.length]?.duplex(ChunkServiceService.readChunk, {});
      if (!stream) throw new Error("no channel");
      const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
      let at = 0;
      stream.onMessage(({ data, offset }) => {
        expect(offset).toBe(at);
        expect(Buffer.compare(data, stored[index]?.subarray(at, at + data.length) ?? data)).toBe(0);
        at += data.length;
        if (turn % 3 === 1) stream.cancel();
        if (turn % 3 !== 2) return;
        stream.pause();
        void settle().then(() => stream.resume());
      });
      stream.write(requestOf({ index }));
      stream.end();
      const error = await ended;
      if (turn % 3 === 1) return;
      expect([error, at]).toEqual([undefined, size]);
    };
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 24 }, (_, turn) => readOne(round * 24 + turn)));
    }
    expect(server.node.damaged).toEqual([]);
  });

  test("1,000 writers at once: 32 MiB are set aside at most, all are served in their turn", async () => {
    const server = await serve();
    const channels = Array.from({ length: 5 }, () => connect(server));
    const bytes = bytesOf(1, 70 * kib);
    let most = 0;
    const writing = Array.from({ length: 1000 }, async (_, index) => {
      const channel = channels[index % channels.length];
      if (!channel) throw new Error("no channel");
      const writer = new Writer(channel);
      writer.stream.write(headerOf(bytes, { index }));
      await writer.step();
      most = Math.max(most, server.node.store.incomingBytes);
      writer.sendAll(bytes);
      return (await writer.ended) ?? writer.steps;
    });
    for (const outcome of await Promise.all(writing)) expect(outcome).toEqual(["proceed", "stored"]);
    expect(most).toBeLessThanOrEqual(32 * 1024 * kib);
    expect(server.node.store.usage().chunks).toBe(1000);
  }, 60_000);

  test("writers that wait and go leave the queue", async () => {
    const server = await serve();
    const channel = connect(server);
    const size = 4 * 1024 * kib;
    const holding = Array.from({ length: 8 }, () => new Writer(channel));
    for (const [index, writer] of holding.entries()) writer.stream.write(headerOf(new Uint8Array(size), { index }));
    for (const writer of holding) await writer.step();
    const waiting = Array.from({ length: 100 }, () => new Writer(channel));
    for (const [index, writer] of waiting.entries()) {
      writer.stream.write(headerOf(new Uint8Array(size), { index: 100 + index }));
    }
    await until("all wait", () => server.node.store.waitingIntakes === 100);
    for (const writer of waiting) writer.stream.cancel();
    await until("nobody waits", () => server.node.store.waitingIntakes === 0);
    for (const writer of holding) writer.stream.cancel();
    await expectNothingLeft(server);
  });
});

describe("bad disks", () => {
  test("ENOSPC from the draft: resource_exhausted, and the node lives on", async () => {
    const files = new MemoryContentFiles({ totalBytes: 3 * 1024 * kib });
    const server = await serve({ files });
    const create = files.create.bind(files);
    files.create = (name) => ({
      ...create(name),
      write: () =>
        Promise.reject(new QuorumError({ code: "resource_exhausted", message: "the disk is full (ENOSPC)" })),
    });
    const channel = connect(server);
    await expect(write(channel, bytesOf(1, 1000))).rejects.toMatchObject({ code: "resource_exhausted" });
    await expectNothingLeft(server);
    files.create = create;
    expect(await write(channel, bytesOf(1, 1000))).toEqual(["proceed", "stored"]);
  });

  test("a failed fsync: nothing is acknowledged, and the process is told to go", async () => {
    const server = await serve();
    const channel = connect(server);
    server.node.files.fail();
    await expect(write(channel, bytesOf(1, 1000))).rejects.toMatchObject({ code: "unavailable" });
    expect(server.node.failures).toHaveLength(1);
    await expect(write(channel, bytesOf(1, 1000))).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a slow disk holds its senders back", async () => {
    const server = await serve();
    const { files } = server.node;
    const waiting: (() => void)[] = [];
    let taken = 0;
    const create = files.create.bind(files);
    files.create = (name) => {
      const draft = create(name);
      return {
        ...draft,
        write: async (bytes) => {
          await new Promise<void>((resolve) => waiting.push(resolve));
          taken += bytes.byteLength;
          await draft.write(bytes);
        },
      };
    };
    const bytes = bytesOf(1, 4 * 1024 * kib);
    const writer = new Writer(connect(server));
    writer.stream.write(headerOf(bytes));
    await writer.step();
    writer.sendAll(bytes);
    await until("the first write waits", () => waiting.length === 1);
    // The sender is not to blame for this.
    await server.node.clock.pass(60_000);
    expect([taken, writer.hasEnded]).toEqual([0, false]);
    while (!writer.hasEnded) {
      waiting.shift()?.();
      await settle();
    }
    expect(await writer.ended).toBeUndefined();
    expect(await server.node.store.verify(keyOf(1, 0))).toBe("intact");
  });
});

test("a disk that takes minutes for its fsync is not the sender's fault", async () => {
  const server = await serve();
  server.node.disk.hold();
  const writer = new Writer(connect(server));
  const bytes = bytesOf(1, 1024 * kib);
  writer.stream.write(headerOf(bytes));
  await writer.step();
  writer.sendAll(bytes);
  await until("the row waits for the disk", () => server.node.disk.heldCommits > 0);
  await server.node.clock.pass(120_000);
  expect(writer.hasEnded).toBe(false);
  server.node.disk.release();
  expect(await writer.ended).toBeUndefined();
  expect(writer.steps).toEqual(["proceed", "stored"]);
});

describe("StatChunks and KeepChunks", () => {
  test("what is here, in the order in which it was asked for", async () => {
    const server = await serve();
    const channel = connect(server);
    for (const index of [0, 2]) await write(channel, bytesOf(index, 1000 + index), { index });
    const { chunks } = await channel.unary(
      ChunkServiceService.statChunks,
      { owner: { ...owner }, ranges: [range(1, 1, 2), range(1, 0, 1), range(2, 0, 1)], renew: true },
      { timeoutMs: 5000 },
    );
    expect(chunks.map(({ size }) => size)).toEqual([0, 1002, 1000, 0]);
    expect(chunks[1]?.crc32c).toBe(contentOf(bytesOf(2, 1002)).checksum);
    const tooMany = { owner: { ...owner }, ranges: [range(1, 0, 65_537)], renew: false };
    await expect(channel.unary(ChunkServiceService.statChunks, tooMany, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });

  test("notices are taken from DataNodes of this cluster only", async () => {
    const server = await serve();
    await write(connect(server), bytesOf(1, 1000));
    const notice = { owner: { ...owner }, version: { counter: 1, node: 1, incarnation: 1 }, ranges: [range(1, 0, 1)] };
    const keep = (identity: Record<string, string>, request = notice) =>
      connect(server, identity).unary(ChunkServiceService.keepChunks, request, { timeoutMs: 5000 });
    for (const identity of [{}, { ...member, "quorumfs-node": "9" }, { ...member, "quorumfs-node": "0" }]) {
      await expect(keep(identity)).rejects.toMatchObject({ code: "permission_denied" });
    }
    await expect(keep({ ...member, "quorumfs-cluster": "other" })).rejects.toMatchObject({ code: "permission_denied" });
    expect(server.node.store.usage()).toMatchObject({ uploadingBytes: 1000 });
    await keep(member);
    expect(server.node.store.usage()).toMatchObject({ uploadingBytes: 0, reclaimableBytes: 0 });
    await expect(keep(member, { ...notice, owner: { bucket: bucketId(1), path: "/" } })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});
