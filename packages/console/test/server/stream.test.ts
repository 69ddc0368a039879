import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LocalCluster, startCluster } from "@quorumfs/local-cluster";
import type { Channel, Network } from "@quorumfs/core";
import { grpcNetwork } from "@quorumfs/rpc";
import { silentLog } from "@quorumfs/runtime";
import { tabsMax } from "../../src/live/hub.js";
import { ask } from "../support/ask.js";
import { EventStream } from "../support/event-stream.js";
import { consoleFor, nobody } from "../support/own-console.js";

let cluster: LocalCluster;
let url: string;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, console: true });
  url = cluster.consoleUrl ?? "";
});

afterAll(() => cluster.close());

const until = (what: string, condition: () => boolean) => cluster.waitUntil(what, condition, 30_000);

describe("stream", () => {
  test("a tab is told everything, then each second, with what was done in it", async () => {
    await using tab = await EventStream.open(url);
    await until("all kinds were told", () =>
      (["history", "sample", "events", "nodes", "layout", "workload"] as const).every((event) => tab.last(event)),
    );
    const client = await cluster.client();
    for (let index = 0; index < 20; index += 1) await client.put(`files/${index}`, "x");
    for (let index = 0; index < 20; index += 1) await client.get(`files/${index}`);
    const sum = (kind: "get" | "put") =>
      tab.all("sample").reduce((total, { kinds }) => total + (kinds[kind]?.answeredPerSecond ?? 0), 0);
    await until("they were counted", () => sum("put") > 15 && sum("get") > 15);
    const busy = tab.all("sample").find(({ kinds }) => kinds.put);
    expect(busy?.kinds.put?.p50Ms).toBeGreaterThan(0);
    expect(busy?.nodes.map(({ node }) => node)).toEqual([1, 2, 3]);
    expect(busy?.nodes.every(({ load }) => load !== null && load.residentBytes > 0)).toBe(true);
    const times = tab.all("sample").map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test("a tab that comes later gets the history, whole and in order", async () => {
    await using first = await EventStream.open(url);
    await until("some seconds are over", () => first.all("sample").length >= 2);
    await using second = await EventStream.open(url);
    await until("it is told", () => second.all("history").some(({ more }) => !more));
    const samples = second.all("history").flatMap((piece) => piece.samples);
    expect(samples.length).toBeGreaterThanOrEqual(2);
    expect(second.all("history")[0]?.from).toBe(0);
    const times = samples.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times).size).toBe(times.length);
    expect(samples.every(({ buckets, hotFiles }) => buckets === undefined && hotFiles === undefined)).toBe(true);
  });

  test("a node that is killed turns up as down, in the nodes, the conditions and the events; and back", async () => {
    await using tab = await EventStream.open(url);
    await until("it is told of the nodes", () => tab.last("nodes") !== undefined);
    await cluster.kill(3);
    await until("it is down", () => tab.last("nodes")?.nodes.find(({ id }) => id === 3)?.state === "down");
    expect(tab.last("nodes")?.conditions).toContainEqual(
      expect.objectContaining({ level: "error", node: 3, text: expect.stringContaining("is down") }),
    );
    expect(tab.last("nodes")?.ready).toBe(true);
    await until("it is an event", () =>
      tab.all("events").some(({ events }) => events.some(({ kind }) => kind === "node.down")),
    );
    await cluster.restart(3);
    await until("it is up", () => tab.last("nodes")?.nodes.find(({ id }) => id === 3)?.state === "up");
  });

  test("while the SuperNode is away the tab is told so, and files go on; then all is told again", async () => {
    await using tab = await EventStream.open(url);
    await until("it is told of the nodes", () => tab.last("nodes")?.connected === true);
    await cluster.kill("supernode");
    await until("it is told", () => tab.last("nodes")?.connected === false);
    expect(tab.last("nodes")?.nodes).toHaveLength(3);
    expect(tab.last("nodes")?.conditions[0]).toMatchObject({ level: "error" });
    const stored = await ask(url, "/api/files/content?bucket=files&path=meanwhile", { method: "PUT", body: "x" });
    expect(stored.status).toBe(200);
    expect((await ask(url, "/api/cluster")).status).toBe(503);
    const samples = tab.all("sample").length;
    await cluster.restart("supernode");
    await until("it is there again", () => tab.last("nodes")?.connected === true);
    await until("seconds are told again", () => tab.all("sample").length > samples + 1);
  });

  test("100 tabs are told the same by one watch of the SuperNode; one more than there may be is refused", async () => {
    const inner = grpcNetwork({ log: silentLog });
    let watches = 0;
    const network: Network = {
      listen: (options) => inner.listen(options),
      connect: (options) =>
        counting(inner.connect(options), (path) => (watches += Number(path.endsWith("/WatchActivity")))),
    };
    await using page = await consoleFor(cluster, { network });
    const tabs = await Promise.all(Array.from({ length: 100 }, () => EventStream.open(page.url)));
    await until("all are told", () => tabs.every((tab) => tab.all("sample").length >= 2 && tab.last("layout")));
    const seconds = tabs.map((tab) => tab.all("sample")[1]?.atMs);
    expect(Math.max(...seconds.map(Number)) - Math.min(...seconds.map(Number))).toBeLessThan(10_000);
    expect(watches).toBe(1);
    const more = await Promise.all(Array.from({ length: tabsMax - 100 }, () => EventStream.open(page.url)));
    await expect(EventStream.open(page.url)).rejects.toThrow("429");
    for (const tab of [...tabs, ...more]) await tab[Symbol.asyncDispose]();
    await until("their places are free", () => tabs.every(({ ended }) => ended));
    await cluster.waitUntil("another one is taken", async () => {
      await using tab = await EventStream.open(page.url);
      return !tab.ended;
    });
  });

  test("the end of the console ends its tabs", async () => {
    const page = await consoleFor(nobody);
    await using tab = await EventStream.open(page.url);
    await page.close();
    await until("it has ended", () => tab.ended);
  });
});

function counting(channel: Channel, onStream: (path: string) => void): Channel {
  return {
    address: channel.address,
    unary: (method, request, options) => channel.unary(method, request, options),
    serverStream: (method, request, options) => {
      onStream(method.path);
      return channel.serverStream(method, request, options);
    },
    duplex: (method, options) => channel.duplex(method, options),
    close: () => channel.close(),
  };
}
