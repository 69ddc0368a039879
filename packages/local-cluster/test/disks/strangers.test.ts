import { cp, mkdtemp, rm } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import { dataNodeConfig, isStoreUseless, startDataNode } from "@quorumfs/datanode";
import { grpcNetwork } from "@quorumfs/rpc";
import { openContentFiles, openLmdbDisk, processProbe, silentLog, systemClock, systemRandom } from "@quorumfs/runtime";
import { startSuperNode, superNodeConfig } from "@quorumfs/supernode";
import { type LocalCluster, startCluster } from "../../src/index.js";

let cluster: LocalCluster;
let client: QuorumFs;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "quorumfs-disks-"));
  cluster = await startCluster({ nodes: 3 });
  client = await cluster.client();
});

afterAll(async () => {
  await cluster.close();
  await rm(scratch, { recursive: true, force: true });
});

const text = async (name: string): Promise<string> => new TextDecoder().decode((await client.get(name)).content);
const superNodeStore = (): string => join(cluster.dataDir, "supernode");

async function errorOf(operation: Promise<unknown>): Promise<QuorumError> {
  try {
    await operation;
  } catch (error) {
    return QuorumError.from(error);
  }
  throw new Error("it succeeded");
}

async function stateOf(id: number): Promise<string | undefined> {
  return (await client.nodes()).find((node) => node.id === id)?.state;
}

describe("a disk that is", () => {
  test("a copy of one that runs: refused, and the one that runs goes on", async () => {
    const { directory } = await cluster.snapshotDisk(1);
    await cluster.ready();
    const disk = openLmdbDisk({ directory: join(directory, "records") });
    const content = openContentFiles({ directory: join(directory, "chunks") });
    const probe = processProbe();
    const started = startDataNode({
      config: dataNodeConfig({ supernode: cluster.endpoints[0] ?? "" }),
      network: grpcNetwork({ log: silentLog }),
      disk,
      content,
      clock: systemClock(),
      random: systemRandom(),
      probe,
      log: silentLog,
      version: "0.0.1",
      onFatal: () => undefined,
    });
    const error = await errorOf(started);
    probe.close();
    await Promise.all([disk.close(), content.close()]);
    expect(error).toMatchObject({ code: "permission_denied", details: { storeFault: "rolled_back" } });
    expect(isStoreUseless(error)).toBe(true);
    expect(await stateOf(1)).toBe("up");
    await client.put("files/copy", "of all three");
    await cluster.waitUntil("it votes", async () => (await client.put("files/copy", "x")).acknowledged.includes(1));
  });

  test("another cluster's: refused, with what to do, and left as it is", async () => {
    const other = await startCluster({ nodes: 1 });
    const { directory } = await other.snapshotDisk(1);
    await cp(directory, join(scratch, "foreign"), { recursive: true });
    await other.close();
    const own = await cluster.snapshotDisk(2);

    const snapshot = { directory: join(scratch, "foreign") };
    const error = await errorOf(cluster.replaceDisk(2, { snapshot }));
    expect(error).toMatchObject({ code: "permission_denied", details: { storeFault: "foreign" } });
    expect(error.message).toContain(
      "the data directory is left as it is: name the SuperNode of its own cluster with --supernode",
    );
    expect(readdirSync(cluster.nodes[1]?.dataDir ?? "").sort()).toEqual(["chunks", "records"]);
    await client.put("files/foreign", "two of three");

    // Its own is an old copy by now.
    await cluster.replaceDisk(2, { snapshot: own });
    expect(cluster.nodes[1]?.nodeId).toBe(4);
  });
});

test("an old backup of the SuperNode: the DataNodes do not follow it, serve on, and make it anew", async () => {
  await cluster.stop("supernode");
  await cp(superNodeStore(), join(scratch, "backup"), { recursive: true });
  await cluster.restart("supernode");
  await cluster.ready();
  await client.buckets.create("late");
  await client.layout.replace(2, 4, { lost: true });
  for await (const change of client.layout.watch({ signal: AbortSignal.timeout(50_000) }))
    expect(change.state).toBeDefined();
  const before = await client.layout.show();
  expect(before.number).toBeGreaterThan(1);
  await client.put("late/notes", "after the backup");

  await cluster.stop("supernode");
  await rm(superNodeStore(), { recursive: true });
  await cp(join(scratch, "backup"), superNodeStore(), { recursive: true });
  await cluster.restart("supernode");
  await cluster.waitUntil("it answers", async () => (await client.status()).layout === 1);
  // Also over restarts of those who know better.
  await cluster.restart(1);
  await client.put("late/notes", "without it");
  expect(await text("late/notes")).toBe("without it");
  expect((await client.status()).condition).not.toBe("ready");
  expect(cluster.nodes.map(({ running }) => running)).toEqual([true, true, true]);

  await cluster.stop("supernode");
  const disk = openLmdbDisk({ directory: join(superNodeStore(), "control") });
  const reseeded = await startSuperNode({
    config: superNodeConfig({ replicas: 3, reseedFrom: cluster.nodes.map(({ address }) => address) }),
    network: grpcNetwork({ log: silentLog }),
    disk,
    clock: systemClock(),
    random: systemRandom(),
    log: silentLog,
  });
  await reseeded.close();
  await disk.close();
  await cluster.restart("supernode");
  await cluster.ready();
  expect((await client.buckets.list()).map(({ name }) => name)).toEqual(["files", "late"]);
  expect((await client.layout.show()).number).toBeGreaterThanOrEqual(before.number ?? Infinity);
  expect((await client.nodes()).map(({ id }) => id)).toEqual([1, 3, 4]);
  expect(await text("late/notes")).toBe("without it");
  await client.put("late/notes", "with it");
});
