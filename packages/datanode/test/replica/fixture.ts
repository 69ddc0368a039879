import { createHash } from "node:crypto";
import {
  type Ballot,
  type BucketId,
  bucketId,
  type Clock,
  type Disk,
  firstLayout,
  type Layout,
  nodeId,
  partitionOf,
  type QuorumError,
  type ReplicaReply,
  type ReplicaRequest,
  type Value,
} from "@quorumfs/core";
import { silentLog, systemClock } from "@quorumfs/runtime";
import type { DamagedFile } from "../../src/replica/file-table.js";
import { LocalReplica } from "../../src/replica/local-replica.js";
import type { RecordChanges } from "../../src/replica/record-changes.js";
import type { ReplicaContext } from "../../src/replica/replica-context.js";

export const files = bucketId(1);
export const scratch = bucketId(2);
export const doomed = bucketId(3);

export const layout: Layout = firstLayout(
  [1, 2, 3].map((id) => ({ id: nodeId(id), zone: "", weight: 1 })),
  3,
);

const buckets = new Map<BucketId, { deleting: boolean; durability: "fsync" | "memory" }>([
  [files, { deleting: false, durability: "fsync" }],
  [scratch, { deleting: false, durability: "memory" }],
  [doomed, { deleting: true, durability: "fsync" }],
]);

/** Node 1 of the nodes 1 to 3, which hold everything. */
export const context: ReplicaContext = {
  clusterId: "test-cluster",
  self: nodeId(1),
  layout: () => layout,
  bucket: (id) => buckets.get(id),
  isMember: (node) => node >= 1 && node <= 3,
  wasMember: (node) => node >= 1 && node <= 3,
  holds: () => true,
  holdsAll: true,
  newerLayout: async (isThere) => isThere(),
};

/** A replica, and what it told its surroundings. */
export interface Subject {
  readonly replica: LocalReplica;
  readonly failures: QuorumError[];
  readonly damaged: DamagedFile[];
}

export function openReplica(
  disk: Disk,
  options: {
    readonly context?: ReplicaContext;
    readonly clock?: Clock;
    readonly isFull?: () => boolean;
    readonly changes?: RecordChanges;
  } = {},
): Subject {
  const failures: QuorumError[] = [];
  const damaged: DamagedFile[] = [];
  const replica = new LocalReplica({
    context: options.context ?? context,
    disk,
    clock: options.clock ?? systemClock(),
    log: silentLog,
    onDiskFailure: (error) => failures.push(error),
    onDamage: ({ bucket, path }) => damaged.push({ bucket, path }),
    ...(options.isFull && { isFull: options.isFull }),
    ...(options.changes && { changes: options.changes }),
  });
  return { replica, failures, damaged };
}

export function ask(
  replica: LocalReplica,
  path: string,
  request: ReplicaRequest,
  options: { readonly bucket?: BucketId; readonly layout?: number } = {},
): Promise<ReplicaReply> {
  const target = { bucket: options.bucket ?? files, path, layout: options.layout ?? 1 };
  return new Promise((resolve) => replica.handle(target, request, resolve));
}

export function ballot(counter: number, node = 1): Ballot {
  return { counter, node, incarnation: 1 };
}

export const read: ReplicaRequest = { kind: "read", withContent: false };
export const readContent: ReplicaRequest = { kind: "read", withContent: true };

export function prepare(counter: number, node = 1): ReplicaRequest {
  return { kind: "prepare", ballot: ballot(counter, node) };
}

export function accept(counter: number, value: Value = valueOf(counter), next?: Ballot): ReplicaRequest {
  return { kind: "accept", ballot: ballot(counter), value, ...(next && { next }) };
}

export function valueOf(counter: number, content: string | Uint8Array = `content ${counter}`): Value {
  const bytes = Buffer.from(content);
  return {
    kind: "live",
    version: ballot(counter),
    size: bytes.length,
    etag: createHash("sha256").update(bytes).digest(),
    modifiedAtMs: 1_700_000_000_000 + counter,
    content: { kind: "inline", bytes },
    attributes: new Map([["type", "text/plain"]]),
    ring: [{ requestId: createHash("md5").update(`request ${counter}`).digest(), counter }],
  };
}

export function tombstoneOf(counter: number): Value {
  return {
    kind: "tombstone",
    version: ballot(counter),
    size: 0,
    etag: new Uint8Array(0),
    modifiedAtMs: 1_700_000_000_000 + counter,
    content: { kind: "none" },
    attributes: new Map(),
    ring: [],
  };
}

/** The value of a `state` reply, and its content as text. */
export function contentOf(reply: ReplicaReply): string | undefined {
  if (reply.kind !== "state") throw new Error(`expected a state, got ${JSON.stringify(reply)}`);
  const content = reply.value?.content;
  return content?.kind === "inline" ? Buffer.from(content.bytes).toString() : content?.kind;
}

/** Plain data, so that Buffers and Uint8Arrays of one content are equal. */
export function plain(reply: unknown): unknown {
  return JSON.parse(
    JSON.stringify(reply, (_key, value: unknown) => {
      if (value instanceof Map) return [...value.entries()] as unknown;
      const bytes = asBytes(value);
      return bytes ? Buffer.from(bytes).toString("hex") : value;
    }),
  );
}

// JSON.stringify has called Buffer's toJSON before the replacer sees the value.
function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "object" || value === null || !("type" in value) || !("data" in value)) return undefined;
  return value.type === "Buffer" && Array.isArray(value.data) ? Uint8Array.from(value.data as number[]) : undefined;
}

/** Another path of the same partition. */
export function sibling(path: string): string {
  const partition = partitionOf(files, path);
  for (let index = 0; ; index += 1) {
    if (partitionOf(files, `sibling-${index}`) === partition) return `sibling-${index}`;
  }
}
