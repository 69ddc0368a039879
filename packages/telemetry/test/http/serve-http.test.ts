import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { type Log, QuorumError } from "@quorumfs/core";
import {
  healthRoute,
  type HttpHandler,
  type HttpServing,
  Metrics,
  metricsRoute,
  serveHttp,
  type ServeHttpOptions,
} from "@quorumfs/telemetry";

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

type Status = "starting" | "serving" | "closing";

async function served(
  options: Partial<ServeHttpOptions>,
  check: (serving: HttpServing) => Promise<void>,
): Promise<void> {
  await using serving = await serveHttp({ host: "127.0.0.1", port: 0, log: silent, ...options });
  await check(serving);
}

function scraped(status: () => Status = () => "serving"): Partial<ServeHttpOptions> {
  const metrics = new Metrics();
  metrics.counter({ name: "quorumfs_test_things_total", help: "Things." }).of().add(3);
  return { routes: { "/metrics": metricsRoute(() => [metrics]), "/healthz": healthRoute(status) } };
}

/** What the server says to these bytes, until it ends the connection. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  let answer = "";
  socket.setEncoding("latin1").on("data", (part: string) => (answer += part));
  socket.write(text);
  await once(socket, "close");
  return answer;
}

/** A client that reads nothing of what it asked for. */
async function deaf(port: number, text: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.pause();
  socket.write(text);
  await once(socket, "connect");
  return socket;
}

describe("serve http", () => {
  test("metrics: as Prometheus wants them", () =>
    served(scraped(), async ({ url }) => {
      const response = await fetch(`${url}/metrics?x=1`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(await response.text()).toContain("quorumfs_test_things_total 3\n");
    }));

  test("metrics: a hundred scrapes at once", () =>
    served({ ...scraped(), limits: { connectionsMax: 1000 } }, async ({ url }) => {
      const statuses = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const response = await fetch(`${url}/metrics`);
          await response.text();
          return response.status;
        }),
      );
      expect(new Set(statuses)).toEqual(new Set([200]));
    }));

  test("health: 503 while it starts and while it closes", async () => {
    let status: Status = "starting";
    await served(
      scraped(() => status),
      async ({ url }) => {
        const answers: unknown[] = [];
        for (status of ["starting", "serving", "closing"] as const) {
          const response = await fetch(`${url}/healthz`);
          answers.push([response.status, await response.json()]);
        }
        expect(answers).toEqual([
          [503, { status: "starting" }],
          [200, { status: "serving" }],
          [503, { status: "closing" }],
        ]);
      },
    );
  });

  test("bad input: HEAD has no body, other methods and paths are refused", () =>
    served(scraped(), async ({ url }) => {
      const head = await fetch(`${url}/metrics`, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
      const post = await fetch(`${url}/metrics`, { method: "POST", body: "x".repeat(100_000) });
      expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
      expect(await post.json()).toMatchObject({ code: "invalid_argument" });
      for (const path of ["/", "/metrics/", "/../metrics2", "/__proto__", "/constructor", "/%00"]) {
        const response = await fetch(url + path);
        expect([path, response.status]).toEqual([path, 404]);
        await response.text();
      }
    }));

  test.each([
    ["a foreign Host", "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", " 403 "],
    ["a foreign Origin", "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n", " 403 "],
    ["no Host", "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n", " 400 "],
    ["no Host in HTTP/1.0", "GET /metrics HTTP/1.0\r\n\r\n", " 403 "],
    ["a huge URL", `GET /${"a".repeat(10_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, " 414 "],
    [
      "a URL larger than all headers may be",
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
      " 431 ",
    ],
    ["a huge header", `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"a".repeat(100_000)}\r\n\r\n`, " 431 "],
    ["no HTTP", "\x16\x03\x01 hello\r\n\r\n", " 400 "],
    ["a URL of another site", "GET http://evil.example/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", " 400 "],
    ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", " 400 "],
    ["a tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", ""],
  ])("bad input: %s", (_what, text, status) =>
    served(scraped(), async ({ url, port }) => {
      const answer = await raw(port, text);
      if (status === "") expect(answer).toBe("");
      else expect(answer.split("\r\n")[0]).toContain(status);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    }),
  );

  test("bad input: headers that never end are not waited for", () =>
    served({ ...scraped(), limits: { headersTimeoutMs: 100 } }, async ({ port }) => {
      expect(await raw(port, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n")).toMatch(/^HTTP\/1.1 408 /);
    }));

  test("bad input: a scraper that never reads is cut off, others are served", () => {
    let tellCutOff: () => void = () => undefined;
    const cutOff = new Promise<void>((resolve) => (tellCutOff = resolve));
    const page = "x".repeat(64 * 1024 * 1024);
    const handler: HttpHandler = (_request, response) => {
      response.on("close", tellCutOff);
      response.end(page);
    };
    return served({ ...scraped(), handler, limits: { idleTimeoutMs: 200 } }, async ({ url, port }) => {
      const socket = await deaf(port, "GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      const gone = once(socket, "close");
      await cutOff;
      // What its system has taken for it is there still.
      socket.resume();
      await gone;
      expect(socket.bytesRead).toBeLessThan(page.length);
      // So short a timeout can hit those, too, who read, if the machine is busy.
      while (
        !(await fetch(`${url}/metrics`).then(
          ({ ok }) => ok,
          () => false,
        ))
      );
    });
  });

  test("bad input: more connections than allowed are closed, those that there are go on", () =>
    served({ ...scraped(), limits: { connectionsMax: 2 } }, async ({ port }) => {
      const first = [await deaf(port, "GET"), await deaf(port, "GET")];
      expect(await raw(port, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).toBe("");
      expect(first.every((socket) => !socket.destroyed)).toBe(true);
      first.forEach((socket) => socket.destroy());
    }));

  test("failure of a handler: the error as JSON with its status; one of ours is logged", async () => {
    const logged: string[] = [];
    const log: Log = { ...silent, error: (event) => void logged.push(event) };
    const throwing = (error: Error) => () => Promise.reject(error);
    const busy = { code: "resource_exhausted", message: "wait", details: { retryAfterMs: 1500 } } as const;
    const routes = { "/busy": throwing(new QuorumError(busy)), "/bug": throwing(new Error("bug")) };
    await served({ routes, log }, async ({ url }) => {
      const response = await fetch(`${url}/busy`);
      expect([response.status, response.headers.get("retry-after"), await response.json()]).toEqual([429, "2", busy]);
      expect((await fetch(`${url}/bug`)).status).toBe(500);
    });
    expect(logged).toEqual(["http.handler-failed"]);
  });

  test("ports: taken fails, or takes the next or any other one", () =>
    served({}, async ({ port }) => {
      await expect(serveHttp({ host: "127.0.0.1", port, log: silent })).rejects.toMatchObject({ code: "unavailable" });
      await served({ port, whenTaken: "next" }, async (next) => expect(next.port).toBeGreaterThan(port));
      await served({ port, whenTaken: "any" }, async (other) => expect(other.port).not.toBe(port));
    }));

  test("ports: an address that is not this machine's", async () => {
    const serving = serveHttp({ host: "192.0.2.1", port: 0, log: silent });
    await expect(serving).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("close: a scrape under way ends, one that hangs is cut off, and again it does nothing", async () => {
    let finish: () => void = () => undefined;
    let tellBegun: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (tellBegun = resolve));
    const serving = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      log: silent,
      routes: {
        "/slow": async (_request, response) => {
          tellBegun();
          await new Promise<void>((resolve) => (finish = resolve));
          response.end("done");
        },
        "/never": () => new Promise<void>(() => undefined),
      },
    });
    const slow = fetch(`${serving.url}/slow`).then((response) => response.text());
    const never = expect(fetch(`${serving.url}/never`)).rejects.toThrow();
    await begun;
    const closed = serving.close();
    finish();
    expect(await slow).toBe("done");
    await never;
    await closed;
    await serving.close();
    await expect(fetch(`${serving.url}/slow`)).rejects.toThrow();
  });
});
