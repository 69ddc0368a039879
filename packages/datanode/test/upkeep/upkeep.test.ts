import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { bucketId, type Channel } from "@quorumfs/core";
import { type Cluster, MaintenanceServiceService, NodeRole, NodeState, ScrubState } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import type { ChunkKey } from "../../src/chunk/chunk-key.js";
import type { ChunkEntry } from "../../src/chunk/chunk-store.js";
import { ClusterStore } from "../../src/cluster/cluster-store.js";
import type { DamagedFile } from "../../src/replica/file-table.js";
import type { RepairOutcome } from "../../src/upkeep/repair-queue.js";
import { Upkeep } from "../../src/upkeep/upkeep.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { MemoryNetwork } from "../support/memory-network.js";
import { CountingRandom } from "../support/small-cluster.js";
import { settle, StepClock } from "../support/step-clock.js";

const chunkKey: ChunkKey = {
  owner: { bucket: bucketId(1), path: "large" },
  upload: Buffer.from("0123456789abcdef"),
  index: 7,
};

/** As much of a chunk store as upkeep sees, with chunks of 1 MiB. */
class FakeChunks {
  readonly verified: number[] = [];
  damaged = new Set<number>();
  chunks = 0;
  report: (key: ChunkKey) => void = () => undefined;

  onDamage(listener: (key: ChunkKey) => void): void {
    this.report = listener;
  }

  usage() {
    return { chunks: this.chunks, bytes: this.chunks * 1024 * 1024, reclaimableBytes: 0, uploadingBytes: 0 };
  }

  async *entries(after?: Uint8Array): AsyncGenerator<ChunkEntry> {
    for (let index = (after?.[0] ?? -1) + 1; index < this.chunks; index += 1) {
      const content = { size: 1024 * 1024, checksum: 0 };
      yield { key: { ...chunkKey, index }, position: Uint8Array.of(index), content, isRetired: false };
    }
  }

  async verify(key: ChunkKey) {
    this.verified.push(key.index);
    if (!this.damaged.has(key.index)) return "intact" as const;
    this.report(key);
    return "damaged" as const;
  }
}

let clock: StepClock;
let disk: MemoryDisk;
let chunks: FakeChunks;
let cluster: ClusterStore;
let upkeep: Upkeep;
let channel: Channel;
let scrubbed: number;
let triedRecords: DamagedFile[];
let triedChunks: ChunkKey[];
let outcome: RepairOutcome;
/** What people hear of. */
let told: string[];

beforeEach(async () => {
  clock = new StepClock();
  disk = new MemoryDisk();
  chunks = new FakeChunks();
  cluster = new ClusterStore({ disk, log: silentLog });
  scrubbed = 0;
  triedRecords = [];
  triedChunks = [];
  outcome = "repaired";
  told = [];
  await open();
});
afterEach(() => upkeep.close());

async function open(): Promise<void> {
  upkeep = new Upkeep({
    disk,
    chunks,
    chunkRepair: {
      repair: async (key) => {
        triedChunks.push(key);
        return outcome;
      },
    },
    recordRepair: {
      repair: async (file) => {
        triedRecords.push(file);
        return outcome;
      },
    },
    cluster,
    clock,
    random: new CountingRandom(),
    log: silentLog,
    scrubPeriodMs: 86_400_000,
    isBusy: () => false,
    conditions: {
      found: (kind, what) => void told.push(`found ${kind}: ${what}`),
      repaired: (kind, what) => void told.push(`repaired ${kind}: ${what}`),
    },
    events: { notice: (kind) => void told.push(kind) },
    onScrubbed: () => (scrubbed += 1),
  });
  const network = new MemoryNetwork();
  await network.listen({ host: "node", port: 1, routes: upkeep.routes });
  channel = network.connect({ address: "node:1", purpose: "control", identity: new Map() });
  upkeep.start();
}

const timeoutMs = 1000;
const service = MaintenanceServiceService;
const startScrub = async (request: { bytesPerSecond?: number; restart?: boolean } = {}) =>
  (await channel.unary(service.startScrub, { bytesPerSecond: 0, restart: false, ...request }, { timeoutMs })).status;
const pauseScrub = async () => (await channel.unary(service.pauseScrub, {}, { timeoutMs })).status;
const getScrub = async () => (await channel.unary(service.getScrub, {}, { timeoutMs })).status;

describe("MaintenanceService", () => {
  test("a pass from the beginning to its end, and who is told", async () => {
    expect(await getScrub()).toMatchObject({ state: ScrubState.SCRUB_STATE_IDLE, passStartedAtMs: 0, bytesTotal: 0 });
    chunks.chunks = 10;
    expect(await startScrub()).toMatchObject({
      state: ScrubState.SCRUB_STATE_RUNNING,
      bytesPerSecond: 1024 * 1024,
      bytesTotal: 10 * 1024 * 1024,
    });
    await clock.pass(4500);
    expect(await getScrub()).toMatchObject({ chunksChecked: 5, bytesChecked: 5 * 1024 * 1024, passEndedAtMs: 0 });
    expect(scrubbed).toBe(0);
    await clock.pass(10_000);
    const status = await getScrub();
    expect(status).toMatchObject({ state: ScrubState.SCRUB_STATE_IDLE, chunksChecked: 10 });
    expect(status?.passEndedAtMs).toBeGreaterThan(status?.passStartedAtMs ?? Infinity);
    expect(chunks.verified).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(scrubbed).toBe(1);
    expect(told).toEqual(["scrub.started", "scrub.completed"]);
  });

  test("pause and start, each more than once", async () => {
    chunks.chunks = 10;
    await startScrub();
    await clock.pass(2500);
    for (const status of [await pauseScrub(), await pauseScrub()]) {
      expect(status).toMatchObject({ state: ScrubState.SCRUB_STATE_PAUSED, chunksChecked: 3 });
    }
    await clock.pass(60_000);
    expect(chunks.verified).toHaveLength(3);
    await startScrub();
    expect(await startScrub()).toMatchObject({ state: ScrubState.SCRUB_STATE_RUNNING });
    await clock.pass(60_000);
    expect(chunks.verified).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("paused while idle: no pass begins by itself", async () => {
    chunks.chunks = 1;
    expect(await pauseScrub()).toMatchObject({ state: ScrubState.SCRUB_STATE_PAUSED });
    await clock.pass(10 * 86_400_000);
    expect(chunks.verified).toEqual([]);
  });

  test("another rate takes over where the pass is; a rate that is none is refused, and changes nothing", async () => {
    chunks.chunks = 100;
    await startScrub();
    await clock.pass(1500);
    expect(await startScrub({ bytesPerSecond: 10 * 1024 * 1024 })).toMatchObject({ bytesPerSecond: 10 * 1024 * 1024 });
    await expect(startScrub({ bytesPerSecond: 5 })).rejects.toMatchObject({ code: "invalid_argument" });
    await clock.pass(1000);
    const { length } = chunks.verified;
    expect(length).toBeGreaterThanOrEqual(11);
    expect(length).toBeLessThanOrEqual(14);
    expect(chunks.verified).toEqual(Array.from({ length }, (_, index) => index));
  });
});

describe("repairs", () => {
  test("what a scrub finds is repaired, counted, and told", async () => {
    chunks.chunks = 3;
    chunks.damaged = new Set([1]);
    await startScrub();
    await clock.pass(5000);
    expect(triedChunks).toEqual([{ ...chunkKey, upload: new Uint8Array(chunkKey.upload), index: 1 }]);
    const damage = { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 1, chunksRepaired: 1 };
    expect(await getScrub()).toMatchObject({ state: ScrubState.SCRUB_STATE_IDLE, damage });
    expect(upkeep.damage).toEqual(damage);
  });

  test("the end of a pass is not told before what it has found is counted", async () => {
    chunks.chunks = 2;
    chunks.damaged = new Set([1]);
    await startScrub();
    disk.hold();
    await clock.pass(5000);
    expect(await getScrub()).toMatchObject({ state: ScrubState.SCRUB_STATE_RUNNING, damage: { chunksDamaged: 0 } });
    disk.release();
    await settle();
    expect(await getScrub()).toMatchObject({ state: ScrubState.SCRUB_STATE_IDLE, damage: { chunksDamaged: 1 } });
  });

  test("what a read meets is repaired at once, scrub or no scrub", async () => {
    await pauseScrub();
    chunks.report(chunkKey);
    chunks.report(chunkKey);
    upkeep.onRecordDamage({ bucket: bucketId(1), path: "a/ü" });
    await settle();
    expect(triedChunks).toHaveLength(1);
    expect(triedRecords).toEqual([{ bucket: 1, path: "a/ü" }]);
    expect(upkeep.damage).toEqual({ recordsDamaged: 1, recordsRepaired: 1, chunksDamaged: 1, chunksRepaired: 1 });
    expect(told.filter((text) => text.startsWith("found"))).toHaveLength(2);
    expect(told).toContain("repaired record: #1/a/ü");
  });

  test("what is left to repair, and its names, outlive the process", async () => {
    outcome = "failed";
    chunks.report(chunkKey);
    upkeep.onRecordDamage({ bucket: bucketId(1), path: "a/ü" });
    await settle();
    await upkeep.close();
    triedChunks = [];
    triedRecords = [];
    outcome = "repaired";
    disk = disk.crash();
    await open();
    await settle();
    expect(triedChunks).toEqual([{ ...chunkKey, upload: new Uint8Array(chunkKey.upload) }]);
    expect(triedRecords).toEqual([{ bucket: 1, path: "a/ü" }]);
    expect(upkeep.damage).toEqual({ recordsDamaged: 1, recordsRepaired: 1, chunksDamaged: 1, chunksRepaired: 1 });
  });

  test("a node is back: what could not be repaired is tried at once", async () => {
    await cluster.install(clusterWith(NodeState.NODE_STATE_DOWN, 1));
    outcome = "failed";
    chunks.report(chunkKey);
    upkeep.onRecordDamage({ bucket: bucketId(1), path: "a" });
    await clock.pass(3_600_000);
    const before = triedChunks.length;
    outcome = "repaired";
    await cluster.install({ ...clusterWith(NodeState.NODE_STATE_DOWN, 2), replicas: 2 });
    await settle();
    expect(triedChunks).toHaveLength(before);
    await cluster.install(clusterWith(NodeState.NODE_STATE_UP, 3));
    await settle();
    expect(upkeep.damage).toEqual({ recordsDamaged: 1, recordsRepaired: 1, chunksDamaged: 1, chunksRepaired: 1 });
  });
});

function clusterWith(state: NodeState, revision: number): Cluster {
  const node = { address: "n:1", zone: "", capacityBytes: 1, incarnation: 1, load: undefined, stateSinceMs: 0 };
  const nodes = [{ ...node, id: 2, state, version: "", role: NodeRole.NODE_ROLE_ACTIVE, metricsAddress: "" }];
  return { clusterId: "test", revision, layout: undefined, nodes, buckets: [], replicas: 3, formerNodes: [] };
}
