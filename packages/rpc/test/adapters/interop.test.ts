import { afterEach, describe, expect, test } from "@jest/globals";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import { type CallContext, type Channel, type Duplex, duplexRoute, type Listener, QuorumError } from "@quorumfs/core";
import { grpcNetwork } from "../../src/index.js";
import { deferred } from "../support/deferred.js";
import { exchange, type Text } from "../support/echo.js";
import { recordingLog } from "../support/systems.js";

// Our duplex streams do without grpc-js, so they are tried against it, from both sides.

const network = grpcNetwork({ log: recordingLog() });
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const encode = (message: Text): Buffer => Buffer.from(JSON.stringify(message));
const decode = (bytes: Buffer): Text => JSON.parse(bytes.toString()) as Text;
const large = "x".repeat(1024 * 1024);

async function ourServer(handle: (stream: Duplex<Text, Text>, context: CallContext) => void): Promise<Listener> {
  const routes = [duplexRoute(exchange, handle)];
  const listener = await network.listen({ host: "127.0.0.1", port: 0, routes });
  closers.push(() => listener.close(0));
  return listener;
}

function theirClient(address: string, metadata = new Metadata(), options: { deadline?: number } = {}) {
  const client = new Client(address, credentials.createInsecure());
  closers.push(() => client.close());
  return client.makeBidiStreamRequest<Text, Text>(exchange.path, encode, decode, metadata, options);
}

async function theirServer(handle: (call: ServerDuplexStream<Text, Text>) => void): Promise<Channel> {
  const server = new Server();
  server.register(exchange.path, handle, encode, decode, "bidi");
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  closers.push(() => server.forceShutdown());
  const identity = new Map([["quorumfs-node", "7"]]);
  const channel = network.connect({ address: `127.0.0.1:${port}`, purpose: "votes", identity });
  closers.push(() => channel.close());
  return channel;
}

describe("a client of grpc-js at our server", () => {
  test("messages of any size, metadata, half-close", async () => {
    const listener = await ourServer((stream, context) => {
      let texts = 0;
      stream.onMessage(({ text }) => {
        texts += text.length;
      });
      stream.onEnd(() => {
        stream.write({ text: `${context.identity.get("who")} ${texts}` });
        stream.write({ text: large });
        stream.end();
      });
    });
    const metadata = new Metadata();
    metadata.set("who", "grpc-js");
    const call = theirClient(listener.address, metadata);
    const texts: string[] = [];
    const ended = new Promise<number>((resolve) => call.on("status", ({ code }: { code: number }) => resolve(code)));
    call.on("data", ({ text }: Text) => texts.push(text));
    for (const text of ["a", large, "", large]) call.write({ text });
    call.end();
    expect(await ended).toBe(status.OK);
    expect(texts).toEqual([`grpc-js ${2 * large.length + 1}`, large]);
  });

  test("an error of the handler arrives as status, message and detail", async () => {
    const listener = await ourServer(() => {
      throw new QuorumError({ code: "permission_denied", message: "not a member: größer & 100 %" });
    });
    const call = theirClient(listener.address);
    const error = await new Promise<{ code: number; details: string; metadata: Metadata }>((resolve) =>
      call.on("error", resolve),
    );
    expect(error.code).toBe(status.PERMISSION_DENIED);
    expect(error.details).toBe("not a member: größer & 100 %");
    expect(error.metadata.get("quorumfs-error-bin")).toHaveLength(1);
  });

  test("its deadline ends the call on both sides", async () => {
    const gone = deferred();
    const listener = await ourServer((_, context) => {
      context.signal.addEventListener("abort", () => gone.resolve());
    });
    const call = theirClient(listener.address, new Metadata(), { deadline: Date.now() + 1000 });
    const error = await new Promise<{ code: number }>((resolve) => call.on("error", resolve));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    await gone.promise;
  });
});

describe("our client at a server of grpc-js", () => {
  test("messages of any size, identity, half-close", async () => {
    const channel = await theirServer((call) => {
      call.on("data", ({ text }: Text) => call.write({ text: `${text.length}` }));
      call.on("end", () => {
        call.write({ text: String(call.metadata.get("quorumfs-node")[0]) });
        call.end();
      });
    });
    const stream = channel.duplex(exchange, {});
    const texts: string[] = [];
    const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
    stream.onMessage(({ text }) => texts.push(text));
    for (const text of ["a", large, ""]) stream.write({ text });
    stream.end();
    expect(await ended).toBeUndefined();
    expect(texts).toEqual(["1", String(large.length), "0", "7"]);
  });

  test("a foreign status becomes a QuorumError", async () => {
    const channel = await theirServer((call) => {
      call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "come back later: 50 %" });
    });
    const stream = channel.duplex(exchange, {});
    const error = await new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
    expect(error).toMatchObject({ code: "resource_exhausted", details: { mayHaveRun: true } });
    expect(error?.message).toContain("come back later: 50 %");
  });

  test("a method that is not there", async () => {
    const channel = await theirServer(() => {});
    const stream = channel.duplex({ ...exchange, path: "/quorumfs.test.Other/Method" }, {});
    const error = await new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
    expect(error).toMatchObject({ code: "internal" });
    expect(error?.message).toContain("is it a QuorumFS server");
  });

  test("a timeout is the server's too", async () => {
    const gone = deferred();
    const channel = await theirServer((call) => {
      call.on("cancelled", () => gone.resolve());
    });
    const stream = channel.duplex(exchange, { timeoutMs: 1000 });
    const error = await new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(error?.message).toContain("timed out after 1000 ms");
    await gone.promise;
  });
});
