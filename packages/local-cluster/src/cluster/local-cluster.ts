import { connect, type ConnectOptions, type NodeInfo, type QuorumFs } from "@quorumfs/client";
import { parseFileName, QuorumError } from "@quorumfs/core";
import type { DelayOptions, DropOptions, Fault } from "../faults/fault-table.js";
import { FaultyNetwork } from "../faults/faulty-network.js";
import { type Party, partyName } from "../faults/party.js";
import { Power } from "../faults/power.js";
import type { Member, Surroundings } from "./member.js";
import { waitUntil } from "./wait-until.js";

/** One of the cluster's DataNodes. */
export interface LocalNode {
  /** 1 to the number of DataNodes. */
  readonly id: number;
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

export interface ClusterParts {
  readonly surroundings: Surroundings;
  readonly superNode: Member;
  readonly dataNodes: readonly Member[];
  readonly dataDir: string;
  readonly seed: number;
  readonly removeData: () => Promise<void>;
}

/** A cluster in this process. Close it, or let `await using` do so. */
export class LocalCluster implements AsyncDisposable {
  readonly #parts: ClusterParts;
  readonly #clients: QuorumFs[] = [];
  readonly #clientPower = new Power();
  /** For our own questions to the SuperNode. */
  #own: Promise<QuorumFs> | undefined;
  #closing: Promise<void> | undefined;

  /** Use `startCluster`. */
  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  get nodes(): readonly LocalNode[] {
    return this.#parts.dataNodes.map(({ party, address, directory, running, failure }, index) => ({
      id: typeof party === "number" ? party : index + 1,
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
    const ids = this.#parts.dataNodes.filter((node) => node.running).map(({ party }) => party);
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
    const { superNode, dataNodes, removeData } = this.#parts;
    this.heal();
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#clientPower.cut();
    await Promise.all(dataNodes.map((node) => node.stop()));
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
    const { superNode, dataNodes } = this.#parts;
    const member = which === "supernode" ? superNode : dataNodes.find(({ party }) => party === which);
    if (member) return member;
    throw new QuorumError({
      code: "invalid_argument",
      message: `there is no ${partyName(which)}; the cluster has DataNodes 1 to ${dataNodes.length}`,
    });
  }
}
