/**
 * Tells DataNodes which chunks the chosen version of a file names (PROTOCOL.md, KEEP). A notice is a hint: what is lost is
 * made good by the checks of owners. So nothing is sent twice, and what there is no room for is dropped.
 */
import { type Ballot, type ChunkRange, compareBallots, type Log, type NodeId, QuorumError } from "@quorumfs/core";
import type { FileOwner } from "../chunk/chunk-key.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ChunkPeers } from "./chunk-peers.js";

export interface KeepNotice {
  readonly owner: FileOwner;
  readonly version: Ballot;
  /** All that this version names, pages included. */
  readonly ranges: readonly ChunkRange[];
}

// A second's worth of writes of a busy node; all queues share the ranges of a notice.
const waitingMax = 1024;
// Ranges of the waiting notices of one node: some 8 MiB.
const rangesMax = 65_536;
// They share a commit there.
const underWayMax = 4;

export class KeepNotices {
  readonly #options: KeepNoticesOptions;
  readonly #queues = new Map<NodeId, NoticeQueue>();
  #dropped = 0;
  #closed = false;

  constructor(options: KeepNoticesOptions) {
    this.#options = options;
  }

  /** Notices that were dropped since the start, for lack of room or because their node did not answer. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Tells every DataNode that may be there, this one included. */
  tellAll(notice: KeepNotice): void {
    for (const { id, state } of this.#options.store.view.nodes.values()) {
      // It is told when it comes back.
      if (state !== "down") this.tell(id, notice);
    }
  }

  tell(node: NodeId, notice: KeepNotice): void {
    if (this.#closed) return;
    let queue = this.#queues.get(node);
    if (!queue) {
      queue = new NoticeQueue({
        send: ({ owner, version, ranges }) => this.#options.peers.keep(node, owner, version, ranges),
        onDropped: (dropped, reason) => this.#onDropped(node, dropped, reason),
      });
      this.#queues.set(node, queue);
    }
    queue.add(notice);
  }

  /** Drops what waits. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const queue of this.#queues.values()) queue.close();
  }

  #onDropped(node: NodeId, { owner, version }: KeepNotice, reason: string): void {
    if (this.#closed) return;
    this.#dropped += 1;
    const { bucket, path } = owner;
    this.#options.log.debug("keep.notice-dropped", { node, bucket, path, version: version.counter, reason });
  }
}

export interface KeepNoticesOptions {
  readonly peers: Pick<ChunkPeers, "keep">;
  readonly store: Pick<ClusterStore, "view">;
  readonly log: Log;
}

interface QueueOptions {
  readonly send: (notice: KeepNotice) => Promise<void>;
  readonly onDropped: (notice: KeepNotice, reason: string) => void;
}

/** What waits for one node: of each file the newest version only. */
class NoticeQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Map<string, KeepNotice>();
  #ranges = 0;
  #underWay = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  add(notice: KeepNotice): void {
    const name = `${notice.owner.bucket}/${notice.owner.path}`;
    const other = this.#waiting.get(name);
    if (other && compareBallots(other.version, notice.version) > 0) return;
    const ranges = this.#ranges - (other?.ranges.length ?? 0) + notice.ranges.length;
    if (!other && (this.#waiting.size >= waitingMax || (this.#waiting.size > 0 && ranges > rangesMax))) {
      this.#options.onDropped(notice, "too many wait for this node");
      return;
    }
    this.#waiting.set(name, notice);
    this.#ranges = ranges;
    this.#sendOn();
  }

  close(): void {
    this.#waiting.clear();
    this.#ranges = 0;
  }

  #sendOn(): void {
    for (const [name, notice] of this.#waiting) {
      if (this.#underWay >= underWayMax) return;
      this.#waiting.delete(name);
      this.#ranges -= notice.ranges.length;
      this.#underWay += 1;
      void this.#send(notice);
    }
  }

  async #send(notice: KeepNotice): Promise<void> {
    try {
      await this.#options.send(notice);
    } catch (thrown) {
      this.#options.onDropped(notice, QuorumError.from(thrown).message);
    }
    this.#underWay -= 1;
    this.#sendOn();
  }
}
