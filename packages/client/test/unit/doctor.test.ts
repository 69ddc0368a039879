import { describe, expect, it } from "@jest/globals";
import { QuorumError } from "@quorumfs/core";
import type { NodeDisk, NodeProcess, ProcessInfo } from "../../src/checkup-info.js";
import { examine } from "../../src/cli/doctor/checks.js";
import type { Facts } from "../../src/cli/doctor/facts.js";
import type { BucketInfo, NodeInfo, NodeLoadInfo, SyncInfo } from "../../src/cluster-info.js";
import type { ClusterEvent } from "../../src/event-info.js";
import type { LayoutChange } from "../../src/layout-info.js";
import type { Checkup } from "../../src/quorumfs.js";
import { CliBench } from "../fakes/cli.js";
import { MemoryCluster } from "../fakes/memory-cluster.js";

const gib = 1024 ** 3;
const nowMs = 1_000_000_000;

const sync: SyncInfo = {
  state: "in_sync",
  behindRecords: 0,
  behindBytes: 0,
  behindChunks: 0,
  remainingMs: undefined,
  inSyncAt: undefined,
  joiningPartitions: 0,
  joinedRecords: 0,
  joinedBytes: 0,
  leavingPartitions: 0,
  obstacle: undefined,
};

const load: NodeLoadInfo = {
  eventLoopDelayMs: 2,
  inFlight: 0,
  cpuFraction: 0.1,
  diskUsedBytes: 40 * gib,
  diskFreeBytes: 60 * gib,
  residentBytes: gib,
  records: 5,
  operationsPerSecond: 3,
  chunks: 2,
  chunkBytes: 1024,
  reclaimableBytes: 0,
  uploadingBytes: 0,
  full: false,
  damage: { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 0, chunksRepaired: 0 },
  sync,
};

function nodeOf(id: number, node: Partial<NodeInfo> = {}): NodeInfo {
  return {
    id,
    address: `n${id}:7001`,
    zone: `z${id}`,
    state: "up",
    stateSince: new Date(0),
    role: "active",
    capacityBytes: 100 * gib,
    incarnation: 1,
    version: "1.2.3",
    metricsAddress: undefined,
    load,
    ...node,
  };
}

const bucket: BucketInfo = {
  name: "files",
  id: 1,
  replicas: 3,
  readQuorum: 2,
  writeQuorum: 2,
  durability: "fsync",
  createdAt: new Date(0),
};

const change: LayoutChange = {
  id: 1,
  state: "moving",
  reason: "node 4 joins",
  startedAt: new Date(nowMs - 60_000),
  endedAt: undefined,
  firstLayout: 1,
  lastLayout: 2,
  movesTotal: 10,
  movesDone: 3,
  moving: 2,
  bytesTotal: 0,
  remainingMs: 5000,
  obstacles: [],
};

const processInfo: ProcessInfo = {
  roundTripMs: 2,
  clockAheadMs: 1,
  runtimeVersion: "v22.11.0",
  files: { open: 50, max: 65_536 },
};

interface Changes {
  readonly nodes?: readonly NodeInfo[];
  readonly status?: Partial<Facts["status"]>;
  readonly layout?: Partial<Facts["layout"]>;
  readonly facts?: Partial<Facts>;
}

function factsOf({ nodes = [1, 2, 3].map((id) => nodeOf(id)), status, layout, facts }: Changes = {}): Facts {
  const share = { partitions: 1024, preferred: 341, idealPartitions: 1024 };
  return {
    endpoint: "s:7000",
    version: "1.2.3",
    runtimeVersion: "v22.11.0",
    nowMs,
    status: {
      clusterId: "c",
      version: "1.2.3",
      startedAt: new Date(nowMs - 3_600_000),
      ready: true,
      condition: "ready",
      replicas: 3,
      layout: 1,
      change: undefined,
      nodes,
      buckets: [bucket],
      ...status,
    },
    layout: {
      number: 1,
      shares: nodes.map(({ id }) => ({ node: id, ...share })),
      unevenness: 0,
      change: undefined,
      ...layout,
    },
    superNode: processInfo,
    processes: nodes.map(({ id }): NodeProcess => ({ node: id, process: processInfo })),
    disks: nodes.map(({ id }): NodeDisk => ({ node: id, syncMs: [0.1, 0.2, 0.3] })),
    errors: [],
    ...facts,
  };
}

const loaded = (id: number, part: Partial<NodeLoadInfo>) => nodeOf(id, { load: { ...load, ...part } });
const clocks = (...aheadMs: number[]): readonly NodeProcess[] =>
  aheadMs.map((clockAheadMs, index) => ({ node: index + 1, process: { ...processInfo, clockAheadMs } }));
const disksOf = (...syncMs: number[][]): readonly NodeDisk[] =>
  syncMs.map((times, index) => ({ node: index + 1, syncMs: times }));
const failure = new QuorumError({ code: "unavailable", message: "connection refused" });
const others = [nodeOf(2), nodeOf(3)];
const errorEvent: ClusterEvent = {
  id: 1,
  at: new Date(nowMs),
  kind: "damage.found",
  severity: "error",
  node: 2,
  message: "a chunk is damaged",
  fields: {},
};

describe("doctor: checks", () => {
  it("a cluster that is well: every check says so", () => {
    const findings = examine(factsOf());
    expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
    expect(new Set(findings.map(({ check }) => check)).size).toBe(findings.length);
    expect(findings).toHaveLength(17);
  });

  const cases: readonly [
    title: string,
    changes: Changes,
    check: string,
    level: "ok" | "warning" | "error",
    message: RegExp,
  ][] = [
    [
      "not ready",
      { status: { ready: false, condition: "2 of 3 have joined" } },
      "supernode",
      "error",
      /2 of 3 have joined/,
    ],
    ["node down", { nodes: [nodeOf(1, { state: "down" }), ...others] }, "nodes", "error", /node 1 at n1:7001 is down/],
    ["node suspect", { nodes: [nodeOf(1, { state: "suspect" }), ...others] }, "nodes", "warning", /misses heartbeats/],
    [
      "port closed",
      { facts: { processes: [{ node: 1, error: failure }] } },
      "ports",
      "error",
      /n1:7001 cannot be asked from here: connection refused/,
    ],
    [
      "port of a node that is down: told once",
      { nodes: [nodeOf(1, { state: "down" }), ...others], facts: { processes: [{ node: 1, error: failure }] } },
      "ports",
      "ok",
      /0 of 1 DataNode/,
    ],
    ["fewer nodes than N", { nodes: others }, "replicas", "error", /N = 3, 2 active DataNodes: too few/],
    [
      "a drained node is none",
      { nodes: [nodeOf(1, { role: "draining" }), ...others] },
      "replicas",
      "error",
      /2 active/,
    ],
    ["N = 1", { status: { replicas: 1 } }, "replicas", "warning", /one copy/],
    ["N = 2", { status: { replicas: 2 } }, "replicas", "warning", /one node that is away stops them/],
    ["as many nodes as N", {}, "replicas", "ok", /one more could take over/],
    [
      "change held up",
      { layout: { change: { ...change, obstacles: ["partition 1 waits for node 2"] } } },
      "layout",
      "warning",
      /waits for node 2/,
    ],
    [
      "change goes on for days",
      { layout: { change: { ...change, startedAt: new Date(nowMs - 3 * 86_400_000) } } },
      "layout",
      "warning",
      /has gone on for 3 days/,
    ],
    ["change gets on", { layout: { change } }, "layout", "ok", /3 of 10 partitions, 5 s left/],
    ["no layout yet", { layout: { number: undefined } }, "layout", "ok", /forming/],
    [
      "behind",
      { nodes: [loaded(1, { sync: { ...sync, behindRecords: 7 } }), ...others] },
      "copies",
      "warning",
      /node 1 lacks 7 records/,
    ],
    [
      "gets no further",
      { nodes: [loaded(1, { sync: { ...sync, obstacle: "no quorum" } }), ...others] },
      "copies",
      "warning",
      /no quorum/,
    ],
    [
      "compares",
      { nodes: [loaded(1, { sync: { ...sync, state: "comparing" } }), ...others] },
      "copies",
      "ok",
      /node 1 compares/,
    ],
    [
      "damage open",
      { nodes: [loaded(1, { damage: { ...load.damage, chunksDamaged: 2, chunksRepaired: 1 } }), ...others] },
      "damage",
      "warning",
      /1 damaged/,
    ],
    [
      "damage repaired",
      { nodes: [loaded(1, { damage: { ...load.damage, chunksDamaged: 2, chunksRepaired: 2 } }), ...others] },
      "damage",
      "ok",
      /2 found so far/,
    ],
    [
      "full",
      { nodes: [loaded(1, { full: true, diskUsedBytes: 97, diskFreeBytes: 3 }), ...others] },
      "space",
      "error",
      /97 % full.*no new content/,
    ],
    [
      "nearly full",
      { nodes: [loaded(1, { diskUsedBytes: 9, diskFreeBytes: 1 }), ...others] },
      "space",
      "warning",
      /90 % full/,
    ],
    [
      "filled differently",
      { nodes: [loaded(1, { diskUsedBytes: 1, diskFreeBytes: 9 }), loaded(2, { diskUsedBytes: 7, diskFreeBytes: 3 })] },
      "space",
      "warning",
      /from 10 % to 70 %/,
    ],
    [
      "joined without a share",
      { layout: { shares: [{ node: 1, partitions: 0, preferred: 0, idealPartitions: 700 }] } },
      "space",
      "warning",
      /node 1 has joined, but holds no files/,
    ],
    ["uneven", { layout: { unevenness: 0.25 } }, "space", "warning", /25 % off/],
    ["zones not used", { nodes: [1, 2, 3].map((id) => nodeOf(id, { zone: "default" })) }, "zones", "ok", /not used/],
    [
      "too few zones",
      { nodes: [nodeOf(1), nodeOf(2), nodeOf(3, { zone: "z1" })] },
      "zones",
      "warning",
      /2 zones \(z1, z2\) cannot hold 3 copies apart: up to 2 copies/,
    ],
    [
      "a small zone",
      { nodes: [nodeOf(1, { capacityBytes: gib }), ...others] },
      "zones",
      "warning",
      /zone z1 has 1 GiB, the next one 100 GiB/,
    ],
    [
      "W = 1",
      { status: { buckets: [{ ...bucket, writeQuorum: 1, readQuorum: 3 }] } },
      "quorums",
      "warning",
      /on one disk/,
    ],
    [
      "W = 1 in memory",
      { status: { buckets: [{ ...bucket, writeQuorum: 1, readQuorum: 3, durability: "memory" }] } },
      "quorums",
      "warning",
      /in the memory of one node/,
    ],
    [
      "W = N",
      { status: { buckets: [{ ...bucket, writeQuorum: 3, readQuorum: 1 }] } },
      "quorums",
      "warning",
      /away stops all writes/,
    ],
    [
      "R = N",
      { status: { buckets: [{ ...bucket, writeQuorum: 2, readQuorum: 3 }] } },
      "quorums",
      "warning",
      /away stops all reads/,
    ],
    [
      "more overlap than needed",
      { status: { buckets: [{ ...bucket, replicas: 5, writeQuorum: 4, readQuorum: 4 }] } },
      "quorums",
      "warning",
      /R \+ W = 6 is as consistent/,
    ],
    [
      "memory in one zone",
      {
        nodes: [1, 2, 3].map((id) => nodeOf(id, { zone: "" })),
        status: { buckets: [{ ...bucket, durability: "memory" }] },
      },
      "quorums",
      "warning",
      /power failure/,
    ],
    [
      "one clock ahead",
      { facts: { processes: clocks(0, 5000, 2) } },
      "clocks",
      "warning",
      /clock of node 2 is 5\.0 s ahead/,
    ],
    [
      "one clock far behind",
      { facts: { processes: clocks(0, 0, -120_000) } },
      "clocks",
      "error",
      /clock of node 3 is 120\.0 s behind/,
    ],
    [
      "this machine's clock is wrong, not all others",
      { facts: { processes: clocks(-5000, -5000, -5000), superNode: { ...processInfo, clockAheadMs: -5000 } } },
      "clocks",
      "warning",
      /clock of this machine is 5\.0 s ahead/,
    ],
    [
      "a slow network is no skew",
      { facts: { superNode: { ...processInfo, clockAheadMs: 1500, roundTripMs: 3000 } } },
      "clocks",
      "ok",
      /within/,
    ],
    ["slow disk", { facts: { disks: disksOf([12, 14, 13]) } }, "disks", "warning", /node 1 needs 13 ms/],
    ["very slow disk", { facts: { disks: disksOf([250, 250]) } }, "disks", "error", /250 ms/],
    ["disk that stalls", { facts: { disks: disksOf([1, 1, 900]) } }, "disks", "warning", /900 ms at worst/],
    [
      "failing disk",
      { facts: { disks: [{ node: 1, error: new QuorumError({ code: "internal", message: "EIO" }) }] } },
      "disks",
      "error",
      /disk of node 1 fails: EIO/,
    ],
    [
      "measured by somebody else",
      { facts: { disks: [{ node: 1, error: new QuorumError({ code: "resource_exhausted", message: "already" }) }] } },
      "disks",
      "warning",
      /already/,
    ],
    ["not measured", { facts: { disks: undefined } }, "disks", "ok", /--no-disk/],
    [
      "late",
      { nodes: [loaded(1, { eventLoopDelayMs: 300 }), ...others] },
      "load",
      "warning",
      /node 1 runs 300 ms late/,
    ],
    [
      "few file descriptors",
      { facts: { superNode: { ...processInfo, files: { open: 20, max: 1024 } } } },
      "files",
      "warning",
      /the SuperNode has 20 of 1024/,
    ],
    [
      "file descriptors used up",
      { facts: { processes: [{ node: 1, process: { ...processInfo, files: { open: 60_000, max: 65_536 } } }] } },
      "files",
      "error",
      /node 1 has 60000 of 65536/,
    ],
    ["versions", { nodes: [nodeOf(1, { version: "1.3.0" }), ...others] }, "versions", "warning", /1\.3\.0: node 1/],
    [
      "old Node.js",
      { facts: { runtimeVersion: "v20.18.3" } },
      "nodejs",
      "error",
      /this command runs on Node.js v20\.18\.3/,
    ],
    [
      "odd Node.js",
      { facts: { processes: [{ node: 2, process: { ...processInfo, runtimeVersion: "v23.1.0" } }] } },
      "nodejs",
      "warning",
      /node 2 runs on Node.js v23/,
    ],
    [
      "errors",
      { facts: { errors: [errorEvent] } },
      "events",
      "warning",
      /1 error in the last hour, the newest: a chunk is damaged/,
    ],
    ["down and back", { facts: { errors: [{ ...errorEvent, kind: "node.down" }] } }, "events", "ok", /no errors/],
  ];

  it.each(cases)("%s", (_title, changes, check, level, message) => {
    const found = examine(factsOf(changes)).filter((finding) => finding.check === check);
    const match = found.find((finding) => message.test(finding.message));
    expect(match ?? found).toMatchObject({ level });
    if (level !== "ok") expect(match?.advice).toMatch(/\w{4}/);
  });
});

describe("quorumfs doctor", () => {
  class Patient extends MemoryCluster {
    readonly asked: unknown[] = [];
    override get checkup(): Checkup {
      return {
        superNode: async () => processInfo,
        processes: async () => [1, 2, 3].map((node) => ({ node, process: processInfo })),
        disks: async (options) => {
          this.asked.push(options);
          return [{ node: 1, syncMs: [1] }];
        },
      };
    }
  }

  it("tells what is wrong and what to do; exit code 1 for errors", async () => {
    const { code, out, err } = await new CliBench(new Patient()).run(["doctor"]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toMatch(/^ok {7}supernode {2}127\.0\.0\.1:7000 answers in 2\.0 ms; version 0\.1\.0/);
    expect(out).toMatch(/\nerror {4}nodes {6}node 3 at c:1 is down for .*\n {20}-> start it again/);
    expect(out.trim().split("\n").at(-1)).toMatch(/^\d+ well, \d+ warnings?, \d+ errors?$/);
  });

  it("json: findings and how many", async () => {
    const { out } = await new CliBench(new Patient()).run(["doctor", "-o", "json"]);
    const { findings, summary } = JSON.parse(out) as { findings: { level: string }[]; summary: { errors: number } };
    expect(summary.errors).toBe(findings.filter(({ level }) => level === "error").length);
    expect(findings).toContainEqual(expect.objectContaining({ check: "nodes", level: "error", node: 3 }));
  });

  it("--quiet: only what needs somebody; --no-disk: nobody writes", async () => {
    const cluster = new Patient();
    const { out } = await new CliBench(cluster).run(["doctor", "--quiet", "--no-disk"]);
    expect(out).not.toMatch(/^ok/m);
    expect(cluster.asked).toEqual([]);
  });

  it("no SuperNode: said as a finding", async () => {
    const { code, out, err } = await new CliBench(new MemoryCluster()).run(["doctor"]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toMatch(/^error {4}supernode {2}no SuperNode answers\n +-> start it/);
  });
});
