/** Makes and deletes buckets. Their quorums never change: whoever read by other ones could miss a write. */
import { checkBucketName, type Clock, completeQuorum, type Log, QuorumError } from "@quorumfs/core";
import { type Bucket, type CreateBucketRequest, Durability } from "@quorumfs/proto";
import type { ClusterState } from "../cluster/cluster-state.js";
import { requireLayout } from "../cluster/forming.js";
import type { Notice } from "../events/event-log.js";
import type { OneAtATime } from "../one-at-a-time.js";

/** Every watcher gets them all, and every DataNode keeps them. */
const bucketsMax = 1000;

export interface BucketsOptions {
  readonly state: ClusterState;
  /** Shared by all who change the cluster. */
  readonly changes: OneAtATime;
  readonly initialNodes: number;
  readonly notice: Notice;
  readonly clock: Clock;
  readonly log: Log;
}

export class Buckets {
  readonly #options: BucketsOptions;

  constructor(options: BucketsOptions) {
    this.#options = options;
  }

  /** @throws QuorumError `invalid_argument`, `precondition_failed` if it exists, `unavailable` while the cluster forms */
  create(request: CreateBucketRequest): Promise<Bucket> {
    return this.#options.changes.run(() => this.#create(request));
  }

  async #create({ name, readQuorum, writeQuorum, durability }: CreateBucketRequest): Promise<Bucket> {
    const { state, initialNodes, notice, clock, log } = this.#options;
    checkBucketName(name);
    const quorum = completeQuorum({
      replicas: state.replicas,
      ...(readQuorum !== 0 && { read: readQuorum }),
      ...(writeQuorum !== 0 && { write: writeQuorum }),
    });
    const checked = checkDurability(durability);
    requireLayout(state, initialNodes);
    if (state.bucket(name)) {
      throw new QuorumError({ code: "precondition_failed", message: `there is a bucket ${name} already` });
    }
    if (state.buckets.length >= bucketsMax) {
      throw new QuorumError({ code: "resource_exhausted", message: `a cluster has at most ${bucketsMax} buckets` });
    }
    const bucket: Bucket = {
      id: state.nextBucketId,
      name,
      readQuorum: quorum.read,
      writeQuorum: quorum.write,
      durability: checked,
      createdAtMs: clock.wallMs(),
      deleting: false,
    };
    await state.apply({ buckets: [bucket] });
    log.info("bucket.created", { bucket: name, bucketId: bucket.id, read: quorum.read, write: quorum.write });
    notice("bucket.created", `bucket ${name} was made, with R=${quorum.read} and W=${quorum.write}`, {
      fields: { bucket: name, read: quorum.read, write: quorum.write },
    });
    return bucket;
  }
}

function checkDurability(durability: Durability): Durability {
  if (durability === Durability.DURABILITY_UNSPECIFIED) return Durability.DURABILITY_FSYNC;
  const isKnown = durability === Durability.DURABILITY_FSYNC || durability === Durability.DURABILITY_MEMORY;
  if (isKnown) return durability;
  throw new QuorumError({ code: "invalid_argument", message: "a bucket's durability is fsync or memory" });
}
