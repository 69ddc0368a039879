import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { freePorts, waitUntil } from "@quorumfs/local-cluster";
import { systemClock, systemRandom } from "@quorumfs/runtime";
import { ConnectingProcesses } from "../../src/nemesis/adapters/connecting-process.js";
import { LinkProxy } from "../../src/nemesis/adapters/link-proxy.js";
import { Links } from "../../src/nemesis/bed/links.js";

const host = "127.0.0.1";
let links: Links;
let proxy: LinkProxy;
let server: Server;
let socket: Socket;
let serverSide: Socket;
/** What each side has received. */
let atServer: string;
let atClient: string;

const until = (what: string, condition: () => boolean) =>
  waitUntil({ what, condition, timeoutMs: 10_000, clock: systemClock() });

/** The other way round, what was sent before has arrived by then: two bytes that passed in order. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

beforeEach(async () => {
  [atServer, atClient] = ["", ""];
  links = new Links();
  const port = await freePorts({ host, count: 2, random: systemRandom() });
  server = createServer((accepted) => {
    serverSide = accepted.on("error", () => undefined).setEncoding("utf8");
    serverSide.on("data", (text: string) => (atServer += text));
  });
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
  proxy = await LinkProxy.start({
    ...{ host, port: port + 1, targetPort: port, to: 2, links },
    whoConnects: async () => "client",
  });
  socket = connect({ host, port: port + 1 }).setEncoding("utf8");
  socket.on("error", () => undefined).on("data", (text: string) => (atClient += text));
  socket.write("a");
  await until("the connection is through", () => atServer === "a");
});

afterEach(async () => {
  socket.destroy();
  await proxy.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

describe("LinkProxy", () => {
  test("one direction is held, the other is not, and nothing is lost when it goes on", async () => {
    const undo = links.apply({ from: ["client"], to: [2], passage: "held" });
    socket.write("b");
    serverSide.write("x");
    await until("the answer is there", () => atClient === "x");
    await settled();
    expect(atServer).toBe("a");
    undo();
    undo();
    await until("it goes on", () => atServer === "ab");
  });

  test("a broken link ends connections", async () => {
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    links.apply({ from: [2], to: ["client"], passage: "broken" });
    await ended;
  });

  test("links of others are not touched", async () => {
    links.apply({ from: [1, "supernode"], to: [2], passage: "broken" }, { from: [2], to: [3], passage: "held" });
    socket.write("b");
    serverSide.write("x");
    await until("both have arrived", () => atServer === "ab" && atClient === "x");
  });

  test("late, and in order", async () => {
    links.apply({ from: ["client"], to: [2], delayMs: 30 });
    const startedMs = performance.now();
    socket.write("b");
    socket.write("c");
    await until("it is there", () => atServer === "abc");
    expect(performance.now() - startedMs).toBeGreaterThan(25);
  });

  test("the end of a connection reaches the other side", async () => {
    const ended = new Promise<void>((resolve) => serverSide.once("close", () => resolve()));
    socket.destroy();
    await ended;
  });
});

describe("ConnectingProcesses", () => {
  let proc: string;

  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), "quorumfs-proc-"));
    mkdirSync(join(proc, "net"));
    // What Linux shows: 127.0.0.1:4369 <- 127.0.0.1:39321, and both ends have an inode.
    const columns = "00000000:00000000 00:00000000 00000000     0        0";
    const lines = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      `   0: 0100007F:9999 0100007F:1111 01 ${columns} 501 1`,
      `   1: 0100007F:1111 0100007F:9999 01 ${columns} 502 1`,
      `   2: 0100007F:8888 0100007F:1111 06 ${columns} 0 1`,
    ];
    writeFileSync(join(proc, "net/tcp"), `${lines.join("\n")}\n`);
    for (const [pid, inode] of [
      [41, 502],
      [42, 501],
    ]) {
      mkdirSync(join(proc, `${pid}/fd`), { recursive: true });
      symlinkSync("/dev/null", join(proc, `${pid}/fd/0`));
      symlinkSync(`socket:[${inode}]`, join(proc, `${pid}/fd/7`));
    }
  });

  afterEach(() => rmSync(proc, { recursive: true }));

  test("finds who has connected among the candidates, and nobody else", async () => {
    const connection = { remotePort: 0x9999, localPort: 0x1111 };
    const ours = new ConnectingProcesses(() => [40, 41, 42], proc);
    const closing = { remotePort: 0x8888, localPort: 0x1111 };
    const unknown = { remotePort: 1, localPort: 0x1111 };
    const found = [connection, closing, unknown].map((each) => ours.find(each));
    expect(await Promise.all(found)).toEqual([42, undefined, undefined]);
    expect(await new ConnectingProcesses(() => [41], proc).find(connection)).toBeUndefined();
  });
});
