import { createHash } from "node:crypto";
import { bucketId, chunkBytesMax, type Extent, firstLayout, type Layout, nodeId } from "@quorumfs/core";
import { Durability, NodeRole, NodeState } from "@quorumfs/proto";
import { crc32c } from "@quorumfs/runtime";
import { type BucketView, ClusterView } from "../../src/cluster/cluster-view.js";
import type { FileOwner } from "../../src/chunk/chunk-key.js";

export const owner: FileOwner = { bucket: bucketId(1), path: "large" };

/** An upload's id. */
export function upload(number: number): Uint8Array {
  return new Uint8Array(16).fill(number);
}

/** An extent of chunks that need not be there. */
export function extent(number: number, parts: Partial<Extent> = {}): Extent {
  return {
    upload: upload(number),
    first: 0,
    chunkBytes: chunkBytesMax,
    lastBytes: chunkBytesMax,
    checksums: [number],
    ...parts,
  };
}

/** Bytes that look like nothing else. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}

/** The extent of an upload that cuts `bytes` into chunks of `chunkBytes`. */
export function extentOf(number: number, bytes: Uint8Array, chunkBytes = 64 * 1024): Extent {
  const checksums: number[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) checksums.push(crc32c(bytes.subarray(at, at + chunkBytes)));
  const lastBytes = bytes.length - (checksums.length - 1) * chunkBytes;
  return { upload: upload(number), first: 0, chunkBytes, lastBytes, checksums };
}

/** A cluster of `nodes` DataNodes, N=3 R=2 W=2, of which `down` are down. */
export function clusterOf(nodes: number, down: readonly number[] = []): { view: ClusterView; bucket: BucketView } {
  const ids = Array.from({ length: nodes }, (_, index) => index + 1);
  const layout: Layout = firstLayout(
    ids.map((id) => ({ id: nodeId(id), zone: "", weight: 1 })),
    3,
  );
  const view = ClusterView.of({
    clusterId: "test",
    revision: 1,
    replicas: 3,
    formerNodes: [],
    layout: {
      number: layout.number,
      replicas: 3,
      partitions: layout.partitions.map(({ nodes: members, joining, layout: number }) => ({
        nodes: [...members],
        joining: [...joining],
        layout: number,
      })),
    },
    nodes: ids.map((id) => ({
      id,
      address: `node:${id}`,
      zone: "",
      capacityBytes: 1,
      state: down.includes(id) ? NodeState.NODE_STATE_DOWN : NodeState.NODE_STATE_UP,
      incarnation: 1,
      load: undefined,
      stateSinceMs: 0,
      version: "",
      role: NodeRole.NODE_ROLE_ACTIVE,
      metricsAddress: "",
    })),
    buckets: [
      {
        id: 1,
        name: "files",
        readQuorum: 2,
        writeQuorum: 2,
        durability: Durability.DURABILITY_FSYNC,
        createdAtMs: 0,
        deleting: false,
      },
    ],
  });
  const bucket = view.bucketNamed("files");
  if (!bucket) throw new Error("the cluster has the bucket");
  return { view, bucket };
}
