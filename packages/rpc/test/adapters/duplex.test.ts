import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { type Channel, type Duplex, duplexRoute, type Listener, QuorumError, type ServedDuplex } from "@quorumfs/core";
import { grpcNetwork } from "../../src/index.js";
import { deferred } from "../support/deferred.js";
import { exchange, type Text } from "../support/echo.js";
import { recordingLog } from "../support/systems.js";

const network = grpcNetwork({ log: recordingLog() });
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(port: number, handle: (stream: ServedDuplex<Text, Text>) => void): Promise<Listener> {
  const routes = [duplexRoute(exchange, handle)];
  const listener = await network.listen({ host: "127.0.0.1", port, routes });
  closers.push(() => listener.close(0));
  return listener;
}

function connect(address: string): Channel {
  const channel = network.connect({ address, purpose: "votes", identity: new Map() });
  closers.push(() => channel.close());
  return channel;
}

const echoing = (stream: Duplex<Text, Text>): void => stream.onMessage((message) => stream.write(message));

function endOf(stream: Duplex<Text, Text>): Promise<Error | undefined> {
  return new Promise((resolve) => stream.onEnd(resolve));
}

function answerOf(stream: Duplex<Text, Text>, text: string): Promise<string> {
  return new Promise((resolve) => {
    stream.onMessage((message) => resolve(message.text));
    stream.write({ text });
  });
}

test("nobody there: unavailable, and certainly not executed", async () => {
  const listener = await serve(0, echoing);
  await listener.close(0);
  const stream = connect(listener.address).duplex(exchange, {});
  stream.write({ text: "into the void" });
  const error = await endOf(stream);
  expect(error).toMatchObject({ code: "unavailable", details: { mayHaveRun: false } });
  expect(error?.message).toContain("connection refused");
});

test("a channel connects anew after its server was away", async () => {
  const first = await serve(0, echoing);
  const channel = connect(first.address);
  const stream = channel.duplex(exchange, {});
  expect(await answerOf(stream, "one")).toBe("one");
  const ended = endOf(stream);
  await first.close(0);
  expect(await ended).toMatchObject({ code: "unavailable", details: { mayHaveRun: true } });
  await serve(Number(first.address.split(":")[1]), echoing);
  expect(await answerOf(channel.duplex(exchange, {}), "two")).toBe("two");
});

test("a server that is being closed takes no new streams, and lets the old one speak to its end", async () => {
  const arrived = deferred<Duplex<Text, Text>>();
  const listener = await serve(0, (stream) => {
    echoing(stream);
    arrived.resolve(stream);
  });
  const channel = connect(listener.address);
  const stream = channel.duplex(exchange, {});
  const served = await arrived.promise;
  expect(await answerOf(stream, "one")).toBe("one");
  const closed = listener.close(30_000);
  expect(await answerOf(stream, "two")).toBe("two");
  expect(await endOf(channel.duplex(exchange, {}))).toMatchObject({ code: "unavailable" });
  const ended = endOf(stream);
  served.end();
  expect(await ended).toBeUndefined();
  await closed;
});

test("what the server fails a stream with is told to the client, behind what was written before", async () => {
  const full = new QuorumError({ code: "resource_exhausted", message: "full", details: { retryAfterMs: 70 } });
  const listener = await serve(0, (stream) => {
    stream.onMessage((message) => {
      stream.write(message);
      setImmediate(() => {
        stream.fail(full);
        stream.fail(new Error("again"));
        stream.write(message);
      });
    });
  });
  const stream = connect(listener.address).duplex(exchange, {});
  const heard: string[] = [];
  stream.onMessage(({ text }) => heard.push(text));
  stream.write({ text: "one" });
  expect(await endOf(stream)).toMatchObject({
    code: "resource_exhausted",
    message: "full",
    details: { retryAfterMs: 70 },
  });
  expect(heard).toEqual(["one"]);
});

test("a server learns when a message has left, and not of one that never does", async () => {
  const sent: string[] = [];
  const left = deferred<undefined>();
  const arrived = deferred<ServedDuplex<Text, Text>>();
  const listener = await serve(0, (stream) => {
    for (const text of ["short", "x".repeat(100_000)]) {
      stream.write({ text }, () => {
        sent.push(text);
        if (sent.length === 2) left.resolve(undefined);
      });
    }
    arrived.resolve(stream);
  });
  const stream = connect(listener.address).duplex(exchange, {});
  stream.onMessage(() => undefined);
  await left.promise;
  const served = await arrived.promise;
  const gone = new Promise((resolve) => served.onEnd(resolve));
  stream.cancel();
  await gone;
  served.write({ text: "late" }, () => sent.push("late"));
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(sent.map(({ length }) => length)).toEqual([5, 100_000]);
});

test("closing the channel ends its streams", async () => {
  const gone = deferred<Error | undefined>();
  const listener = await serve(0, (stream) => {
    echoing(stream);
    stream.onEnd(gone.resolve);
  });
  const channel = connect(listener.address);
  const stream = channel.duplex(exchange, {});
  await answerOf(stream, "one");
  const ended = endOf(stream);
  channel.close();
  expect(await ended).toBeInstanceOf(Error);
  expect(await gone.promise).toBeInstanceOf(Error);
  expect(await endOf(channel.duplex(exchange, {}))).toBeInstanceOf(Error);
});

test("cancelled by the caller's signal", async () => {
  const listener = await serve(0, echoing);
  const controller = new AbortController();
  const stream = connect(listener.address).duplex(exchange, { signal: controller.signal });
  await answerOf(stream, "one");
  const ended = endOf(stream);
  controller.abort();
  expect(await ended).toMatchObject({ code: "cancelled" });
});

test("paused: messages of one packet that were not delivered yet wait, and come in order", async () => {
  const listener = await serve(0, (stream) => {
    stream.onMessage(() => {
      for (let index = 0; index < 100; index += 1) stream.write({ text: String(index) });
      stream.end();
    });
  });
  const stream = connect(listener.address).duplex(exchange, {});
  const texts: string[] = [];
  const ten = deferred();
  stream.onMessage(({ text }) => {
    texts.push(text);
    if (texts.length !== 10) return;
    stream.pause();
    ten.resolve();
  });
  const ended = endOf(stream);
  stream.write({ text: "go" });
  await ten.promise;
  // What the server sent has long arrived when it answers on another stream of the same connection.
  await new Promise((resolve) => setImmediate(resolve));
  expect(texts).toHaveLength(10);
  stream.resume();
  expect(await ended).toBeUndefined();
  expect(texts).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
});

test("what listens there speaks another protocol: unavailable", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.end("SSH-2.0-OpenSSH_9.6\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  const error = await endOf(connect(`127.0.0.1:${bound.port}`).duplex(exchange, {}));
  expect(error).toMatchObject({ code: "unavailable" });
});
