import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { isQuorumErrorOf } from "../support/errors.js";
import { type LocalCluster, startCluster } from "@quorumfs/local-cluster";
import type { About } from "../../src/api.js";
import { checkConsoleConfig, type Console } from "../../src/index.js";
import { ask, askJson, askRaw, openSocket } from "../support/ask.js";
import { EventStream } from "../support/event-stream.js";
import { consoleFor, nobody } from "../support/own-console.js";

const token = "0123456789abcdef-the-token";
const bearer = { Authorization: `Bearer ${token}` };

describe("access: on loopback, without a token", () => {
  let page: Console;
  let port: string;

  beforeAll(async () => {
    page = await consoleFor(nobody);
    port = new URL(page.url).port;
  });
  afterAll(() => page.close());

  test.each([
    ["another name, as of DNS rebinding", { Host: "evil.example" }],
    ["another name with our port", { Host: "evil.example:7080" }],
    ["a name that begins with ours", { Host: "localhost.evil.example" }],
    ["another machine's address", { Host: "10.0.0.1:7080" }],
  ])("refused: %s as Host", async (_what, headers) => {
    for (const path of ["/", "/api/about", "/metrics", "/metrics/targets", "/healthz"]) {
      expect((await askRaw(page.url, path, { headers })).status).toBe(403);
    }
  });

  test("taken: the names of this machine's loopback", async () => {
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, "localhost"]) {
      expect((await askRaw(page.url, "/api/about", { headers: { Host: host } })).status).toBe(200);
    }
  });

  test.each([
    ["another site", { Origin: "https://evil.example" }],
    ["another port of this machine", { Origin: "http://127.0.0.1:1" }],
    ["a sandboxed page", { Origin: "null" }],
    ["another site, as the browser says", { "Sec-Fetch-Site": "cross-site" }],
    ["another port, as the browser says", { "Sec-Fetch-Site": "same-site" }],
  ])("refused: a request from %s", async (_what, headers) => {
    expect((await ask(page.url, "/api/workload", { headers })).status).toBe(403);
    const change = { method: "POST", body: "{}", headers: { ...headers, "Content-Type": "application/json" } };
    expect((await ask(page.url, "/api/workload", change)).status).toBe(403);
    await expect(EventStream.open(page.url, headers)).rejects.toThrow("403");
  });

  test("taken: our own page", async () => {
    const headers = { Origin: page.url, "Sec-Fetch-Site": "same-origin" };
    expect((await ask(page.url, "/api/workload", { headers })).status).toBe(200);
  });

  test("refused: changes that a form could send", async () => {
    for (const [path, method] of [
      ["/api/workload", "POST"],
      ["/api/workload", "DELETE"],
      ["/api/buckets", "POST"],
      ["/api/files/content?bucket=files&path=a", "PUT"],
      ["/api/login", "POST"],
    ] as const) {
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const body = method === "DELETE" ? "" : "a=b";
      expect((await askRaw(page.url, path, { method, headers, body })).status).toBe(403);
    }
  });

  test("every answer has the headers that keep a page in its place", async () => {
    for (const path of ["/", "/nothing", "/api/about", "/api/nothing", "/metrics"]) {
      const { headers } = await askRaw(page.url, path);
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers["content-security-policy"]).not.toMatch(/unsafe|\*|https?:/);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test("what is no HTTP, or too much of it, ends with the connection", async () => {
    for (const text of [
      "\u0000\u0001\u0002\r\n\r\n",
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    ]) {
      const socket = await openSocket(page.url);
      const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
      let answer = "";
      socket.on("data", (piece: Buffer) => (answer += piece.toString("latin1")));
      socket.on("error", () => undefined);
      socket.write(text);
      await ended;
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
    }
    expect((await askRaw(page.url, `/api/files?bucket=${"x".repeat(9000)}`)).status).toBe(414);
    expect((await askRaw(page.url, "/api/about")).status).toBe(200);
  });
});

describe("access: with a token", () => {
  let cluster: LocalCluster;
  let page: Console;
  let url: string;

  beforeAll(async () => {
    cluster = await startCluster({ nodes: 1 });
    page = await consoleFor(cluster, { config: { host: "0.0.0.0", port: 0, token } });
    url = page.url;
  });
  afterAll(async () => {
    await page.close();
    await cluster.close();
  });

  const protectedPaths = [
    "/api/cluster",
    "/api/layout",
    "/api/buckets",
    "/api/files?bucket=files",
    "/api/events",
    "/api/workload",
  ];

  test("without it: nothing but that one is needed", async () => {
    for (const path of protectedPaths) {
      const answer = await ask(url, path);
      expect({ status: answer.status, code: answer.json }).toMatchObject({
        status: 401,
        code: { code: "permission_denied" },
      });
    }
    await expect(EventStream.open(url)).rejects.toThrow("401");
    const about = (await ask(url, "/api/about")).json as About;
    expect(about).toEqual({ version: null, clusterId: null, tokenNeeded: true, authorised: false });
    const put = await ask(url, "/api/files/content?bucket=files&path=a", { method: "PUT", body: "x" });
    expect(put.status).toBe(401);
    expect((await ask(url, "/api/nothing")).status).toBe(401);
  });

  test("with a wrong one: the same", async () => {
    for (const wrong of ["x", `${token}x`, token.slice(1), "", "\u00e9"]) {
      const headers = { Authorization: `Bearer ${wrong}` };
      expect((await ask(url, "/api/cluster", { headers })).status).toBe(401);
      expect((await askJson(url, "/api/login", "POST", { token: wrong })).status).toBe(403);
    }
    expect((await ask(url, "/api/cluster", { headers: { Authorization: `Basic ${token}` } })).status).toBe(401);
    expect((await ask(url, `/api/cluster?token=${token}`)).status).toBe(401);
    expect((await ask(url, "/api/cluster", { headers: { Cookie: "quorumfs-console=" } })).status).toBe(401);
    expect((await askJson(url, "/api/login", "POST", { token: 1 })).status).toBe(400);
  });

  test("with it as a Bearer token: all", async () => {
    for (const path of protectedPaths) expect((await ask(url, path, { headers: bearer })).status).toBe(200);
    const about = (await ask(url, "/api/about", { headers: bearer })).json as About;
    expect(about).toMatchObject({ version: "1.2.3", tokenNeeded: true, authorised: true });
  });

  test("a login gives a cookie that no script reads and no other site sends; a logout takes it", async () => {
    const login = await askJson(url, "/api/login", "POST", { token });
    expect(login.status).toBe(204);
    const [cookie = ""] = login.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\//);
    expect(cookie).not.toContain(token);
    const headers = { Cookie: `other=1; ${cookie.slice(0, cookie.indexOf(";"))}` };
    expect((await ask(url, "/api/cluster", { headers })).status).toBe(200);
    await using stream = await EventStream.open(url, headers);
    expect(stream.ended).toBe(false);
    const logout = await ask(url, "/api/logout", { method: "POST" });
    expect(logout.headers["set-cookie"]?.[0]).toMatch(/^quorumfs-console=;.*Max-Age=0/);
  });

  test("the cookie is good at a console that was started anew with the token, and with no other token", async () => {
    const login = await askJson(url, "/api/login", "POST", { token });
    const headers = { Cookie: String(login.headers["set-cookie"]?.[0]).split(";")[0] ?? "" };
    await using again = await consoleFor(cluster, { config: { host: "0.0.0.0", port: 0, token } });
    expect((await ask(again.url, "/api/cluster", { headers })).status).toBe(200);
    await using other = await consoleFor(cluster, { config: { host: "0.0.0.0", port: 0, token: `${token}2` } });
    expect((await ask(other.url, "/api/cluster", { headers })).status).toBe(401);
  });

  test("Prometheus, health and the page itself need none", async () => {
    for (const path of ["/metrics", "/metrics/targets", "/healthz"]) expect((await askRaw(url, path)).status).toBe(200);
  });

  test("another site's page is refused even with the cookie", async () => {
    const headers = { ...bearer, Origin: "https://evil.example" };
    expect((await ask(url, "/api/cluster", { headers })).status).toBe(403);
  });
});

describe("access: settings", () => {
  test.each([
    ["no token on an address that others reach", { host: "0.0.0.0", port: 0 }],
    ["no token on another machine's address", { host: "192.0.2.1", port: 0 }],
    ["a token that can be guessed", { port: 0, token: "short" }],
    ["a token with a space", { port: 0, token: "0123456789 0123456789" }],
    ["a port that is none", { port: 70_000 }],
  ])("refused: %s", (_what, config) => {
    expect(() => checkConsoleConfig(config)).toThrow(isQuorumErrorOf("invalid_argument"));
  });

  test("the port that is wanted is taken: the next one", async () => {
    await using first = await consoleFor(nobody);
    const port = Number(new URL(first.url).port);
    await using second = await consoleFor(nobody, { config: { port } });
    expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
  });
});
