import { type QuorumError, type Random } from "@quorumfs/core";
import { type Bucket, FileServiceService } from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { Metrics } from "@quorumfs/telemetry";
import {
  type DataNode,
  type DataNodeConfig,
  dataNodeConfig,
  type DataNodeOptions,
  startDataNode,
} from "../../src/index.js";
import { MemoryDisk } from "../replica/memory-disk.js";
import { FakeSuperNode } from "./fake-super-node.js";
import { MemoryContentFiles } from "./memory-content-files.js";
import { MemoryNetwork } from "./memory-network.js";
import { settle, StepClock } from "./step-clock.js";

/** The same numbers every time; good enough for ids that nobody has to guess. */
export class CountingRandom implements Random {
  #count = 0;

  fraction(): number {
    this.#count += 1;
    return (this.#count * 0.618) % 1;
  }

  bytes(length: number): Uint8Array {
    this.#count += 1;
    return Uint8Array.from({ length }, (_, index) => (this.#count * 31 + index * 7) % 256);
  }
}

export interface SmallClusterOptions {
  readonly nodes?: number;
  readonly replicas?: number;
  readonly buckets?: readonly Bucket[];
  readonly config?: Partial<DataNodeConfig>;
  /** Size of each node's volume of content files. */
  readonly volumeBytes?: number;
}

/** DataNodes in this process, on a clock, disks and a network that the test holds in its hands. */
export class SmallCluster {
  readonly clock = new StepClock();
  readonly network = new MemoryNetwork();
  readonly superNode: FakeSuperNode;
  readonly nodes: DataNode[] = [];
  readonly disks: MemoryDisk[] = [];
  readonly contents: MemoryContentFiles[] = [];
  /** Of each node; of the one that was started last, if it was started again. */
  readonly metrics: Metrics[] = [];
  readonly fatal: QuorumError[] = [];
  /** Nodes (from 0) that have left as they were told to. */
  readonly left: number[] = [];
  /** What nodes that are started from now on ask for; 0: any. */
  wantedNodeId = 0;
  readonly #config: Partial<DataNodeConfig>;
  readonly #volume: { readonly totalBytes?: number };
  readonly #random = new CountingRandom();

  private constructor(options: SmallClusterOptions) {
    const { nodes = 3, replicas = nodes, buckets, config = {}, volumeBytes } = options;
    this.superNode = new FakeSuperNode({ replicas, ...(buckets && { buckets }) });
    this.#config = config;
    this.#volume = volumeBytes === undefined ? {} : { totalBytes: volumeBytes };
  }

  static async start(options: SmallClusterOptions = {}): Promise<SmallCluster> {
    const cluster = new SmallCluster(options);
    await cluster.network.listen({ host: "super", port: 1, routes: cluster.superNode.routes });
    for (let index = 0; index < (options.nodes ?? 3); index += 1) await cluster.startNode(index, new MemoryDisk());
    await settle();
    return cluster;
  }

  /** Starts node `index` (from 0) on a disk, with the content files that it had before, if any. */
  async startNode(
    index: number,
    disk: MemoryDisk,
    more: Pick<DataNodeOptions, "metricsAddress" | "earlierNews"> = {},
  ): Promise<DataNode> {
    const content = (this.contents[index] ??= new MemoryContentFiles(this.#volume));
    const metrics = (this.metrics[index] = new Metrics());
    const starting = startDataNode({
      ...more,
      metrics,
      config: dataNodeConfig({ supernode: "super:1", host: "node", nodeId: this.wantedNodeId, ...this.#config }),
      network: this.network,
      disk,
      content,
      clock: this.clock,
      random: this.#random,
      probe: { sample: () => ({ eventLoopDelayMs: 1, cpuFraction: 0.5, residentBytes: 1 }) },
      log: silentLog,
      version: "test",
      onFatal: (error) => this.fatal.push(error),
      onLeft: () => this.left.push(index),
    });
    this.disks[index] = disk;
    const node = await starting;
    this.nodes[index] = node;
    await settle();
    return node;
  }

  /** A client's own calls to node `index`. */
  files(index: number) {
    const address = this.nodes[index]?.address ?? "";
    const channel = this.network.connect({ address, purpose: "files", identity: new Map() });
    const service = FileServiceService;
    const options = { timeoutMs: 10_000 };
    return {
      channel,
      put: (path: string, content: string, more: PutMore = {}) =>
        channel.unary(service.put, putRequest(path, content, more), options),
      get: (path: string, bucket = "files") =>
        channel.unary(service.get, { bucket, path, consistency: 0, acceptManifest: false }, options),
      stat: (path: string, bucket = "files") => channel.unary(service.stat, { bucket, path, consistency: 0 }, options),
      delete: (path: string, more: PutMore = {}) =>
        channel.unary(
          service.delete,
          { bucket: "files", path, mutation: putRequest(path, "", more).mutation },
          options,
        ),
      list: (query: Partial<Parameters<typeof service.list.requestSerialize>[0]> = {}) =>
        channel.unary(
          service.list,
          { bucket: "files", prefix: "", delimiter: "", after: "", limit: 0, ...query },
          options,
        ),
    };
  }

  /** Lets requests of votes from node `index` to the others wait. */
  holdVotesFrom(index: number): void {
    const from = String(this.nodes[index]?.nodeId);
    this.network.gate = (message) => message.from !== from || !message.path.endsWith("/Exchange");
  }

  async close(): Promise<void> {
    this.network.release();
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}

type PutRequest = Parameters<typeof FileServiceService.put.requestSerialize>[0];

export interface PutMore {
  readonly bucket?: string;
  readonly etag?: Uint8Array;
  readonly attributes?: ReadonlyMap<string, string>;
  readonly requestId?: Uint8Array;
  readonly mayHaveRun?: boolean;
  readonly seenVersion?: number;
  readonly condition?: NonNullable<NonNullable<PutRequest["mutation"]>["condition"]>["test"];
}

export function putRequest(path: string, content: string, more: PutMore = {}): PutRequest {
  const { bucket = "files", etag = new Uint8Array(0), attributes = new Map<string, string>() } = more;
  const { requestId = new Uint8Array(0), mayHaveRun = false, seenVersion = 0, condition: test } = more;
  return {
    bucket,
    path,
    content: new TextEncoder().encode(content),
    manifest: new Uint8Array(0),
    size: 0,
    etag,
    attributes: new Map(attributes),
    mutation: { requestId, mayHaveRun, mayBeRepeated: false, seenVersion, condition: { test } },
  };
}
