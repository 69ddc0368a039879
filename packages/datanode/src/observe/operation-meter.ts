/**
 * Counts the operations of clients as they end: how many, how they ended, how long they took, how much they carried. Numbers
 * only grow; who wants to know what happened in some span of time takes the difference. Counting is on the way of every
 * operation, so it is additions to numbers, one logarithm, and one look into a map.
 */
import { type ErrorCode, latencyBucketOf, latencyBuckets } from "@quorumfs/core";

export const operationKinds = ["get", "stat", "put", "delete", "list"] as const;
export type MeteredKind = (typeof operationKinds)[number];

/**
 * `answered`: also with "there is no such file" and "the condition does not hold"; `failed`: for want of a quorum, in time
 * or at all, by damage, or for a fault of the node; `refused`: turned away for too much load.
 */
export const operationOutcomes = ["answered", "failed", "refused"] as const;
export type OperationOutcome = (typeof operationOutcomes)[number];

/** An operation of a client that has ended. */
export interface EndedOperation {
  readonly kind: MeteredKind;
  /** A bucket of the cluster; empty: none that is known. */
  readonly bucket: string;
  readonly outcome: OperationOutcome;
  readonly ms: number;
  /** Of content in records. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What was counted of one kind, since the start. */
export interface KindCounts {
  readonly answered: number;
  readonly failed: number;
  readonly refused: number;
  /** Of those answered; by core's latency buckets. */
  readonly latencies: readonly number[];
  /** Of those answered, all together. */
  readonly seconds: number;
}

/** What was counted of one bucket, since the start or since it was first heard of. */
export interface BucketCounts {
  readonly bucket: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  count(kind: MeteredKind, outcome: OperationOutcome): number;
}

/** Each is a handful of series in every monitoring system that looks at this node. */
export const bucketsMeteredMax = 100;

/** Stands for all buckets beyond those, and for names that no bucket has; none can have this one. */
export const otherBuckets = "_other";

export class OperationMeter {
  readonly #kinds: Readonly<Record<MeteredKind, KindMeter>> = {
    get: new KindMeter(),
    stat: new KindMeter(),
    put: new KindMeter(),
    delete: new KindMeter(),
    list: new KindMeter(),
  };

  readonly #buckets = new Map<string, BucketMeter>();
  readonly #others = new BucketMeter(otherBuckets);

  ended(operation: EndedOperation): void {
    const { kind, bucket, outcome, ms, bytesRead, bytesWritten } = operation;
    this.#kinds[kind].ended(outcome, ms);
    const meter = this.#buckets.get(bucket) ?? this.#meterFor(bucket);
    meter.ended(kind, outcome);
    meter.bytesRead += bytesRead;
    meter.bytesWritten += bytesWritten;
  }

  /** Live: the same object whenever it is asked for, with what is true then. */
  kind(kind: MeteredKind): KindCounts {
    return this.#kinds[kind];
  }

  /** Live, too; those of which nothing was counted are left out. */
  *buckets(): Generator<BucketCounts> {
    yield* this.#buckets.values();
    if (this.#others.total > 0) yield this.#others;
  }

  /** Makes room for new buckets: forgets those that are no more. */
  retain(isBucket: (name: string) => boolean): void {
    for (const name of this.#buckets.keys()) if (!isBucket(name)) this.#buckets.delete(name);
  }

  #meterFor(bucket: string): BucketMeter {
    if (bucket === "" || this.#buckets.size >= bucketsMeteredMax) return this.#others;
    const meter = new BucketMeter(bucket);
    this.#buckets.set(bucket, meter);
    return meter;
  }
}

/** How an operation that met this error ended; undefined: its caller gave it up, so nobody asked for its end. */
export function outcomeOf(code: ErrorCode): OperationOutcome | undefined {
  switch (code) {
    case "not_found":
    case "precondition_failed":
    case "invalid_argument":
    case "permission_denied":
      return "answered";
    case "resource_exhausted":
      return "refused";
    case "unavailable":
    case "quorum_unavailable":
    case "corrupt":
    case "unknown_outcome":
    case "internal":
      return "failed";
    case "cancelled":
      return undefined;
  }
}

class KindMeter implements KindCounts {
  answered = 0;
  failed = 0;
  refused = 0;
  seconds = 0;
  readonly latencies: number[] = new Array<number>(latencyBuckets).fill(0);

  ended(outcome: OperationOutcome, ms: number): void {
    this[outcome] += 1;
    if (outcome !== "answered") return;
    this.seconds += ms / 1000;
    const bucket = latencyBucketOf(ms);
    this.latencies[bucket] = (this.latencies[bucket] ?? 0) + 1;
  }
}

class BucketMeter implements BucketCounts {
  readonly bucket: string;
  bytesRead = 0;
  bytesWritten = 0;
  total = 0;
  readonly #counts: Readonly<Record<MeteredKind, Record<OperationOutcome, number>>> = {
    get: noCounts(),
    stat: noCounts(),
    put: noCounts(),
    delete: noCounts(),
    list: noCounts(),
  };

  constructor(bucket: string) {
    this.bucket = bucket;
  }

  ended(kind: MeteredKind, outcome: OperationOutcome): void {
    this.total += 1;
    this.#counts[kind][outcome] += 1;
  }

  count(kind: MeteredKind, outcome: OperationOutcome): number {
    return this.#counts[kind][outcome];
  }
}

function noCounts(): Record<OperationOutcome, number> {
  return { answered: 0, failed: 0, refused: 0 };
}
