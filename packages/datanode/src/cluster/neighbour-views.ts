import { type Clock, type Log, type NodeId, QuorumError } from "@quorumfs/core";
import { type Cluster, MaintenanceServiceService } from "@quorumfs/proto";
import type { Peers } from "../coordinator/peers.js";
import type { ClusterStore } from "./cluster-store.js";

// A SuperNode that is well answers within milliseconds; one that hangs must not keep votes waiting that others could help along.
const patienceMs = 100;

// Whoever waits for a layout gives a vote up after half a second.
const answerMs = 300;

export interface NeighbourViewsOptions {
  readonly store: Pick<ClusterStore, "view" | "install">;
  readonly peers: Pick<Peers, "find">;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Follows the newest cluster that is to be had: the SuperNode's, or else that of whichever DataNode knows more. A SuperNode that
 * dies while it publishes a layout leaves nodes behind that follow it and nodes that do not, and neither take the votes of the
 * others. What a DataNode follows, its SuperNode had stored before.
 */
export class NeighbourViews {
  readonly #options: NeighbourViewsOptions;
  #following: Promise<boolean> | undefined;

  constructor(options: NeighbourViewsOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `unavailable`: no SuperNode answers, and no DataNode that does knows anything newer */
  async follow(): Promise<void> {
    const { refresh, clock } = this.#options;
    const refreshing = refresh();
    const answer = await new Promise<"there" | "none">((resolve) => {
      const cancel = clock.after(patienceMs, () => resolve("none"));
      refreshing
        .then(
          () => resolve("there"),
          () => resolve("none"),
        )
        .finally(cancel);
    });
    if (answer === "there") return;
    // Many may want to know at the same time.
    this.#following ??= this.#ask().finally(() => (this.#following = undefined));
    if (await this.#following) {
      refreshing.catch(() => undefined);
      return;
    }
    await refreshing;
  }

  /** @returns whether anything newer was found, and is followed now */
  async #ask(): Promise<boolean> {
    const { store, log } = this.#options;
    const before = store.view.revision;
    const told = await Promise.all([...store.view.nodes.keys()].map((node) => this.#toldBy(node)));
    for (const cluster of told) {
      if (!cluster || cluster.clusterId !== store.view.clusterId || cluster.revision <= store.view.revision) continue;
      try {
        await store.install(cluster);
        log.info("cluster.followed-neighbour", { revision: cluster.revision });
      } catch (thrown) {
        log.warn("cluster.neighbour-refused", { reason: QuorumError.from(thrown).message });
      }
    }
    return store.view.revision > before;
  }

  async #toldBy(node: NodeId): Promise<Cluster | undefined> {
    try {
      const call = { timeoutMs: answerMs };
      const told = await this.#options.peers.find(node)?.bulk.unary(MaintenanceServiceService.getMemory, {}, call);
      return told?.cluster;
    } catch {
      return undefined;
    }
  }
}
