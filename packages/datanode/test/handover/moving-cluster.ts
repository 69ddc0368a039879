import { partitionCount } from "@quorumfs/core";
import type { HeartbeatRequest, SyncStatus } from "@quorumfs/proto";
import { type SmallCluster } from "../support/small-cluster.js";
import { settle } from "../support/step-clock.js";

// Far more than any step of a move takes.
const patienceMs = 60_000;
const stepMs = 250;

/** A small cluster whose layouts the test publishes by hand, as a SuperNode would: all partitions move alike. */
export class MovingCluster {
  readonly #cluster: SmallCluster;

  constructor(cluster: SmallCluster) {
    this.#cluster = cluster;
  }

  /** From now on every quorum is needed in the old group and in this one. */
  async join(...joining: readonly number[]): Promise<void> {
    await this.#publish(({ nodes }) => ({ nodes, joining: [...joining] }));
  }

  /** The old group goes. */
  async complete(): Promise<void> {
    await this.#publish(({ joining }) => ({ nodes: joining, joining: [] }));
  }

  async #publish(change: (assigned: { nodes: number[]; joining: number[] }) => { nodes: number[]; joining: number[] }) {
    const { superNode } = this.#cluster;
    const { layout } = superNode.cluster;
    if (!layout) throw new Error("the cluster has no layout yet");
    const number = layout.number + 1;
    const partitions = layout.partitions.map((assigned) => ({ ...change(assigned), layout: number }));
    superNode.publish({ layout: { ...layout, number, partitions } });
    await settle();
  }

  get layout(): number {
    return this.#cluster.superNode.cluster.layout?.number ?? 0;
  }

  /** The last beat of a node, by its id. */
  beat(node: number): HeartbeatRequest | undefined {
    return this.#cluster.superNode.beats.findLast(({ nodeId }) => nodeId === node);
  }

  status(node: number): SyncStatus | undefined {
    return this.beat(node)?.load?.sync;
  }

  /** Whether these nodes have reported that they hold all of what the joint layout asks for. */
  areSynced(...nodes: readonly number[]): boolean {
    return nodes.every((node) => {
      const synced = this.beat(node)?.synced ?? [];
      return synced.length === partitionCount && synced.every(({ layout }) => layout === this.layout);
    });
  }

  async synced(...nodes: readonly number[]): Promise<void> {
    await this.until(`nodes ${nodes.join(", ")} hold everything`, () => this.areSynced(...nodes));
  }

  /** Lets time pass until it is so. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let passedMs = 0; passedMs < patienceMs; passedMs += stepMs) {
      if (await isSo()) return;
      await this.#cluster.clock.pass(stepMs);
    }
    throw new Error(`it did not come to pass that ${what}`);
  }

  /** Rows of a table on the disk of node `index` (from 0). */
  rows(index: number, table: string): number {
    return this.#cluster.disks[index]?.table(table).count() ?? 0;
  }

  /** A node goes without a word, and its disk with it as it is. */
  async kill(index: number): Promise<void> {
    const node = this.#cluster.nodes[index];
    if (!node) throw new Error(`there is no node ${index}`);
    this.#cluster.network.kill(node.address);
    await node.close();
    await settle();
  }

  async restart(index: number): Promise<void> {
    const disk = this.#cluster.disks[index];
    if (!disk) throw new Error(`there is no node ${index}`);
    await this.#cluster.startNode(index, disk.crash());
  }
}
