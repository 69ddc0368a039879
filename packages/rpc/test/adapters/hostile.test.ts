import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type Settings,
} from "node:http2";
import type { IncomingHttpHeaders } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { duplexRoute, type Listener, unaryRoute } from "@quorumfs/core";
import { grpcNetwork, serveLane } from "../../src/index.js";
import {
  concurrentStreamsMax,
  connectionWindowBytes,
  headerBytesMax,
  messageBytesMax,
  streamWindowBytes,
} from "../../src/adapters/limits.js";
import { deferred } from "../support/deferred.js";
import { echo, exchange, jsonMethod, type Text } from "../support/echo.js";
import { recordingLog, systemClock } from "../support/systems.js";

const log = recordingLog();
const network = grpcNetwork({ log });
const wait = jsonMethod<Text, Text>("Wait");
const lane = jsonMethod<Message[], Message[]>("Lane", { requestStream: true, responseStream: true });

interface Message {
  id: number;
  readonly text: string;
}

let listener: Listener;
let waiting = 0;
let laneGone = deferred();
const closers: (() => void)[] = [];

beforeEach(async () => {
  waiting = 0;
  laneGone = deferred();
  log.events.length = 0;
  listener = await network.listen({
    host: "127.0.0.1",
    port: 0,
    routes: [
      unaryRoute(echo, async (request) => request),
      unaryRoute(wait, () => {
        waiting += 1;
        return new Promise<Text>(() => {});
      }),
      duplexRoute(exchange, (stream) => stream.onMessage((message) => stream.write(message))),
      duplexRoute(lane, (stream) => {
        serveLane<Message, Message, Message[], Message[]>(stream, {
          unpack: (frame) => frame,
          pack: (responses) => responses,
          bytesOf: ({ text }) => text.length,
          dispatch: ({ id }, reply, caller) => {
            caller.gone.addEventListener("abort", () => laneGone.resolve());
            reply({ id, text: "x".repeat(64 * 1024) });
          },
          refuse: ({ id }) => ({ id, text: "refused" }),
          clock: systemClock,
          log,
          stallTimeoutMs: 200,
        });
      }),
    ],
  });
});

afterEach(async () => {
  // Nobody's connection keeps a listener from closing, however it behaves.
  await listener.close(0);
  for (const close of closers.splice(0)) close();
});

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

function tcp(): Socket {
  const socket = connectTcp(portOf(listener.address), "127.0.0.1");
  socket.on("error", () => {});
  closers.push(() => socket.destroy());
  return socket;
}

function http2(): ClientHttp2Session {
  const session = connectHttp2(`http://${listener.address}`);
  session.on("error", () => {});
  closers.push(() => session.destroy());
  return session;
}

/** Starts a gRPC call by hand. */
function post(session: ClientHttp2Session, path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  return stream;
}

/** A gRPC frame that says it is `length` bytes long. */
function frame(bytes: Buffer, length = bytes.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

/** The gRPC status that a call ends with, from trailers or from headers alone. */
function statusOf(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    const take = (headers: IncomingHttpHeaders): void => {
      const status: unknown = headers["grpc-status"];
      if (status !== undefined) resolve(String(Number(status)));
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("close", () => resolve(`reset ${stream.rstCode}`));
    stream.resume();
  });
}

async function expectAlive(): Promise<void> {
  const channel = network.connect({ address: listener.address, purpose: "control", identity: new Map() });
  closers.push(() => channel.close());
  expect(await channel.unary(echo, { text: "alive" }, { timeoutMs: 30_000 })).toEqual({ text: "alive" });
}

describe("garbage", () => {
  test.each([
    ["text of another protocol", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["zeros", Buffer.alloc(64 * 1024)],
    [
      "a right preface and then noise",
      Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.alloc(999, 0xa5)]),
    ],
  ])("%s: the connection is closed, the server goes on", async (_, bytes) => {
    const socket = tcp();
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.resume();
    socket.write(bytes);
    await closed;
    await expectAlive();
  });

  test("connections that say nothing do not keep the listener from closing", async () => {
    const socket = tcp();
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    await expectAlive();
    await listener.close(50);
  });

  test("bytes that are no message: INVALID_ARGUMENT", async () => {
    const stream = post(http2(), echo.path);
    stream.end(frame(Buffer.from("{not json")));
    expect(await statusOf(stream)).toBe("3");
    await expectAlive();
  });

  test("bytes that are no message on a duplex stream: INVALID_ARGUMENT", async () => {
    const stream = post(http2(), exchange.path);
    stream.write(frame(Buffer.from("{not json")));
    expect(await statusOf(stream)).toBe("3");
    await expectAlive();
  });

  test("an unknown method: UNIMPLEMENTED", async () => {
    const stream = post(http2(), "/quorumfs.v1.FileService/../../etc/passwd");
    stream.end(frame(Buffer.from("{}")));
    expect(await statusOf(stream)).toBe("12");
  });
});

describe("frames", () => {
  test("cut short: answered with an error, not waited for", async () => {
    const stream = post(http2(), echo.path);
    stream.end(frame(Buffer.from('{"te'), 100));
    expect(await statusOf(stream)).not.toBe("0");
    await expectAlive();
  });

  test("claiming to be larger than messages may be: refused before the bytes are there", async () => {
    const stream = post(http2(), echo.path);
    stream.write(frame(Buffer.from("{}"), messageBytesMax + 1));
    expect(await statusOf(stream)).toBe("8");
    await expectAlive();
  });

  test("compressed into a bomb: refused", async () => {
    const { gzipSync } = await import("node:zlib");
    const bomb = gzipSync(Buffer.alloc(messageBytesMax * 4, 0x20));
    const head = Buffer.alloc(5);
    head.writeUInt8(1, 0);
    head.writeUInt32BE(bomb.length, 1);
    const stream = post(http2(), echo.path, { "grpc-encoding": "gzip" });
    stream.end(Buffer.concat([head, bomb]));
    expect(await statusOf(stream)).toBe("8");
    await expectAlive();
  });

  test("headers beyond the limit: the call is refused", async () => {
    const stream = post(http2(), echo.path, { "quorumfs-node": "7".repeat(128 * 1024) });
    stream.end(frame(Buffer.from('{"text":"x"}')));
    expect(await statusOf(stream)).not.toBe("0");
    await expectAlive();
  });
});

describe("resources", () => {
  test("receive windows, headers and streams are what we set, whatever grpc-js does by itself", async () => {
    const session = http2();
    const settings = await new Promise<Settings>((resolve) => session.once("remoteSettings", resolve));
    expect(settings).toMatchObject({
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: headerBytesMax,
      maxConcurrentStreams: concurrentStreamsMax,
    });
    const answered = statusOf(post(session, echo.path).end(frame(Buffer.from('{"text":"x"}'))));
    expect(await answered).toBe("0");
    // What the server's WINDOW_UPDATE for the connection has added up to, less what is not yet acknowledged.
    expect(session.state.remoteWindowSize).toBeGreaterThan(connectionWindowBytes - 64 * 1024);
  });

  test("one connection has no more than concurrentStreamsMax calls under way", async () => {
    const session = http2();
    await new Promise<void>((resolve) => session.once("remoteSettings", () => resolve()));
    const streams = Array.from({ length: concurrentStreamsMax + 200 }, () => {
      const stream = post(session, wait.path);
      stream.end(frame(Buffer.from('{"text":"x"}')));
      return stream;
    });
    // Calls of other connections are not held up, and are answered behind all that this one has sent.
    while (waiting < concurrentStreamsMax) await expectAlive();
    await expectAlive();
    expect(waiting).toBe(concurrentStreamsMax);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
  });

  test("streams that are opened and reset at once, by the thousand, do no harm", async () => {
    const session = http2();
    await new Promise<void>((resolve) => session.once("remoteSettings", () => resolve()));
    for (let round = 0; round < 20 && !session.destroyed; round += 1) {
      for (let index = 0; index < 100; index += 1) {
        const stream = post(session, index % 2 === 0 ? exchange.path : wait.path);
        stream.write(frame(Buffer.from('{"text":"x"}')));
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await expectAlive();
    }
  });

  test("a lane's peer that never reads is held back, then cut off", async () => {
    const session = http2();
    const stream = post(session, lane.path);
    stream.pause();
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    const requests = Array.from({ length: 4000 }, (_, index) => ({ id: index + 1, text: "" }));
    stream.write(frame(Buffer.from(JSON.stringify(requests))));
    await laneGone.promise;
    await closed;
    expect(log.events).toContain("lane.stalled");
    await expectAlive();
  });
});
