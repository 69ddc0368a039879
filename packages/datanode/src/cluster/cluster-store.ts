import { type Disk, type Log, QuorumError } from "@quorumfs/core";
import { Cluster } from "@quorumfs/proto";
import { SealedTable } from "@quorumfs/runtime";
import { ClusterView } from "./cluster-view.js";

const clusterKey = new TextEncoder().encode("cluster");

/**
 * The last cluster that this node heard of, on its disk, so that it starts and serves while no SuperNode does.
 * A newer revision takes over once it is durable: a replica that has refused an older layout must still refuse it after
 * a restart.
 */
export class ClusterStore {
  readonly #disk: Disk;
  readonly #table: SealedTable;
  readonly #log: Log;
  readonly #listeners = new Set<(view: ClusterView, before: ClusterView) => void>();
  #view: ClusterView;
  /** Highest revision that is on its way to the disk or there. */
  #newest: number;
  /** Settles when that revision is followed. */
  #installing: Promise<void> = Promise.resolve();

  constructor(options: { readonly disk: Disk; readonly log: Log }) {
    this.#disk = options.disk;
    this.#log = options.log;
    this.#table = new SealedTable(options.disk.table("node"));
    const stored = this.#table.get(clusterKey);
    this.#view = stored ? ClusterView.of(Cluster.decode(stored)) : ClusterView.empty;
    this.#newest = this.#view.revision;
  }

  get view(): ClusterView {
    return this.#view;
  }

  /**
   * Follows `cluster` if it is newer than what is followed. Resolves once this or a newer one is followed.
   *
   * @throws QuorumError `permission_denied` when it is another cluster's
   */
  async install(cluster: Cluster): Promise<void> {
    const before = this.#view;
    if (before.clusterId !== "" && cluster.clusterId !== before.clusterId) {
      throw new QuorumError({
        code: "permission_denied",
        message: `this DataNode belongs to cluster ${before.clusterId}, not to ${cluster.clusterId}`,
      });
    }
    // Perhaps it is still on its way to the disk: whoever offers it again may rely on it all the same.
    if (cluster.revision <= this.#newest) return this.#installing;
    const view = ClusterView.of(cluster);
    if (view.layoutNumber < before.layoutNumber) {
      // A SuperNode that was restored from an old backup: its numbers have been given to other layouts already.
      throw new QuorumError({
        code: "internal",
        message:
          `the SuperNode offers layout ${view.layoutNumber}, but layout ${before.layoutNumber} was in force: ` +
          "re-seed it with the highest number seen",
      });
    }
    this.#newest = view.revision;
    this.#installing = this.#store(cluster, view);
    return this.#installing;
  }

  async #store(cluster: Cluster, view: ClusterView): Promise<void> {
    await this.#disk.commit([this.#table.write(clusterKey, Cluster.encode(cluster).finish())]);
    if (view.revision > this.#view.revision) this.#follow(view);
  }

  #follow(view: ClusterView): void {
    const before = this.#view;
    this.#view = view;
    const { revision, layoutNumber: layout } = view;
    if (layout !== before.layoutNumber)
      this.#log.info("layout.installed", { layout, revision, nodes: view.nodes.size });
    else this.#log.debug("cluster.revision", { revision });
    for (const listener of this.#listeners) listener(view, before);
  }

  /** Calls `listener` with every newer view. Returns how to stop that. */
  onInstalled(listener: (view: ClusterView, before: ClusterView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
