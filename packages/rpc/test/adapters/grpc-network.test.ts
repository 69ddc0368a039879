import { afterEach, describe, expect, test } from "@jest/globals";
import {
  type Channel,
  duplexRoute,
  type Listener,
  QuorumError,
  type Route,
  serverStreamRoute,
  unaryRoute,
} from "@quorumfs/core";
import { grpcNetwork } from "../../src/index.js";
import { deferred } from "../support/deferred.js";
import { count, echo, exchange, type Text } from "../support/echo.js";
import { recordingLog } from "../support/systems.js";

const log = recordingLog();
const network = grpcNetwork({ log });
const opened: (Listener | Channel)[] = [];

async function listen(...routes: Route[]): Promise<Listener> {
  const listener = await network.listen({ host: "127.0.0.1", port: 0, routes });
  opened.push(listener);
  return listener;
}

function connect(address: string, identity: ReadonlyMap<string, string> = new Map()): Channel {
  const channel = network.connect({ address, purpose: "control", identity });
  opened.push(channel);
  return channel;
}

afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close(0);
  log.events.length = 0;
});

async function failureOf(work: Promise<unknown>): Promise<QuorumError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof QuorumError) return thrown;
  throw new Error(`expected a QuorumError, got ${String(thrown)}`);
}

describe("unary", () => {
  test("answers, and says who called", async () => {
    const listener = await listen(
      unaryRoute(echo, async ({ text }, context) => ({ text: `${text} ${context.identity.get("quorumfs-node")}` })),
    );
    const channel = connect(listener.address, new Map([["quorumfs-node", "7"]]));
    expect(await channel.unary(echo, { text: "hello" }, { timeoutMs: 30_000 })).toEqual({ text: "hello 7" });
  });

  test("carries an error with all its details", async () => {
    const details = {
      needed: 2,
      got: 1,
      nodes: [{ node: 3, reason: "connection refused" }],
      retryAfterMs: 50,
      currentVersion: 0,
      requestId: "00ff",
    };
    const listener = await listen(
      unaryRoute(echo, async () => {
        throw new QuorumError({ code: "quorum_unavailable", message: "needed 2, got 1", details });
      }),
    );
    const error = await failureOf(connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 30_000 }));
    expect(error).toMatchObject({ code: "quorum_unavailable", message: "needed 2, got 1", details });
  });

  test("a handler's bug is internal, logged, and harms nobody else", async () => {
    const listener = await listen(
      unaryRoute(echo, ({ text }: Text): Promise<Text> => {
        if (text === "bug") throw new TypeError("secret of the server");
        return Promise.resolve({ text });
      }),
    );
    const channel = connect(listener.address);
    const error = await failureOf(channel.unary(echo, { text: "bug" }, { timeoutMs: 30_000 }));
    expect(error.code).toBe("internal");
    expect(error.message).not.toContain("secret");
    expect(log.events).toEqual(["rpc.handler-failed"]);
    expect(await channel.unary(echo, { text: "fine" }, { timeoutMs: 30_000 })).toEqual({ text: "fine" });
  });

  test("nobody there: unavailable, and certainly not executed", async () => {
    const listener = await listen();
    await listener.close(0);
    const error = await failureOf(connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 30_000 }));
    expect(error).toMatchObject({ code: "unavailable", details: { mayHaveRun: false } });
    expect(error.message).toContain("connection refused");
  });

  test("no answer in time: unavailable, may have been executed, and the handler hears of it", async () => {
    const { promise: aborted, resolve: abort } = deferred<void>();
    const listener = await listen(
      unaryRoute(echo, (_, context) => {
        context.signal.addEventListener("abort", () => abort());
        return new Promise<Text>(() => {});
      }),
    );
    const error = await failureOf(connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 1000 }));
    expect(error).toMatchObject({ code: "unavailable", details: { mayHaveRun: true } });
    expect(error.message).toContain("timed out after 1000 ms");
    await aborted;
  });

  test("cancelled by the caller's signal", async () => {
    const controller = new AbortController();
    const listener = await listen(
      unaryRoute(echo, () => {
        controller.abort();
        return new Promise<Text>(() => {});
      }),
    );
    const call = connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 30_000, signal: controller.signal });
    expect(await failureOf(call)).toMatchObject({ code: "cancelled" });
  });

  test("the server dies with a call under way: unavailable, may have been executed", async () => {
    const { promise: heard, resolve: hear } = deferred();
    const listener = await listen(
      unaryRoute(echo, () => {
        hear();
        return new Promise<Text>(() => {});
      }),
    );
    const call = failureOf(connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 30_000 }));
    await heard;
    await listener.close(0);
    const error = await call;
    expect(error).toMatchObject({ code: "unavailable", details: { mayHaveRun: true } });
  });

  test("a method that the server does not offer", async () => {
    const listener = await listen();
    const error = await failureOf(connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 30_000 }));
    expect(error.code).toBe("internal");
    expect(error.message).toContain("is it a QuorumFS server");
  });
});

describe("server stream", () => {
  test("holds the sender back, and leaving the loop ends the handler", async () => {
    let sent = 0;
    const { promise: ended, resolve: end } = deferred<void>();
    const listener = await listen(
      serverStreamRoute(count, async function* ({ upTo }) {
        try {
          for (; sent < upTo; sent += 1) yield { n: sent, filler: "x".repeat(64 * 1024) };
        } finally {
          end();
        }
      }),
    );
    const seen: number[] = [];
    for await (const { n } of connect(listener.address).serverStream(count, { upTo: 10_000 }, {})) {
      seen.push(n);
      if (seen.length === 3) break;
    }
    await ended;
    expect(seen).toEqual([0, 1, 2]);
    expect(sent).toBeLessThan(1000);
  });

  test("an error after some messages", async () => {
    const listener = await listen(
      serverStreamRoute(count, async function* () {
        yield { n: 1 };
        throw new QuorumError({ code: "corrupt", message: "a page is damaged" });
      }),
    );
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { n } of connect(listener.address).serverStream(count, { upTo: 1 }, {})) seen.push(n);
    };
    expect(await failureOf(read())).toMatchObject({ code: "corrupt", message: "a page is damaged" });
    expect(seen).toEqual([1]);
  });

  test("ends in order", async () => {
    const listener = await listen(
      serverStreamRoute(count, async function* ({ upTo }) {
        for (let n = 0; n < upTo; n += 1) yield { n };
      }),
    );
    let messages = 0;
    for await (const _ of connect(listener.address).serverStream(count, { upTo: 500 }, {})) messages += 1;
    expect(messages).toBe(500);
  });
});

describe("duplex", () => {
  test("both ways, and a half-close that still gets its replies", async () => {
    const listener = await listen(
      duplexRoute(exchange, (stream) => {
        const texts: string[] = [];
        stream.onMessage(({ text }) => texts.push(text));
        stream.onEnd(() => {
          stream.write({ text: texts.join(",") });
          stream.end();
        });
      }),
    );
    const stream = connect(listener.address).duplex(exchange, {});
    const replies: string[] = [];
    const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
    stream.onMessage(({ text }) => replies.push(text));
    for (const text of ["a", "b", "c"]) stream.write({ text });
    stream.end();
    expect(await ended).toBeUndefined();
    expect(replies).toEqual(["a,b,c"]);
  });

  test("write asks to hold back from a reader that has paused, and says when to go on", async () => {
    const { promise: reading, resolve: read } = deferred<() => void>();
    let received = 0;
    const listener = await listen(
      duplexRoute(exchange, (stream) => {
        stream.pause();
        stream.onMessage(() => {
          received += 1;
        });
        stream.pause();
        read(() => stream.resume());
      }),
    );
    const stream = connect(listener.address).duplex(exchange, {});
    const text = "x".repeat(1024 * 1024);
    let sent = 0;
    const { promise: all, resolve: finish } = deferred<void>();
    const pump = (): void => {
      while (sent < 40) {
        sent += 1;
        if (!stream.write({ text })) return;
      }
      finish();
    };
    stream.onDrain(pump);
    pump();
    const resume = await reading;
    const sentWhilePaused = sent;
    expect(sentWhilePaused).toBeLessThan(20);
    resume();
    await all;
    expect(received).toBeGreaterThan(0);
  });

  test("the server sees the client go", async () => {
    const { promise: gone, resolve } = deferred<Error | undefined>();
    const { promise: heard, resolve: hear } = deferred<void>();
    const listener = await listen(
      duplexRoute(exchange, (stream) => {
        stream.onMessage(() => hear());
        stream.onEnd(resolve);
      }),
    );
    const stream = connect(listener.address).duplex(exchange, {});
    stream.write({ text: "here" });
    await heard;
    stream.cancel();
    expect(await gone).toBeInstanceOf(QuorumError);
  });
});

describe("listener", () => {
  test("a port in use is said in one clear line", async () => {
    const { address } = await listen();
    const port = Number(address.split(":")[1]);
    const error = await failureOf(network.listen({ host: "127.0.0.1", port, routes: [] }));
    expect(error).toMatchObject({
      code: "unavailable",
      message: `port ${port} is in use; choose another with --port`,
    });
  });

  test("closes with open streams and without delay beyond its grace", async () => {
    const { promise: heard, resolve: hear } = deferred<void>();
    const listener = await listen(duplexRoute(exchange, (stream) => stream.onMessage(() => hear())));
    const stream = connect(listener.address).duplex(exchange, {});
    const ended = new Promise<Error | undefined>((resolve) => stream.onEnd(resolve));
    stream.write({ text: "here" });
    await heard;
    await listener.close(20);
    await listener.close(20);
    expect(await ended).toMatchObject({ code: "unavailable" });
  });

  test("lets a running call finish", async () => {
    const { promise: heard, resolve: hear } = deferred<void>();
    const { promise: answer, resolve: give } = deferred<Text>();
    const listener = await listen(
      unaryRoute(echo, () => {
        hear();
        return answer;
      }),
    );
    const call = connect(listener.address).unary(echo, { text: "" }, { timeoutMs: 30_000 });
    await heard;
    const closed = listener.close(30_000);
    give({ text: "done" });
    expect(await call).toEqual({ text: "done" });
    await closed;
  });
});
