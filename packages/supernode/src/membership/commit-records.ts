import type { CancelTimer, Clock, Log } from "@quorumfs/core";
import { QuorumError } from "@quorumfs/core";
import type { ClusterState } from "../cluster/cluster-state.js";
import type { OneAtATime } from "../one-at-a-time.js";

/**
 * What beats say of the commits of stores is made durable so often: an old copy of a store is older than that as a rule,
 * and each time is a fsync.
 */
const everyMs = 10_000;

export interface CommitRecordsOptions {
  readonly state: ClusterState;
  /** Shared by all who change the cluster. */
  readonly changes: OneAtATime;
  readonly clock: Clock;
  readonly log: Log;
}

/** Remembers how far the DataNodes' stores are, so that one that comes back older is known for what it is. */
export class CommitRecords {
  readonly #options: CommitRecordsOptions;
  #cancel: CancelTimer | undefined;
  #isClosed = false;

  constructor(options: CommitRecordsOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #arm(): void {
    if (this.#isClosed) return;
    const { state, changes, clock, log } = this.#options;
    this.#cancel = clock.after(everyMs, () => {
      changes
        .run(() => state.recordCommits())
        .catch((error: unknown) => log.warn("commits.not-recorded", { reason: QuorumError.from(error).message }))
        .finally(() => this.#arm());
    });
  }
}
