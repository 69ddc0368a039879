import { createHash } from "node:crypto";
import { firstLayout, nodeId, type Random } from "@quorumfs/core";
import {
  type Cluster,
  Durability,
  ErrorCode,
  type ErrorDetail,
  type FileInfo,
  type FileRequest,
  type FileResponse,
  type Node,
  NodeRole,
  NodeState,
  type OperationTrace,
  type SessionRequest,
  StoreFault,
  type WatchLayoutResponse,
} from "@quorumfs/proto";
import { connect, type QuorumFs } from "../../src/index.js";
import { FakeChunks } from "./fake-chunks.js";
import { FakeNetwork, type FakeServer, type ServerEnd } from "./fake-network.js";
import { VirtualClock } from "./virtual-clock.js";

type Result = NonNullable<FileResponse["result"]>;

/** What a fake DataNode does with a request. */
export type Reaction = Result | "hang" | "break" | { readonly afterMs: number; readonly result: Result };

export interface Seen {
  readonly node: number;
  readonly request: FileRequest;
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const sha256 = (content: Uint8Array): Buffer => createHash("sha256").update(content).digest();

export const superNodeAddress = "super:7000";

/** A cluster without protocol: three DataNodes that answer as the test says. */
export class FakeCluster {
  readonly network = new FakeNetwork();
  readonly clock = new VirtualClock();
  /** Every request that a DataNode got, in order; cancellations as well. */
  readonly seen: Seen[] = [];
  react: (node: number, request: FileRequest) => Reaction;
  /** What answers that come at once tell of how they came about. */
  trace: OperationTrace | undefined;
  /** Nodes that answer nothing at all. */
  readonly hanging = new Set<number>();
  /** How long nodes take for what costs them nothing. */
  readonly slow = new Map<number, number>();
  cluster: Cluster;
  /** What each DataNode has of chunks; it outlives the node's death. */
  readonly chunks = new Map<number, FakeChunks>();
  readonly #publish: ((update: WatchLayoutResponse["update"]) => void)[] = [];
  readonly #streams = new Map<number, Set<ServerEnd>>();

  constructor(options: { readonly formed?: boolean; readonly nodes?: number } = {}) {
    const { formed = true, nodes = 3 } = options;
    this.react = (_node, request) => resultOf(request);
    this.cluster = clusterOf(nodes, formed);
    this.clock.activity = () => this.network.activity;
    for (const node of this.cluster.nodes) {
      this.chunks.set(node.id, new FakeChunks(node.id));
      this.startNode(node.id);
    }
    this.network.servers.set(superNodeAddress, {
      serverStream: (_path, _request, { signal }) => this.#watch(signal),
    });
  }

  async connect(): Promise<QuorumFs> {
    const random = sequence();
    const { network, clock } = this;
    return clock.settle(connect({ endpoints: [superNodeAddress], network, clock, random }));
  }

  startNode(id: number): void {
    this.network.servers.set(addressOf(id), this.#dataNode(id));
  }

  /** Connections break, new ones are refused. */
  killNode(id: number): void {
    this.network.servers.delete(addressOf(id));
    for (const stream of this.#streams.get(id) ?? []) stream.break();
    this.#streams.delete(id);
    this.chunks.get(id)?.breakStreams();
  }

  publish(update: WatchLayoutResponse["update"]): void {
    for (const send of this.#publish) send(update);
  }

  killSuperNode(): void {
    this.network.servers.delete(superNodeAddress);
    this.publish(undefined);
  }

  setState(id: number, state: NodeState): void {
    const nodes = this.cluster.nodes.map((node) => (node.id === id ? { ...node, state } : node));
    this.cluster = { ...this.cluster, nodes, revision: this.cluster.revision + 1 };
    this.publish({ $case: "cluster", value: this.cluster });
  }

  /** It is no member any more, as when it was drained; what it held is on others, as far as anybody here asks. */
  removeNode(id: number): void {
    const nodes = this.cluster.nodes.filter((node) => node.id !== id);
    this.cluster = { ...this.cluster, nodes, revision: this.cluster.revision + 1 };
    this.publish({ $case: "cluster", value: this.cluster });
  }

  /** Requests other than cancellations and probes. */
  get operations(): readonly Seen[] {
    return this.seen.filter(({ request: { operation } }) => operation !== undefined && operation.$case !== "cancel");
  }

  async *#watch(signal: { aborted: boolean; addEventListener(type: "abort", then: () => void): void } | undefined) {
    const queue: WatchLayoutResponse["update"][] = [{ $case: "cluster", value: this.cluster }];
    let wake: () => void = () => undefined;
    this.#publish.push((update) => {
      queue.push(update);
      wake();
    });
    signal?.addEventListener("abort", () => wake());
    while (!signal?.aborted) {
      for (const update of queue.splice(0)) {
        if (update === undefined) throw new Error("connection reset");
        yield { update };
      }
      if (!signal?.aborted) await new Promise<void>((resolve) => (wake = resolve));
    }
    throw new Error("cancelled");
  }

  #dataNode(id: number): FakeServer {
    const chunks = this.chunks.get(id);
    return {
      unary: async (path, request) => chunks?.unary(path, request),
      duplex: (path) => {
        const chunkStream = chunks?.duplex(path);
        if (chunkStream) return chunkStream;
        const end: ServerEnd = {
          onMessage: (message) => this.#receive(id, end, message as SessionRequest),
          onEnd: () => this.#streams.get(id)?.delete(end),
          send: () => undefined,
          break: () => undefined,
        };
        const streams = this.#streams.get(id) ?? new Set();
        this.#streams.set(id, streams.add(end));
        return end;
      },
    };
  }

  #receive(node: number, end: ServerEnd, frame: SessionRequest): void {
    if (frame.requests.length === 0) end.send({ responses: [] });
    for (const request of frame.requests) {
      // The client reuses its message between attempts.
      this.seen.push({ node, request: structuredClone(request) });
      if (request.operation?.$case === "cancel" || this.hanging.has(node)) continue;
      if (request.operation === undefined) {
        const probed = (): void =>
          end.send({ responses: [{ id: request.id, result: errorResult(ErrorCode.ERROR_CODE_INVALID_ARGUMENT) }] });
        const delayMs = this.slow.get(node) ?? 0;
        if (delayMs > 0) this.clock.after(delayMs, probed);
        else probed();
        continue;
      }
      const reaction = this.react(node, request);
      if (reaction === "hang") continue;
      if (reaction === "break") end.break();
      else if ("afterMs" in reaction) {
        this.clock.after(reaction.afterMs, () =>
          end.send({ responses: [{ id: request.id, result: reaction.result }] }),
        );
      } else end.send({ responses: [{ id: request.id, result: reaction, trace: this.trace }] });
    }
  }
}

export function errorResult(code: ErrorCode, detail: Partial<ErrorDetail> = {}): Result {
  return {
    $case: "error",
    value: {
      code,
      message: `error ${code}`,
      needed: 0,
      got: 0,
      nodes: [],
      retryAfterMs: 0,
      currentVersion: undefined,
      requestId: "",
      storeFault: StoreFault.STORE_FAULT_UNSPECIFIED,
      ...detail,
    },
  };
}

const content = bytes("content");
const vote = { nodes: [1, 2], replicas: [1, 2, 3], durability: Durability.DURABILITY_FSYNC };

export function fileOf(path: string, body: Uint8Array, version = 1): FileInfo {
  return { path, version, size: body.length, etag: sha256(body), modifiedAtMs: 0, attributes: new Map() };
}

/** A plausible success. */
export function resultOf({ operation }: FileRequest): Result {
  switch (operation?.$case) {
    case "put":
      return { $case: "put", value: { file: fileOf(operation.value.path, operation.value.content, 7), vote } };
    case "get":
      return {
        $case: "get",
        value: { file: fileOf(operation.value.path, content, 7), content, vote, manifest: new Uint8Array(0) },
      };
    case "stat":
      return { $case: "stat", value: { file: fileOf(operation.value.path, content, 7), vote } };
    case "delete":
      return { $case: "delete", value: { version: 8, vote } };
    case "list":
      return { $case: "list", value: { files: [], commonPrefixes: [], nextAfter: "" } };
    case "cancel":
    case undefined:
      throw new Error("a cancellation has no result");
  }
}

function addressOf(id: number): string {
  return `node${id}:7000`;
}

function clusterOf(nodeCount: number, formed: boolean): Cluster {
  const nodes = Array.from({ length: nodeCount }, (_, index) => nodeOf(index + 1));
  const placed = nodes.map(({ id }) => ({ id: nodeId(id), zone: "", weight: 1 }));
  return {
    clusterId: "c",
    revision: 1,
    layout: formed ? mutable(firstLayout(placed, 3)) : undefined,
    nodes,
    buckets: [{ id: 1, name: "files", readQuorum: 2, writeQuorum: 2, durability: 1, createdAtMs: 0, deleting: false }],
    replicas: 3,
    formerNodes: [],
  };
}

function mutable(layout: ReturnType<typeof firstLayout>): NonNullable<Cluster["layout"]> {
  return {
    ...layout,
    partitions: layout.partitions.map((partition) => ({
      nodes: [...partition.nodes],
      joining: [],
      layout: partition.layout,
    })),
  };
}

function nodeOf(id: number): Node {
  return {
    id,
    address: addressOf(id),
    zone: "",
    capacityBytes: 1,
    state: NodeState.NODE_STATE_UP,
    incarnation: 1,
    load: undefined,
    stateSinceMs: 0,
    version: "0.1.0",
    role: NodeRole.NODE_ROLE_ACTIVE,
    metricsAddress: "",
  };
}

/** Not random at all, which is all that these tests need. */
function sequence(): Random {
  let count = 0;
  let ids = 0;
  return {
    fraction: () => (count = (count + 0.381966) % 1),
    bytes: (length) => Buffer.alloc(length).fill(`id ${(ids += 1)} `),
  };
}
