/**
 * Gets a damaged record, or the content that belongs to it, back from the file's other replicas: an identity round, whose
 * ACCEPT this node's replica takes like any other. Where the record is forgotten the round starts above this node's ceiling, and
 * then the vote may take the record's place; core, `register/ceiling.ts`, says why that is safe. What only lies under a wrong key is put
 * back without a round.
 */
import { type Clock, type Log, QuorumError } from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView } from "../cluster/cluster-view.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { DamagedFile } from "../replica/file-table.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { Coordinator } from "./coordinator.js";

/** `gone`: there is nothing left here to repair. `failed`: the others cannot help just now. */
export type RecordRepaired = "repaired" | "gone" | "failed";

// As long as a client would wait: a round takes milliseconds, and who cannot have one now has it later.
const roundTimeoutMs = 10_000;

export interface RecordRepairOptions {
  readonly coordinator: Pick<Coordinator, "settle">;
  readonly replica: Pick<LocalReplica, "check" | "rescue" | "abandon" | "reconsider">;
  readonly store: Pick<ClusterStore, "view">;
  readonly self: Pick<LocalNode, "id">;
  readonly clock: Clock;
  readonly log: Log;
}

export class RecordRepair {
  readonly #options: RecordRepairOptions;

  constructor(options: RecordRepairOptions) {
    this.#options = options;
  }

  /**
   * Resolves with `repaired` when all that the disk has of the file was read anew, and found sound. May be asked for a file
   * of which nothing is damaged, and repeated. Never throws.
   */
  async repair(file: DamagedFile): Promise<RecordRepaired> {
    const { log } = this.#options;
    const { bucket, path } = file;
    try {
      return await this.#repair(file);
    } catch (thrown) {
      log.warn("record.repair-round-failed", { bucket, path, reason: QuorumError.from(thrown).message });
      return "failed";
    }
  }

  async #repair(file: DamagedFile): Promise<RecordRepaired> {
    const { replica, store, self } = this.#options;
    const isRescued = await replica.rescue(file);
    const found = await replica.check(file);
    if (found !== "damaged") return found === "sound" || isRescued ? "repaired" : "gone";
    const bucket = store.view.buckets.get(file.bucket);
    // Nobody votes on the files of a bucket that is being deleted, or was.
    if (!bucket || bucket.deleting) return store.view.layout ? "gone" : "failed";
    const place = store.view.place(bucket, file.path);
    if (place && !place.voters.members.includes(self.id)) return "gone";
    try {
      await this.#round(bucket, file.path);
    } catch (thrown) {
      if (!(await replica.abandon(file))) throw thrown;
      await this.#roundWithoutOwnVote(bucket, file);
    }
    return (await replica.check(file)) === "sound" ? "repaired" : "failed";
  }

  /**
   * A value of which this node has the only record, and no content, stands in the way: no round can make it chosen. Without
   * this node's vote it never was. So its record is given up, unless the others have no quorum either; then it counts again.
   */
  async #roundWithoutOwnVote(bucket: BucketView, file: DamagedFile): Promise<void> {
    try {
      await this.#round(bucket, file.path);
    } finally {
      this.#options.replica.reconsider(file);
    }
  }

  #round(bucket: BucketView, path: string): Promise<void> {
    const { coordinator, clock } = this.#options;
    const deadlineMs = clock.nowMs() + roundTimeoutMs;
    return new Promise((resolve, reject) => {
      coordinator.settle({ bucket, path, deadlineMs, orTombstone: true }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
