import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { temporaryDirectory, type TemporaryDirectory } from "@quorumfs/local-cluster";
import type { Console } from "../../src/index.js";
import { askRaw, openSocket } from "../support/ask.js";
import { consoleFor, nobody } from "../support/own-console.js";

let directory: TemporaryDirectory;
let page: Console;

beforeAll(async () => {
  directory = await temporaryDirectory("quorumfs-page-");
  const dist = join(directory.path, "dist");
  await mkdir(join(dist, "assets"), { recursive: true });
  await writeFile(join(dist, "index.html"), `<!doctype html>${"<p>page</p>".repeat(100)}`);
  await writeFile(join(dist, "assets", "index-DjE-C8Yt.js"), `export {};${"// script\n".repeat(100)}`);
  await writeFile(join(dist, "assets", "index-DmOs9Gsh.css"), "p { color: red }");
  await writeFile(join(dist, "favicon.svg"), "<svg/>");
  await writeFile(join(dist, "notes.secret"), "of a type that no page has");
  await writeFile(join(directory.path, "outside.txt"), "outside");
  page = await consoleFor(nobody, { pageDirectory: dist });
});

afterAll(async () => {
  await page.close();
  await directory.remove();
});

describe("page", () => {
  test.each([
    ["/", "text/html; charset=utf-8", "no-cache"],
    ["/index.html", "text/html; charset=utf-8", "no-cache"],
    ["/assets/index-DjE-C8Yt.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/assets/index-DmOs9Gsh.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/favicon.svg", "image/svg+xml", "no-cache"],
  ])("%s: its type, and how long it may be kept", async (path, type, caching) => {
    const { status, headers } = await askRaw(page.url, path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": type,
      "cache-control": caching,
      "x-content-type-options": "nosniff",
    });
  });

  test.each([
    ["br", "gzip, deflate, br", "br"],
    ["gzip", "gzip", "gzip"],
    ["neither, where that is not wanted", "gzip;q=0, br;q=0.0", undefined],
    ["neither, where nothing is said", "", undefined],
  ])("compressed by %s", async (_what, wanted, encoding) => {
    const { headers, text } = await askRaw(page.url, "/", { headers: { "Accept-Encoding": wanted } });
    expect(headers["content-encoding"]).toBe(encoding);
    expect(headers.vary).toBe("Accept-Encoding");
    expect(text).toContain("<p>page</p>");
  });

  test("not sent again to who has it", async () => {
    const { headers } = await askRaw(page.url, "/");
    const again = await askRaw(page.url, "/", { headers: { "If-None-Match": headers.etag ?? "" } });
    expect({ status: again.status, text: again.text }).toEqual({ status: 304, text: "" });
  });

  test("HEAD: no body; anything but reading: 405", async () => {
    const head = await askRaw(page.url, "/", { method: "HEAD" });
    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: "" });
    expect((await askRaw(page.url, "/", { method: "POST", body: "x" })).status).toBe(405);
  });

  test.each([
    "/../outside.txt",
    "/assets/../../outside.txt",
    "/..%2foutside.txt",
    "/%2e%2e/outside.txt",
    "/..%5coutside.txt",
    "/assets/%2e%2e%2f%2e%2e%2foutside.txt",
    "//etc/passwd",
    "/%00",
    "/%ff",
    "/notes.secret",
    "/assets",
    "/__proto__",
    "/constructor",
  ])("%s leads nowhere", async (path) => {
    // As it is: clients would tidy it up.
    const socket = await openSocket(page.url);
    let answer = "";
    socket.on("data", (piece: Buffer) => (answer += piece.toString("latin1")));
    const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await ended;
    expect(answer).toMatch(/^HTTP\/1.1 404 /);
    expect(answer).not.toContain("outside\n");
  });

  test("not built: a text that says what to do, until it is", async () => {
    const dist = join(directory.path, "later");
    await using other = await consoleFor(nobody, { pageDirectory: dist });
    const { status, text } = await askRaw(other.url, "/");
    expect(status).toBe(503);
    expect(text).toContain("npm run build");
    await mkdir(dist);
    await writeFile(join(dist, "index.html"), "built");
    expect(await askRaw(other.url, "/")).toMatchObject({ status: 200, text: "built" });
    await rm(dist, { recursive: true });
  });
});
