import type { BucketId, Clock, Disk, Log, QuorumError, ReplicaReply, ReplicaRequest } from "@quorumfs/core";
import type { RangePage, RangeRequest, ReplicaTarget, ScannedEntry, ScanRequest } from "./messages.js";
import type { ReplicaContext } from "./replica-context.js";

export interface LocalReplicaOptions {
  readonly context: ReplicaContext;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** The disk refused a write: nothing is acknowledged any more, and the process must go. Called once. */
  readonly onDiskFailure: (error: QuorumError) => void;
}

/** This node's own votes: core's `answer()` over a disk. */
export class LocalReplica {
  readonly #options: LocalReplicaOptions;

  constructor(options: LocalReplicaOptions) {
    this.#options = options;
  }

  /** Answers one vote. `reply` is called exactly once, as soon as what it promises is durable; perhaps before `handle` returns. */
  handle(_target: ReplicaTarget, _request: ReplicaRequest, _reply: (reply: ReplicaReply) => void): void {
    throw new Error(`not yet: ${this.#options.context.self}`);
  }

  /** Highest ballot counter that this node knows of the file; 0 if none. A hint: it may be ahead of the disk. */
  counterHint(_bucket: BucketId, _path: string): number {
    return 0;
  }

  /** A page of a bucket; what it shows is durable. */
  rangeRead(_request: RangeRequest): Promise<RangePage> {
    return Promise.resolve({ entries: [], truncated: false, lastPath: "" });
  }

  /** Everything this node holds, page by page; the next page is read when it is asked for. */
  async *scan(_request: ScanRequest): AsyncIterable<readonly ScannedEntry[]> {
    yield [];
  }

  /** Records held; constant time. */
  recordCount(): number {
    return 0;
  }

  /** Refuses new votes and waits until the disk has what was taken. Does not close the disk. Idempotent. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
