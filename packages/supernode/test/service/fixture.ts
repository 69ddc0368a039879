import { nodeId, type Channel, type Log, type Random, type TableWrite } from "@quorumfs/core";
import {
  AdminServiceService,
  type Bucket,
  type Cluster,
  ClusterServiceService,
  GetFileSystemStateRequest,
  ListFilesOnNodeRequest,
  type FileState,
  type LayoutChange,
  type StateSummary,
} from "@quorumfs/proto";
import { silentLog } from "@quorumfs/runtime";
import { Metrics } from "@quorumfs/telemetry";
import { startSuperNode, type SuperNode, type SuperNodeConfig, superNodeConfig } from "@quorumfs/supernode";
import { MemoryDisk, MemoryPlatter } from "../../../runtime/test/disk/memory-disk.js";
import { roleToWire } from "../../src/cluster/member.js";
import { FakeDataNode } from "../support/fake-data-node.js";
import { MemoryNetwork } from "../support/memory-network.js";
import { VirtualClock } from "../support/virtual-clock.js";

/** A disk that takes so many commits, and then none. */
class CrashingDisk extends MemoryDisk {
  commitsLeft = Infinity;

  override commit(writes: readonly TableWrite[]): Promise<void> {
    if (this.commitsLeft <= 0) this.break();
    this.commitsLeft -= 1;
    return super.commit(writes);
  }
}

/** A SuperNode on virtual time, with DataNodes that only pretend. */
export class Fixture {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork();
  readonly nodes: FakeDataNode[] = [];
  disk = new CrashingDisk();
  /** Of the SuperNode that runs. */
  metrics = new Metrics();
  #config: SuperNodeConfig;
  #platter = new MemoryPlatter();
  #running: SuperNode | undefined;
  #channel: Channel | undefined;
  #randomState = 1;

  constructor(config: Partial<SuperNodeConfig> = {}) {
    this.#config = superNodeConfig({ port: 7000, ...config });
  }

  async start(log: Log = silentLog): Promise<void> {
    this.disk = new CrashingDisk(this.#platter);
    this.metrics = new Metrics();
    const { network, clock, disk, metrics } = this;
    const random = this.#random();
    const options = { config: this.#config, network, clock, disk, random, log, metrics, version: "1.2.3" };
    this.#running = await startSuperNode(options);
    this.#channel = network.connect({ address: this.superNode.address, purpose: "control", identity: new Map() });
  }

  async stop(): Promise<void> {
    this.#channel?.close();
    await this.#running?.close();
    await this.disk.close();
  }

  /** The SuperNode's process is gone, and starts anew on what its disk kept. */
  async restart(given: Partial<SuperNodeConfig> = {}): Promise<void> {
    await this.stop();
    this.#config = { ...this.#config, ...given };
    await this.start();
  }

  /** The DataNodes notice that it is back. */
  async reconnect(numbers: readonly number[] = this.nodes.map((_, index) => index + 1)): Promise<void> {
    for (const number of numbers) await this.node(number).reconnect();
  }

  /** A copy of the SuperNode's disk. */
  backUp(): MemoryPlatter {
    const copy = new MemoryPlatter();
    for (const [name, rows] of this.#platter.rows) copy.rows.set(name, new Map(rows));
    return copy;
  }

  /** What the SuperNode's disk has at its next start; nothing, or what a backup kept. */
  replaceDisk(platter = new MemoryPlatter()): void {
    this.#platter = platter;
  }

  get superNode(): SuperNode {
    if (!this.#running) throw new Error("start first");
    return this.#running;
  }

  get channel(): Channel {
    if (!this.#channel) throw new Error("start first");
    return this.#channel;
  }

  /** A DataNode that is not started yet. */
  newNode(): FakeDataNode {
    const storeId = new Uint8Array(16).fill(this.nodes.length + 1);
    const { network, clock } = this;
    const node = new FakeDataNode({ network, clock, superNode: this.superNode.address, storeId });
    this.nodes.push(node);
    return node;
  }

  async startNodes(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await this.newNode().start();
    await this.clock.advance(600);
  }

  node(number: number): FakeDataNode {
    const node = this.nodes[number - 1];
    if (!node) throw new Error(`no node ${number}`);
    return node;
  }

  async cluster(): Promise<Cluster> {
    const { cluster } = await this.channel.unary(AdminServiceService.getStatus, {}, {});
    if (!cluster) throw new Error("no cluster");
    return cluster;
  }

  /** Begins a change; `{ 2: "leaving" }` says what is to become of DataNode 2. */
  async apply(
    roles: Readonly<Record<number, "active" | "draining" | "leaving" | "lost">> = {},
    given: { readonly replacedBy?: number; readonly baseLayout?: number } = {},
  ): Promise<LayoutChange | undefined> {
    const { replacedBy = 0, baseLayout = 0 } = given;
    const changes = Object.entries(roles).map(([id, role]) => ({
      node: Number(id),
      role: roleToWire[role],
      replacedBy,
    }));
    return (await this.channel.unary(AdminServiceService.applyLayout, { changes, baseLayout }, {})).change;
  }

  /** Newest first. */
  async changes(): Promise<readonly LayoutChange[]> {
    return (await this.channel.unary(AdminServiceService.listLayoutChanges, {}, {})).changes;
  }

  async change(): Promise<LayoutChange> {
    const [change] = await this.changes();
    if (!change) throw new Error("no change");
    return change;
  }

  /** How many partitions each DataNode holds or takes over: `1:768 2:768`. */
  async shares(): Promise<string> {
    const { shares } = await this.channel.unary(AdminServiceService.getLayout, {}, {});
    return shares.map(({ node, partitions }) => `${node}:${partitions}`).join(" ");
  }

  async condition(): Promise<string> {
    return (await this.channel.unary(AdminServiceService.getStatus, {}, {})).condition;
  }

  /** In order of node: `1 up`, `2 down`. */
  async health(): Promise<readonly string[]> {
    const { nodes } = await this.cluster();
    return nodes.map(({ id, state }) => `${id} ${["", "up", "suspect", "down"][state]}`);
  }

  async createBucket(
    name: string,
    quorum: { read?: number; write?: number; durability?: 0 | 1 | 2 } = {},
  ): Promise<Bucket> {
    const { read: readQuorum = 0, write: writeQuorum = 0, durability = 0 } = quorum;
    const request = { name, readQuorum, writeQuorum, durability };
    const { bucket } = await this.channel.unary(AdminServiceService.createBucket, request, {});
    if (!bucket) throw new Error("no bucket");
    return bucket;
  }

  async state(
    query: { bucket?: string; prefix?: string; node?: number } = {},
  ): Promise<{ files: FileState[]; summary: StateSummary }> {
    const { bucket = "", prefix = "", node } = query;
    const pages =
      node === undefined
        ? this.channel.serverStream(
            ClusterServiceService.getFileSystemState,
            GetFileSystemStateRequest.fromPartial({ filter: { bucket, prefix } }),
            {},
          )
        : this.channel.serverStream(
            ClusterServiceService.listFilesOnNode,
            ListFilesOnNodeRequest.fromPartial({ filter: { bucket, prefix }, nodeId: nodeId(node) }),
            {},
          );
    const files: FileState[] = [];
    for await (const page of pages) {
      files.push(...page.files);
      if (page.summary) return { files, summary: page.summary };
    }
    throw new Error("no summary");
  }

  #random(): Random {
    return {
      fraction: () => 0.5,
      bytes: (length) => Uint8Array.from({ length }, () => (this.#randomState = (this.#randomState * 75) % 65_537)),
    };
  }
}
