/**
 * What is on the disks when all is well again and every lease is over: each chunk that a current version names, on all its
 * replicas, every copy the same to the last byte, and nothing else. That one of the copies is right, reads of the files have shown.
 *
 * The disks themselves are looked at: no DataNode's word is taken for what it holds.
 */
import { Buffer } from "node:buffer";
import type { QuorumFs } from "@quorumfs/client";
import { QuorumError } from "@quorumfs/core";
import type { Coverage } from "../../simulation/coverage.js";
import type { SimulatedCluster } from "../cluster/simulated-cluster.js";
import type { Volume } from "../storage/volume.js";

const firstPauseMs = 2_000;
const longestPauseMs = 30_000;
const dayMs = 86_400_000;

// As fast as it goes, so that a pass over the little that there is takes a moment.
const scrubBytesPerSecond = 2 ** 30;

export interface ChunkCheckOptions {
  readonly cluster: SimulatedCluster;
  readonly admin: QuorumFs;
  readonly coverage: Coverage;
  /** All that there may be. */
  readonly files: readonly string[];
  /** Leases take hours: with each look a day goes by on all wall clocks, and nodes are told to scrub once. */
  readonly daysGoBy: boolean;
  readonly withinMs: number;
}

/** A DataNode's disk. */
interface Store {
  readonly name: string;
  readonly nodeId: number;
  readonly volume: Volume;
}

interface NamedChunks {
  readonly chunks: number;
  readonly copies: number;
  /** How many of the copies a node is to have. */
  readonly byNode: ReadonlyMap<number, number>;
}

/**
 * Waits until the DataNodes hold the chunks of the files that there are, and no others.
 *
 * @throws Error what is wrong with what they hold, when the time is over
 */
export async function untilOnlyNamedChunks(options: ChunkCheckOptions): Promise<void> {
  const { cluster, admin, coverage, files, daysGoBy, withinMs } = options;
  const { world } = cluster;
  const endMs = world.nowMs + withinMs;
  let hasScrubbed = !daysGoBy;
  for (let looks = 1; ; looks += 1) {
    const stores = cluster.dataNodes.flatMap(({ machine, latest, volume, hasLeft }): readonly Store[] =>
      latest && !hasLeft ? [{ name: machine.name, nodeId: latest.nodeId, volume }] : [],
    );
    const named = await namedBy(admin, files);
    const fault = typeof named === "string" ? named : faultOf(named, stores);
    if (typeof named !== "string" && fault === undefined) {
      count(coverage, named, stores);
      return;
    }
    if (world.nowMs > endMs) throw new Error(`${withinMs} ms after all was level: ${fault}`);
    if (daysGoBy) for (const machine of cluster.machines) machine.jump(dayMs);
    // What days have not settled was missed by somebody, or is damaged, and the next scrub is weeks away.
    if (!hasScrubbed && looks > 1) {
      await admin.scrub.start({ bytesPerSecond: scrubBytesPerSecond, restart: true });
      hasScrubbed = true;
    }
    await world.sleep(Math.min(longestPauseMs, firstPauseMs * 1.2 ** looks));
  }
}

/** @returns or why nobody can tell just now */
async function namedBy(admin: QuorumFs, files: readonly string[]): Promise<NamedChunks | string> {
  const byNode = new Map<number, number>();
  let chunks = 0;
  let copies = 0;
  try {
    for (const name of files) {
      const { verdict, version, replicas, chunkHolders } = await admin.explain(name);
      if (verdict === "unsettled" || verdict === "no_quorum") return `${name} is ${verdict}`;
      if (!version || version.deleted) continue;
      chunks += version.chunks;
      copies += version.chunks * replicas;
      for (const { node, wanted } of chunkHolders) byNode.set(node, (byNode.get(node) ?? 0) + wanted);
    }
  } catch (thrown) {
    const error = QuorumError.from(thrown);
    if (error.code === "internal") throw error;
    return `nobody tells which chunks there should be: ${error.code}: ${error.message}`;
  }
  return { chunks, copies, byNode };
}

function faultOf(named: NamedChunks, stores: readonly Store[]): string | undefined {
  const copies = new Map<string, { readonly bytes: Buffer; readonly on: string[] }>();
  let held = 0;
  for (const { name, nodeId, volume } of stores) {
    const wanted = named.byNode.get(nodeId) ?? 0;
    const rows = volume.rows("chunks").size;
    if (rows !== wanted) return `${name} holds ${rows} chunks, and current versions name ${wanted} of its`;
    if (volume.files.size !== rows) return `${name} has ${volume.files.size} files for ${rows} chunks`;
    held += rows;
    for (const [place, bytes] of volume.files) {
      const key = volume.rows("chunk-places").get(Buffer.from(place, "latin1"))?.toString("latin1");
      if (key === undefined) return `${name} has a file that belongs to no chunk, ${place}`;
      const copy = copies.get(key);
      if (copy?.bytes.equals(bytes) === false) return `a chunk on ${name} differs from that on ${copy.on.join()}`;
      if (copy) copy.on.push(name);
      else copies.set(key, { bytes, on: [name] });
    }
  }
  if (copies.size !== named.chunks) return `there are ${copies.size} chunks, and current versions name ${named.chunks}`;
  return held === named.copies ? undefined : `there are ${held} copies of chunks, and should be ${named.copies}`;
}

function count(coverage: Coverage, named: NamedChunks, stores: readonly Store[]): void {
  coverage.count("chunks: runs whose disks were checked");
  coverage.count("chunks: named, and whole on all their replicas", named.chunks);
  const written = stores.reduce((sum, { volume }) => sum + volume.published, 0);
  coverage.count("chunks: copies written and gone again", written - named.copies);
}
