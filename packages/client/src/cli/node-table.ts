/** DataNodes in tables. */
import { formatBytes } from "@quorumfs/runtime/lean";
import type { NodeInfo, NodeLoadInfo, SyncInfo } from "../cluster-info.js";
import { damagedCount, repairedCount } from "./commands/scrub.js";
import { durationText } from "./progress-line.js";
import { tableText } from "./table.js";
import { timeText } from "./wording.js";

/** What the nodes are and do, and below it what they store and what they lack. */
export function nodeTable(nodes: readonly NodeInfo[]): string {
  if (nodes.length === 0) return "no DataNodes have joined";
  const activity = tableText(
    ["NODE", "ADDRESS", "ZONE", "ROLE", "STATE", "SINCE", "OPS/S", "CPU", "LAG", "MEMORY"],
    nodes.map((node) => [
      node.id,
      node.address,
      node.zone || "-",
      node.role,
      node.state,
      timeText(node.stateSince),
      ...activityCells(loadOf(node)),
    ]),
  );
  return `${activity}\n\n${spaceTable(nodes)}\n\n${syncTable(nodes)}`;
}

/** Who lacks what the other replicas have, and who takes over or gives away partitions. */
function syncTable(nodes: readonly NodeInfo[]): string {
  return tableText(
    ["NODE", "SYNC", "BEHIND", "LEFT", "JOINING", "LEAVING", "LAST IN SYNC", "HELD UP BY"],
    nodes.map((node) => [node.id, ...syncCells(loadOf(node)?.sync)]),
  );
}

function syncCells(sync: SyncInfo | undefined): readonly string[] {
  if (!sync) return ["-", "-", "-", "-", "-", "-", "-"];
  const { state, remainingMs, joiningPartitions, joinedBytes, leavingPartitions, inSyncAt, obstacle } = sync;
  return [
    state.replace("_", " "),
    behindText(sync),
    remainingMs === undefined ? "-" : durationText(remainingMs / 1000),
    joiningPartitions === 0 ? "-" : `${joiningPartitions} partitions, ${formatBytes(joinedBytes)} so far`,
    leavingPartitions === 0 ? "-" : `${leavingPartitions} partitions`,
    inSyncAt ? timeText(inSyncAt) : "-",
    obstacle ?? "-",
  ];
}

/** `120 records, 3 chunks (4.2 MiB)`; `?` while it is not known. */
function behindText({ state, behindRecords, behindBytes, behindChunks }: SyncInfo): string {
  const parts = [
    ...(behindRecords > 0 ? [`${behindRecords} records`] : []),
    ...(behindChunks > 0 ? [`${behindChunks} chunks`] : []),
  ];
  if (parts.length > 0) return `${parts.join(", ")}${behindBytes > 0 ? ` (${formatBytes(behindBytes)})` : ""}`;
  return state === "comparing" ? "?" : "nothing";
}

const spaceHeads = [
  "RECORDS",
  "CHUNKS",
  "STORED",
  "RECLAIMABLE",
  "UPLOADING",
  "DISK USED",
  "DISK FREE",
  "FULL",
  "DAMAGED",
  "REPAIRED",
];

function spaceTable(nodes: readonly NodeInfo[]): string {
  const known = nodes.flatMap((node) => loadOf(node) ?? []);
  return tableText(
    ["NODE", ...spaceHeads],
    [
      ...nodes.map((node) => [node.id, ...spaceCells(loadOf(node))]),
      ["all", ...spaceCells(known.length === 0 ? undefined : known.reduce<Space>(sum, nothing))],
    ],
  );
}

/** The last word of a node that is gone says nothing about now. */
function loadOf({ load, state }: NodeInfo): NodeLoadInfo | undefined {
  return state === "down" ? undefined : load;
}

function activityCells(load: NodeLoadInfo | undefined): readonly string[] {
  if (!load) return ["-", "-", "-", "-"];
  return [
    load.operationsPerSecond.toFixed(0),
    `${(load.cpuFraction * 100).toFixed(0)} %`,
    `${load.eventLoopDelayMs.toFixed(1)} ms`,
    formatBytes(load.residentBytes),
  ];
}

type Space = Pick<
  NodeLoadInfo,
  | "records"
  | "chunks"
  | "chunkBytes"
  | "diskUsedBytes"
  | "diskFreeBytes"
  | "reclaimableBytes"
  | "uploadingBytes"
  | "full"
  | "damage"
>;

function spaceCells(space: Space | undefined): readonly string[] {
  if (!space) return spaceHeads.map(() => "-");
  return [
    String(space.records),
    String(space.chunks),
    formatBytes(space.chunkBytes),
    formatBytes(space.reclaimableBytes),
    formatBytes(space.uploadingBytes),
    formatBytes(space.diskUsedBytes),
    formatBytes(space.diskFreeBytes),
    space.full ? "FULL" : "no",
    String(damagedCount(space.damage)),
    String(repairedCount(space.damage)),
  ];
}

const nothing: Space = {
  records: 0,
  chunks: 0,
  chunkBytes: 0,
  diskUsedBytes: 0,
  diskFreeBytes: 0,
  reclaimableBytes: 0,
  uploadingBytes: 0,
  full: false,
  damage: { recordsDamaged: 0, recordsRepaired: 0, chunksDamaged: 0, chunksRepaired: 0 },
};

function sum(a: Space, b: Space): Space {
  return {
    records: a.records + b.records,
    chunks: a.chunks + b.chunks,
    chunkBytes: a.chunkBytes + b.chunkBytes,
    diskUsedBytes: a.diskUsedBytes + b.diskUsedBytes,
    diskFreeBytes: a.diskFreeBytes + b.diskFreeBytes,
    reclaimableBytes: a.reclaimableBytes + b.reclaimableBytes,
    uploadingBytes: a.uploadingBytes + b.uploadingBytes,
    full: a.full || b.full,
    damage: {
      recordsDamaged: a.damage.recordsDamaged + b.damage.recordsDamaged,
      recordsRepaired: a.damage.recordsRepaired + b.damage.recordsRepaired,
      chunksDamaged: a.damage.chunksDamaged + b.damage.chunksDamaged,
      chunksRepaired: a.damage.chunksRepaired + b.damage.chunksRepaired,
    },
  };
}
