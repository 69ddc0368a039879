import { type Disk, type Log, QuorumError, type TableWrite } from "@quorumfs/core";
import { Cluster } from "@quorumfs/proto";
import { SealedTable } from "@quorumfs/runtime";
import { ClusterView } from "./cluster-view.js";

const clusterKey = new TextEncoder().encode("cluster");

/** What has to be durable along with a view before anybody acts on it. */
export interface ViewCompanion {
  /** At the start: the view that was stored last. */
  resume(view: ClusterView): void;
  /** What follows from a view: the writes that go with it, and what is done when they are durable. Views come in order. */
  prepare(view: ClusterView): { readonly writes: readonly TableWrite[]; readonly follow: () => void };
}

/**
 * The last cluster that this node heard of, on its disk, so that it starts and serves while no SuperNode does.
 * A newer revision takes over once it is durable: a replica that has refused an older layout must still refuse it after
 * a restart.
 */
export class ClusterStore {
  readonly #disk: Disk;
  readonly #table: SealedTable;
  readonly #log: Log;
  readonly #companion: ViewCompanion | undefined;
  readonly #listeners = new Set<(view: ClusterView, before: ClusterView) => void>();
  #view: ClusterView;
  /** Highest revision that is on its way to the disk or there. */
  #newest: number;
  /** Settles when that revision is followed. */
  #installing: Promise<void> = Promise.resolve();

  constructor(options: { readonly disk: Disk; readonly log: Log; readonly companion?: ViewCompanion }) {
    this.#disk = options.disk;
    this.#log = options.log;
    this.#companion = options.companion;
    this.#table = new SealedTable(options.disk.table("node"));
    const stored = this.#table.get(clusterKey);
    this.#view = stored ? ClusterView.of(Cluster.decode(stored)) : ClusterView.empty;
    this.#newest = this.#view.revision;
    this.#companion?.resume(this.#view);
  }

  get view(): ClusterView {
    return this.#view;
  }

  /** The last cluster as its SuperNode told it; undefined before the first. */
  get cluster(): Cluster | undefined {
    const stored = this.#table.get(clusterKey);
    return stored && Cluster.decode(stored);
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
          `the SuperNode offers layout ${view.layoutNumber}, but layout ${before.layoutNumber} was in force: its store is older ` +
          "than the cluster; make it anew with quorumfs-supernode --reseed-from HOST:PORT,HOST:PORT of the DataNodes",
      });
    }
    this.#newest = view.revision;
    // One after the other, so that what goes with a view is made from what went with the one before.
    const settled = this.#installing.catch(() => undefined);
    this.#installing = settled.then(() => this.#store(cluster, view));
    return this.#installing;
  }

  async #store(cluster: Cluster, view: ClusterView): Promise<void> {
    const companion = this.#companion?.prepare(view);
    const row = this.#table.write(clusterKey, Cluster.encode(cluster).finish());
    await this.#disk.commit([row, ...(companion?.writes ?? [])]);
    companion?.follow();
    this.#follow(view);
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
