/**
 * This node's place in the cluster: joins, beats, follows the layout. All of it goes on for ever by itself; while no
 * SuperNode answers, the node serves with what it knew last.
 */
import { type CancelTimer, type Clock, type Disk, type Log, QuorumError, type Random, nodeId } from "@quorumfs/core";
import type { Load, NodeLoad } from "@quorumfs/proto";
import type { ClusterStore } from "./cluster-store.js";
import { type Identity, rememberMember } from "./identity.js";
import type { LocalNode } from "./local-node.js";
import { RetryPause } from "./retry-pause.js";
import type { SuperNode } from "./super-node.js";

export const heartbeatMs = 500;

export interface MembershipOptions {
  readonly superNode: SuperNode;
  readonly store: ClusterStore;
  readonly self: LocalNode;
  readonly storeId: Identity["storeId"];
  readonly runId: Identity["runId"];
  /** The id to ask for at the first Join; undefined takes any. */
  readonly wantedNodeId: number | undefined;
  /** host:port under which others reach this node. */
  readonly address: string;
  readonly zone: string;
  readonly capacityBytes: number;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly load: () => Load;
  /** Told about once a second what the cluster's nodes are doing. */
  readonly onLoads: (loads: readonly NodeLoad[]) => void;
  /** The cluster does not want this node, and never will; called once. */
  readonly onRefused: (error: QuorumError) => void;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #stop = new AbortController();
  readonly #pause: RetryPause;
  #loops: readonly Promise<void>[] = [];
  /** Whether the SuperNode that beats go to has been told of this run. */
  #joined = false;
  /** Whether the cluster has taken this node in at least once since it started. */
  #wasTaken = false;
  #refreshing: Promise<void> | undefined;
  #refreshNext: Promise<void> | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#pause = new RetryPause(options);
  }

  /**
   * Joins for the first time, trying until the SuperNode answers.
   *
   * @throws QuorumError why the cluster does not want this node; `cancelled` when `close` was called meanwhile
   */
  async enter(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#join();
        return;
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (isFinal(error)) throw error;
        this.#options.log.warn("membership.join-failed", { reason: error.message });
        await this.#pause.wait(signal);
      }
    }
    throw new QuorumError({ code: "cancelled", message: "the DataNode was stopped before it could join" });
  }

  /** Beats and follows the layout until `close`. */
  start(): void {
    this.#loops = [this.#beatForever(), this.#watchForever()];
  }

  /**
   * Asks for the newest cluster. What the caller has seen happen before the call is in it.
   *
   * @throws QuorumError `unavailable` when no SuperNode answers
   */
  refresh(): Promise<void> {
    if (!this.#refreshing) {
      this.#refreshing = this.#refreshOnce().finally(() => (this.#refreshing = undefined));
      return this.#refreshing;
    }
    // An answer that is on its way may be older than what the caller knows; everybody who comes meanwhile shares the next.
    this.#refreshNext ??= this.#refreshing
      .catch(() => undefined)
      .then(() => {
        this.#refreshNext = undefined;
        return this.refresh();
      });
    return this.#refreshNext;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    this.#options.superNode.close();
  }

  async #join(): Promise<void> {
    const { superNode, store, self, disk, log, storeId, runId, wantedNodeId, ...rest } = this.#options;
    const { member } = self;
    const joined = await superNode.join(
      {
        clusterId: member?.clusterId ?? "",
        nodeId: member?.nodeId ?? wantedNodeId ?? 0,
        storeId,
        address: rest.address,
        zone: rest.zone,
        capacityBytes: rest.capacityBytes,
        incarnation: self.incarnation,
        layout: store.view.layoutNumber,
        version: self.version,
        runId,
        commits: disk.commits,
        revision: store.view.revision,
      },
      this.#stop.signal,
    );
    const given = { clusterId: joined.clusterId, nodeId: nodeId(joined.nodeId) };
    if (!member) {
      await rememberMember(disk, given);
      self.become(given);
      superNode.reintroduce();
    } else if (member.clusterId !== given.clusterId || member.nodeId !== given.nodeId) {
      throw new QuorumError({
        code: "permission_denied",
        message: `node ${member.nodeId} of cluster ${member.clusterId} was taken for ${given.nodeId} of ${given.clusterId}`,
      });
    }
    await store.install(joined.cluster);
    this.#joined = true;
    this.#wasTaken = true;
    log.info("membership.joined", { node: given.nodeId, cluster: given.clusterId, incarnation: self.incarnation });
  }

  async #beatForever(): Promise<void> {
    const { log, onRefused } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        // A SuperNode that was lost may have forgotten that this node is up, or where.
        if (!this.#joined) await this.#join();
        await this.#beat();
      } catch (thrown) {
        const error = QuorumError.from(thrown);
        if (signal.aborted) return;
        log.warn("membership.lost", { reason: error.message });
        if (isFinal(error) && !(await this.#isOfAnotherCluster())) {
          onRefused(error);
          return;
        }
      }
      this.#joined = false;
      await this.#pause.wait(signal);
    }
  }

  /**
   * Whether the SuperNode has become that of another cluster since it took this node in: it lost its store, or somebody
   * else has its address now. Its refusal is no reason to stop serving then; a cluster must not die of its control plane.
   */
  async #isOfAnotherCluster(): Promise<boolean> {
    const { superNode, self, log } = this.#options;
    if (!this.#wasTaken) return false;
    try {
      const { clusterId } = await superNode.cluster(this.#stop.signal);
      if (clusterId === self.member?.clusterId) return false;
      log.error("membership.foreign-super-node", { theirs: clusterId, ours: self.member?.clusterId });
      return true;
    } catch {
      return true;
    }
  }

  /** Sends beats until the stream ends. */
  #beat(): Promise<void> {
    const { superNode, self, store, disk, clock, load } = this.#options;
    const stream = superNode.heartbeat(this.#stop.signal);
    return new Promise((resolve, reject) => {
      let cancelNext: CancelTimer | undefined;
      let isFree = true;
      const send = () => {
        const { id: node, incarnation } = self;
        // A beat that cannot leave is left out: the next one says more.
        if (isFree) {
          const { revision } = store.view;
          isFree = stream.write({
            nodeId: node,
            incarnation,
            load: load(),
            revision,
            synced: [],
            commits: disk.commits,
          });
        }
        cancelNext = clock.after(heartbeatMs, send);
      };
      stream.onMessage(() => this.#pause.reset());
      stream.onDrain(() => (isFree = true));
      stream.onEnd((error) => {
        cancelNext?.();
        if (error) reject(error);
        else resolve();
      });
      send();
    });
  }

  async #watchForever(): Promise<void> {
    const { superNode, store, clock, random, log, onLoads } = this.#options;
    const { signal } = this.#stop;
    const retry = new RetryPause({ clock, random });
    while (!signal.aborted) {
      try {
        for await (const update of superNode.watch(store.view.revision, signal)) {
          if (update.$case === "cluster") await store.install(update.value);
          else onLoads(update.value.nodes);
          retry.reset();
        }
      } catch (thrown) {
        if (signal.aborted) return;
        log.debug("membership.watch-lost", { reason: QuorumError.from(thrown).message });
      }
      await retry.wait(signal);
    }
  }

  async #refreshOnce(): Promise<void> {
    const { superNode, store } = this.#options;
    try {
      await store.install(await superNode.cluster(this.#stop.signal));
    } catch (cause) {
      const reason = QuorumError.from(cause).message;
      throw new QuorumError({ code: "unavailable", message: `the SuperNode could not be asked: ${reason}`, cause });
    }
  }
}

/** What trying again will not change. */
function isFinal(error: QuorumError): boolean {
  return (
    error.code === "permission_denied" || error.code === "invalid_argument" || error.code === "precondition_failed"
  );
}
