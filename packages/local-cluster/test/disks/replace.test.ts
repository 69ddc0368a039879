import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { type LocalCluster, startCluster } from "../../src/index.js";
import { Workers } from "../cluster/workers.js";

const files = 50;
const moveTimeoutMs = 60_000;

let cluster: LocalCluster;
let client: QuorumFs;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  client = await cluster.client();
});

afterAll(() => cluster.close());

const text = async (name: string): Promise<string> => new TextDecoder().decode((await client.get(name)).content);
const nodeIdOf = (id: number): number => cluster.nodes.find((node) => node.id === id)?.nodeId ?? 0;
const setAside = (id: number): readonly string[] =>
  readdirSync(cluster.nodes[id - 1]?.dataDir ?? "").filter((name) => name.startsWith("set-aside-"));

async function fill(directory: string): Promise<void> {
  await Promise.all(Array.from({ length: files }, (_, index) => client.put(`files/${directory}/${index}`, `${index}`)));
}

async function checkAll(directory: string): Promise<void> {
  for (let index = 0; index < files; index += 1) expect(await text(`files/${directory}/${index}`)).toBe(`${index}`);
}

async function replaceNode(old: number, replacement: number): Promise<void> {
  await cluster.waitUntil("the old one is down", async () =>
    (await client.nodes()).some(({ id, state }) => id === old && state === "down"),
  );
  await client.layout.replace(old, replacement, { lost: true });
  const states: string[] = [];
  const signal = AbortSignal.timeout(moveTimeoutMs);
  for await (const { state } of client.layout.watch({ signal })) states.push(state);
  expect(states.at(-1)).toBe("done");
  expect((await client.nodes()).map(({ id }) => id)).not.toContain(old);
}

describe("one of three disks, while clients write", () => {
  test("is lost: a new node comes, and takes the place of the old one", async () => {
    await fill("first");
    const workers = new Workers({ client, count: 4 });
    await cluster.replaceDisk(2, "empty");
    expect(nodeIdOf(2)).toBe(4);
    expect(setAside(2)).toEqual([]);
    await replaceNode(2, 4);
    await workers.stop();
    expect(workers.failures).toEqual([]);
    await cluster.kill(1);
    // The votes of the new one are needed now.
    await checkAll("first");
    await cluster.restart(1);
    await cluster.ready();
  });

  test("is an old copy: it does not vote, is set aside, and the node comes back as a new one", async () => {
    const snapshot = await cluster.snapshotDisk(3);
    await cluster.ready();
    await fill("second");
    const workers = new Workers({ client, count: 4 });
    await cluster.replaceDisk(3, { snapshot });
    expect(nodeIdOf(3)).toBe(5);
    expect(setAside(3)).toEqual(["set-aside-1"]);
    expect(existsSync(join(cluster.nodes[2]?.dataDir ?? "", "set-aside-1", "data.mdb"))).toBe(true);
    const { replicas } = await client.put("files/votes", "x");
    expect(replicas).not.toContain(5);
    await replaceNode(3, 5);
    await workers.stop();
    expect(workers.failures).toEqual([]);
    await cluster.kill(1);
    await checkAll("first");
    await checkAll("second");
    await cluster.restart(1);
    await cluster.ready();
  });

  test("is an old copy, and the others do not have everything: it is kept, and waits for them", async () => {
    const snapshot = await cluster.snapshotDisk(2);
    await cluster.ready();
    await fill("third");
    await cluster.kill(1);
    await cluster.waitUntil("it is seen", async () =>
      (await client.nodes()).some(({ id, state }) => id === 1 && state !== "up"),
    );
    const replaced = cluster.replaceDisk(2, { snapshot });
    await cluster.waitUntil("it was refused", async () => {
      const { events } = await client.events({ kinds: ["node.refused"], node: 4 });
      return events.length > 0;
    });
    expect(setAside(2)).toEqual([]);
    await cluster.restart(1);
    await replaced;
    expect(nodeIdOf(2)).toBe(6);
    expect(setAside(2)).toEqual(["set-aside-1"]);
    await checkAll("third");
  });

  test("a node that was removed ends by itself, and its store does not come back", async () => {
    const id = nodeIdOf(2);
    await client.layout.remove(id);
    await cluster.waitUntil("it has ended", () => !cluster.nodes[1]?.running);
    expect(cluster.nodes[1]?.failure).toBeUndefined();
    await cluster.restart(2);
    expect(nodeIdOf(2)).toBe(id + 1);
    expect(setAside(2)).toEqual(["set-aside-1", "set-aside-2"]);
  });
});
