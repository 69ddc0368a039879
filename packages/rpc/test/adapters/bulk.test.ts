import { connect as connectHttp2 } from "node:http2";
import { afterEach, expect, test } from "@jest/globals";
import { Client, credentials, Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import { type Channel, type Duplex, duplexRoute, QuorumError, type Route } from "@quorumfs/core";
import { ChunkServiceService, ReadChunkRequest, type ReadChunkResponse, type WriteChunkRequest } from "@quorumfs/proto";
import { framesUnderWayMax, streamWindowBytes } from "../../src/adapters/limits.js";
import { grpcNetwork } from "../../src/index.js";
import { deferred } from "../support/deferred.js";
import { recordingLog } from "../support/systems.js";

// Large messages over duplex streams: content of chunks, in both directions, with readers that stop.

const { readChunk, writeChunk } = ChunkServiceService;
const network = grpcNetwork({ log: recordingLog() });
const closers: (() => unknown)[] = [];

const messageBytes = 256 * 1024;
/** What a sender can get rid of while nobody reads: a window full, and what waits before it. */
const messagesHeldMax = streamWindowBytes / messageBytes + framesUnderWayMax + 1;

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(...routes: Route[]): Promise<string> {
  const listener = await network.listen({ host: "127.0.0.1", port: 0, routes });
  closers.push(() => listener.close(0));
  return listener.address;
}

function connect(address: string): Channel {
  const channel = network.connect({ address, purpose: "bulk", identity: new Map() });
  closers.push(() => channel.close());
  return channel;
}

/** Bytes that are different at every place of every message. */
function contentOf(message: number): Buffer {
  const data = Buffer.alloc(messageBytes);
  for (let at = 0; at < messageBytes; at += 4) data.writeUInt32LE((message * messageBytes + at) >>> 0, at);
  return data;
}

/** Sends messages as long as the stream takes them; the tally says how many it took. */
function pump<Out>(stream: Duplex<Out, unknown>, count: number, make: (index: number) => Out, done: () => void) {
  const tally = { sent: 0 };
  const go = (): void => {
    while (tally.sent < count) if (!stream.write(make(tally.sent++))) return;
    done();
    stream.onDrain(() => {});
  };
  stream.onDrain(go);
  go();
  return tally;
}

/** A server that sends as many messages as `index` of a request says; what each stream has sent, by `offset`. */
function sending(tallies = new Map<number, { sent: number }>()): Route {
  return duplexRoute(readChunk, (stream) => {
    stream.onMessage(({ index, offset }) => {
      const make = (at: number): ReadChunkResponse => ({
        data: contentOf(at),
        blockCrc32c: [at, 2, 3, 4],
        offset: at,
        chunkCrc32c: [],
      });
      tallies.set(
        offset,
        pump(stream, index, make, () => stream.end()),
      );
    });
  });
}

function requestOf(messages: number, name = 0): ReadChunkRequest {
  return { owner: { bucket: 1, path: "a" }, upload: Buffer.alloc(16), index: messages, offset: name, length: 0 };
}

function frameOf(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

interface Download {
  readonly stream: Duplex<ReadChunkRequest, ReadChunkResponse>;
  /** Messages that came in, each as it was sent. */
  readonly received: Promise<number>;
}

function download(channel: Channel, messages: number, name = 0): Download {
  const stream = channel.duplex(readChunk, {});
  let count = 0;
  const received = new Promise<number>((resolve, reject) => {
    stream.onMessage(({ data, offset, blockCrc32c }) => {
      if (offset !== count || blockCrc32c[0] !== count || !contentOf(count).equals(data)) stream.cancel();
      count += 1;
    });
    stream.onEnd((error) => (error ? reject(error) : resolve(count)));
  });
  stream.write(requestOf(messages, name));
  stream.end();
  return { stream, received };
}

function upload(channel: Channel, messages: number) {
  const stream = channel.duplex(writeChunk, {});
  const ended = new Promise<void>((resolve, reject) => stream.onEnd((error) => (error ? reject(error) : resolve())));
  stream.onMessage(() => {});
  const make = (at: number): WriteChunkRequest => ({ part: { $case: "data", value: contentOf(at) } });
  return { tally: pump(stream, messages, make, () => stream.end()), ended };
}

test("a stream of answers, served as a duplex stream: our client gets every byte", async () => {
  const address = await serve(sending());
  expect(await download(connect(address), 40).received).toBe(40);
});

test("a stream of answers, served as a duplex stream: so does a client of grpc-js", async () => {
  const address = await serve(sending());
  const client = new Client(address, credentials.createInsecure());
  closers.push(() => client.close());
  const { path, requestSerialize, responseDeserialize } = readChunk;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, requestOf(12));
  let count = 0;
  for await (const message of call as AsyncIterable<ReadChunkResponse>) {
    expect(message.offset).toBe(count);
    expect(contentOf(count).equals(message.data)).toBe(true);
    count += 1;
  }
  expect(count).toBe(12);
});

test("a stream of answers of a grpc-js server, read as a duplex stream", async () => {
  const server = new Server();
  const { path, requestDeserialize, responseSerialize } = readChunk;
  server.register(
    path,
    (call: ServerWritableStream<ReadChunkRequest, ReadChunkResponse>) => {
      for (let at = 0; at < call.request.index; at += 1) {
        call.write({ data: contentOf(at), blockCrc32c: [at], offset: at, chunkCrc32c: [] });
      }
      call.end();
    },
    responseSerialize,
    requestDeserialize,
    "serverStream",
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  closers.push(() => server.forceShutdown());
  expect(await download(connect(`127.0.0.1:${port}`), 12).received).toBe(12);
});

test("15 paused downloads: held back within their windows, and the 16th of the connection runs to its end", async () => {
  const tallies = new Map<number, { sent: number }>();
  const channel = connect(await serve(sending(tallies)));
  const names = Array.from({ length: 15 }, (_, index) => index + 1);
  const paused = names.map((name) => {
    const { stream, received } = download(channel, 40, name);
    stream.pause();
    return { stream, received };
  });
  expect(await download(channel, 120).received).toBe(120);
  for (const name of names) expect(tallies.get(name)?.sent).toBeLessThanOrEqual(messagesHeldMax);
  for (const { stream } of paused) stream.resume();
  for (const { received } of paused) expect(await received).toBe(40);
});

test("15 uploads that the server pauses: held back within their windows, and the 16th runs to its end", async () => {
  const streams: Duplex<unknown, WriteChunkRequest>[] = [];
  const counts: number[] = [];
  const address = await serve(
    duplexRoute(writeChunk, (stream) => {
      const mine = streams.push(stream) - 1;
      counts[mine] = 0;
      stream.onMessage(({ part }) => {
        const count = counts[mine] ?? 0;
        if (part?.$case !== "data" || !contentOf(count).equals(part.value)) throw new Error(`message ${count}`);
        counts[mine] = count + 1;
      });
      stream.onEnd(() => stream.end());
      if (mine < 15) stream.pause();
    }),
  );
  const channel = connect(address);
  const held = Array.from({ length: 15 }, () => upload(channel, 40));
  await upload(channel, 120).ended;
  expect(counts).toEqual([...Array.from({ length: 15 }, () => 0), 120]);
  for (const { tally } of held) expect(tally.sent).toBeLessThanOrEqual(messagesHeldMax);
  for (const stream of streams) stream.resume();
  for (const { ended } of held) await ended;
  expect(counts).toEqual([...Array.from({ length: 15 }, () => 40), 120]);
});

test("a peer with small windows that never reads gets no more than these, and holds nobody up", async () => {
  const tallies = new Map<number, { sent: number }>();
  const address = await serve(sending(tallies));
  const session = connectHttp2(`http://${address}`);
  session.on("error", () => {});
  closers.push(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": readChunk.path, "content-type": "application/grpc" });
  stream.on("error", () => {});
  stream.end(frameOf(ReadChunkRequest.encode(requestOf(1000, 7)).finish()));
  await new Promise<void>((resolve) => stream.once("response", () => resolve()));
  expect(await download(connect(address), 60).received).toBe(60);
  expect(tallies.get(7)?.sent).toBeLessThanOrEqual(framesUnderWayMax);
});

test("a server that fails in mid-stream: its error arrives, behind what it had sent", async () => {
  const address = await serve(
    duplexRoute(readChunk, (stream) => {
      stream.onMessage(() => {
        pump(
          stream,
          100,
          (at) => ({ data: contentOf(at), blockCrc32c: [at], offset: at, chunkCrc32c: [] }),
          () => {},
        );
        stream.fail(new QuorumError({ code: "corrupt", message: "block 3 is damaged" }));
      });
    }),
  );
  const { received } = download(connect(address), 100);
  await expect(received).rejects.toMatchObject({ code: "corrupt" });
});

test("a server that fails while its reader has stopped: the stream ends all the same", async () => {
  const failed = deferred();
  const address = await serve(
    duplexRoute(readChunk, (stream, { signal }) => {
      signal.addEventListener("abort", () => failed.resolve());
      stream.onMessage(() => {
        while (stream.write({ data: contentOf(0), blockCrc32c: [], offset: 0, chunkCrc32c: [] }));
        stream.fail(new QuorumError({ code: "corrupt", message: "block 3 is damaged" }));
      });
    }),
  );
  const session = connectHttp2(`http://${address}`);
  session.on("error", () => {});
  closers.push(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": readChunk.path, "content-type": "application/grpc" });
  stream.on("error", () => {});
  stream.end(frameOf(ReadChunkRequest.encode(requestOf(1)).finish()));
  await failed.promise;
});
