import { join } from "node:path";
import { connect, type ConnectOptions, type NodeInfo, type QuorumFs } from "@quorumfs/client";
import type { Console } from "@quorumfs/console";
import { parseFileName, QuorumError } from "@quorumfs/core";
import { copyDirectory, removeDirectory } from "../adapters/directories.js";
import type { DelayOptions, DropOptions, Fault } from "../faults/fault-table.js";
import { FaultyNetwork } from "../faults/faulty-network.js";
import { type Party, partyName } from "../faults/party.js";
import { Power } from "../faults/power.js";
import type { Member, Surroundings } from "./member.js";
import type { ClusterConsoleOptions } from "./start-cluster.js";
import { waitUntil } from "./wait-until.js";

/** One of the cluster's DataNodes. */
export interface LocalNode {
  /** 1 to the number of DataNodes that were ever started: what the verbs here take. */
  readonly id: number;
  /**
   * The number under which the cluster knows it, for the SDK: `id`, unless it came back with an empty or an old disk and was
   * given a new one. Undefined while it does not run.
   */
  readonly nodeId: number | undefined;
  /** `host:port`, the same after a restart. */
  readonly address: string;
  readonly dataDir: string;
  readonly running: boolean;
  /** Why it has ended by itself: its disk refused a write, or its cluster refused it. */
  readonly failure: QuorumError | undefined;
}

export interface PartitionOptions {
  /** Only messages from the first group to the second are lost. Default: both ways. */
  readonly oneWay?: boolean;
}

export interface AddNodeOptions {
  /** Default: the next one of the cluster's `zones`. */
  readonly zone?: string;
  /** Its share of the files, relative to the others'. Default: the size of the volume, as that of the others. */
  readonly capacityBytes?: number;
}

/** What a disk held at some time; see `snapshotDisk`. */
export interface DiskSnapshot {
  readonly directory: string;
}

/** What to find on a disk that was replaced: nothing, or what it held earlier, as after a restore from a backup. */
export type ReplacedDisk = "empty" | { readonly snapshot: DiskSnapshot };

export interface ClusterParts {
  readonly surroundings: Surroundings;
  readonly superNode: Member;
  readonly dataNodes: readonly Member[];
  /** Makes one more DataNode with this number, on a port of its own. */
  readonly makeNode: (id: number, options: AddNodeOptions) => Promise<Member>;
  readonly startConsole: (options?: ClusterConsoleOptions) => Promise<Console>;
  readonly dataDir: string;
  readonly seed: number;
  readonly removeData: () => Promise<void>;
}

/** A cluster in this process. Close it, or let `await using` do so. */
export class LocalCluster implements AsyncDisposable {
  readonly #parts: ClusterParts;
  readonly #dataNodes: Member[];
  #snapshots = 0;
  readonly #clients: QuorumFs[] = [];
  readonly #clientPower = new Power();
  /** For our own questions to the SuperNode. */
  #own: Promise<QuorumFs> | undefined;
  #console: Console | undefined;
  #closing: Promise<void> | undefined;

  /** Use `startCluster`. */
  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#dataNodes = [...parts.dataNodes];
  }

  get nodes(): readonly LocalNode[] {
    return this.#dataNodes.map(({ party, nodeId, address, directory, running, failure }, index) => ({
      id: typeof party === "number" ? party : index + 1,
      nodeId,
      address,
      dataDir: directory,
      running,
      failure,
    }));
  }

  /** `host:port` of the SuperNode, for `connect({ endpoints })` and for the command line. */
  get endpoints(): readonly string[] {
    return [this.#parts.superNode.address];
  }

  /** `http://127.0.0.1:PORT`, if the cluster was started with a console. */
  get consoleUrl(): string | undefined {
    return this.#console?.url;
  }

  /** As `startCluster({ console: true })` does. */
  async openConsole(options: ClusterConsoleOptions = {}): Promise<string> {
    this.#console ??= await this.#parts.startConsole(options);
    return this.#console.url;
  }

  get dataDir(): string {
    return this.#parts.dataDir;
  }

  /** What the faults' randomness started from; hand it to `startCluster` to have the same again. */
  get seed(): number {
    return this.#parts.seed;
  }

  /** A new connection, closed with the cluster. Faults between "client" and the members hit it. */
  async client(options: Omit<ConnectOptions, "endpoints" | "network"> = {}): Promise<QuorumFs> {
    const { network: inner, clock, log, faults, parties } = this.#parts.surroundings;
    const network = new FaultyNetwork({ inner, self: "client", parties, faults, clock, power: this.#clientPower });
    const client = await connect({ log, ...options, endpoints: this.endpoints, network });
    this.#clients.push(client);
    return client;
  }

  /** Ends a member as kill -9 would: nothing is flushed or answered any more. Resolves when it is gone. */
  kill(member: number | "supernode"): Promise<void> {
    return this.#member(member).kill();
  }

  /** Ends a member in order. */
  stop(member: number | "supernode"): Promise<void> {
    return this.#member(member).stop();
  }

  /** Starts a member that was killed or stopped, on its address and its data; one that runs is stopped first. */
  async restart(member: number | "supernode"): Promise<void> {
    await this.#member(member).stop();
    await this.#member(member).start();
  }

  /**
   * Starts one more DataNode, and resolves when the SuperNode sees it up. What it is to hold moves to it afterwards.
   *
   * @throws QuorumError if it does not start; it is a stopped member then, and `restart` tries again
   */
  async addNode(options: AddNodeOptions = {}): Promise<LocalNode> {
    const id = this.#dataNodes.length + 1;
    const member = await this.#parts.makeNode(id, options);
    this.#dataNodes.push(member);
    await member.start();
    await this.ready();
    const node = this.nodes.find((other) => other.id === id);
    if (node) return node;
    throw new QuorumError({ code: "internal", message: `DataNode ${id} was not added` });
  }

  /** Ends a DataNode in order, copies what its disk holds, and starts it again. Removed with the cluster's data. */
  async snapshotDisk(id: number): Promise<DiskSnapshot> {
    const member = this.#member(id);
    const wasRunning = member.running;
    await member.stop();
    this.#snapshots += 1;
    const directory = join(this.#parts.dataDir, `snapshot-${this.#snapshots}-of-${id}`);
    await copyDirectory(member.directory, directory);
    if (wasRunning) await member.start();
    return { directory };
  }

  /**
   * Ends a DataNode as `kill` does, gives it an empty disk or an earlier state of its own, and starts it: as after the loss
   * of a disk, or a restore from a backup. Such a node does not vote, but joins under a new number.
   */
  async replaceDisk(id: number, disk: ReplacedDisk): Promise<void> {
    const member = this.#member(id);
    await member.kill();
    if (disk === "empty") await removeDirectory(member.directory);
    else await copyDirectory(disk.snapshot.directory, member.directory);
    await member.start();
  }

  /**
   * Cuts the network between two groups: what is sent is lost, connections break, new ones fail, until `heal()`.
   * "client" stands for all clients, "supernode" for the SuperNode, a number for a DataNode.
   */
  partition(groupA: readonly Party[], groupB: readonly Party[], options: PartitionOptions = {}): Fault {
    const { faults } = this.#parts.surroundings;
    const there = faults.cut({ from: groupA, to: groupB });
    if (options.oneWay) return there;
    const back = faults.cut({ from: groupB, to: groupA });
    return {
      get hits() {
        return there.hits + back.hits;
      },
      end: () => {
        there.end();
        back.end();
      },
    };
  }

  /** Loses single messages (requests, answers, frames of streams) while connections stay up. */
  dropMessages(options: DropOptions): Fault {
    return this.#parts.surroundings.faults.drop(options);
  }

  /** Lets messages arrive late. Order within a stream is kept. */
  delayMessages(options: DelayOptions): Fault {
    return this.#parts.surroundings.faults.delay(options);
  }

  /** Takes back all faults of the network. Members that were killed stay so. */
  heal(): void {
    this.#parts.surroundings.faults.heal();
  }

  /**
   * Waits for a condition, looking every 20 ms; one that throws does not hold yet.
   *
   * @throws QuorumError `unavailable` after `timeoutMs` (default 10,000), saying `what` did not come true
   */
  waitUntil(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
    return waitUntil({ what, condition, timeoutMs, clock: this.#parts.surroundings.clock });
  }

  /** On how many DataNodes the newest version of a file is now, as they say. 0 if nobody holds the file. */
  async replicaCount(name: string): Promise<number> {
    const { bucket, path } = parseFileName(name);
    const client = await this.#ownClient();
    for await (const file of client.state({ bucket, prefix: path })) if (file.path === path) return file.holders.length;
    return 0;
  }

  /** Resolves when there is a layout and the SuperNode sees every running DataNode as up. */
  async ready(timeoutMs = 10_000): Promise<void> {
    const ids = this.#dataNodes.filter((node) => node.running).map(({ party, nodeId }) => nodeId ?? party);
    const isUp = (nodes: readonly NodeInfo[]) =>
      ids.every((id) => nodes.some((node) => node.id === id && node.state === "up"));
    await this.waitUntil(
      "the cluster is ready",
      async () => {
        const status = await (await this.#ownClient()).status();
        return status.ready && isUp(status.nodes);
      },
      timeoutMs,
    );
  }

  /** Stops everything, closes all clients, removes temporary data. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { superNode, removeData } = this.#parts;
    this.heal();
    await this.#console?.close();
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#clientPower.cut();
    await Promise.all(this.#dataNodes.map((node) => node.stop()));
    await superNode.stop();
    await removeData();
  }

  #ownClient(): Promise<QuorumFs> {
    this.#own ??= this.client().catch((error: unknown) => {
      this.#own = undefined;
      throw error;
    });
    return this.#own;
  }

  #member(which: number | "supernode"): Member {
    const { superNode } = this.#parts;
    const member = which === "supernode" ? superNode : this.#dataNodes.find(({ party }) => party === which);
    if (member) return member;
    throw new QuorumError({
      code: "invalid_argument",
      message: `there is no ${partyName(which)}; the cluster has DataNodes 1 to ${this.#dataNodes.length}`,
    });
  }
}
