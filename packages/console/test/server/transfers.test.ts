import { createHash, randomBytes } from "node:crypto";
import { type ClientRequest, get, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "@quorumfs/local-cluster";
import type { StoredFile } from "../../src/api.js";
import { downloadsMax, uploadsMax } from "../../src/routes/content.js";
import { ask, openSocket } from "../support/ask.js";

const MiB = 2 ** 20;

let cluster: LocalCluster;
let url: string;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1, console: true });
  url = cluster.consoleUrl ?? "";
});

afterAll(() => cluster.close());

const pathOf = (name: string) => `/api/files/content?bucket=files&path=${encodeURIComponent(name)}`;

/** An upload that is under way: its body is what is written to it. */
function beginUpload(name: string, size?: number): { asked: ClientRequest; answer: Promise<IncomingMessage> } {
  const headers = { "X-QuorumFS-Console": "1", ...(size !== undefined && { "Content-Length": String(size) }) };
  const asked = request(`${url}${pathOf(name)}`, { method: "PUT", headers, agent: false });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    asked.on("response", resolve);
    asked.on("error", reject);
  });
  answer.catch(() => undefined);
  return { asked, answer };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

function open(name: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(`${url}${pathOf(name)}`, { agent: false }, resolve).on("error", reject);
  });
}

/** Until a condition of the cluster holds. */
const until = (what: string, condition: () => boolean | Promise<boolean>) => cluster.waitUntil(what, condition, 30_000);

const exists = async (name: string) => (await ask(url, `/api/files/stat?bucket=files&path=${name}`)).status === 200;

describe("transfers", () => {
  test("a large file goes there and back, and neither way is kept in memory", async () => {
    const piece = randomBytes(MiB);
    const pieces = 160;
    const hash = createHash("sha256");
    for (let index = 0; index < pieces; index += 1) hash.update(piece);
    const etag = hash.digest("hex");
    const baseline = process.memoryUsage().arrayBuffers;
    let most = 0;
    function* content(): Generator<Buffer> {
      for (let index = 0; index < pieces; index += 1) {
        most = Math.max(most, process.memoryUsage().arrayBuffers);
        yield piece;
      }
    }
    const { asked, answer } = beginUpload("huge");
    await pipeline(Readable.from(content()), asked);
    const stored = JSON.parse(await textOf(await answer)) as StoredFile;
    expect(stored.file).toMatchObject({ size: pieces * MiB, etag });
    const back = createHash("sha256");
    for await (const chunk of (await open("huge")) as AsyncIterable<Buffer>) {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      back.update(chunk);
    }
    expect(back.digest("hex")).toBe(etag);
    // Of client, console, DataNode and this test together.
    expect(most - baseline).toBeLessThan(128 * MiB);
  });

  test("an upload that is cut short stores nothing, and gives its place free", async () => {
    for (let round = 0; round < uploadsMax + 1; round += 1) {
      const { asked } = beginUpload("cut", 8 * MiB);
      await new Promise<void>((resolve) => asked.write(randomBytes(MiB), () => resolve()));
      asked.destroy();
    }
    await until(
      "an upload is taken again",
      async () => (await ask(url, pathOf("next"), { method: "PUT", body: "x" })).status === 200,
    );
    expect(await exists("cut")).toBe(false);
  });

  test("one more upload than there may be at once is refused at once, and told when to come again", async () => {
    const held = Array.from({ length: uploadsMax }, (_, index) => beginUpload(`held-${index}`, 2 * MiB));
    for (const { asked } of held) await new Promise<void>((resolve) => asked.write(randomBytes(MiB), () => resolve()));
    await until("it is refused", async () => {
      const { status, json, headers } = await ask(url, pathOf("more"), { method: "PUT", body: "x" });
      if (status === 200) return false;
      expect(status).toBe(429);
      expect(json).toMatchObject({ code: "resource_exhausted" });
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      return true;
    });
    // Reads are another matter.
    expect((await ask(url, "/api/files?bucket=files")).status).toBe(200);
    for (const { asked } of held) asked.end(randomBytes(MiB));
    for (const { answer } of held) expect((await answer).statusCode).toBe(200);
  });

  test("a download whose reader goes ends at once, and gives its place free", async () => {
    for (let round = 0; round < downloadsMax + 1; round += 1) {
      const response = await open("huge");
      expect(response.statusCode).toBe(200);
      response.destroy();
    }
    await until("one is served again", async () => (await ask(url, pathOf("next"))).status === 200);
  });

  test("a download whose reader stops for a while is not fetched meanwhile, and goes on", async () => {
    const response = await open("huge");
    response.pause();
    const client = await cluster.client();
    // Another file goes through, while this one holds only what its connection takes.
    await client.put("files/meanwhile", randomBytes(4 * MiB));
    let bytes = 0;
    for await (const piece of response as AsyncIterable<Buffer>) bytes += piece.length;
    expect(bytes).toBe(160 * MiB);
  });

  test("content that ends before its length stores nothing", async () => {
    const socket = await openSocket(url);
    const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => undefined).resume();
    const headers = "Host: localhost\r\nX-QuorumFS-Console: 1\r\nContent-Length: 100";
    socket.end(`PUT ${pathOf("short")} HTTP/1.1\r\n${headers}\r\n\r\ntoo short`);
    await ended;
    expect(await exists("short")).toBe(false);
  });
});
