/** What a run has done so far, for those who watch it: plain numbers that only grow, and that can be sent and added. */
import { addLatencies, latencyBucketOf, latencyBuckets } from "@quorumfs/core";
import { type OperationKind, operationKinds } from "../plan/mix.js";
import type { Sample } from "./measurements.js";

export interface LiveKind {
  readonly kind: OperationKind;
  /** Also in the negative: no such file, condition not met. */
  answered: number;
  failed: number;
  /** Of those answered, by core's latency buckets, from the start that was meant if the run has a rate. */
  readonly latencies: number[];
  /** Of those answered, all together. */
  seconds: number;
}

/** Of the operations of a run, without those that prepare it. */
export interface LiveSnapshot {
  /** Those of which there was an operation. */
  readonly kinds: readonly LiveKind[];
  /** Of content, sent and received. */
  readonly bytes: number;
  readonly inFlight: number;
}

export class LiveCounts {
  readonly #kinds = new Map<OperationKind, LiveKind>();
  #bytes = 0;
  #inFlight = 0;

  get snapshot(): LiveSnapshot {
    return { kinds: [...this.#kinds.values()], bytes: this.#bytes, inFlight: this.#inFlight };
  }

  begun(): void {
    this.#inFlight += 1;
  }

  ended({ kind, startedAt, endedAt, intendedAt = startedAt, ending, bytes }: Sample): void {
    this.#inFlight -= 1;
    const counts = this.#of(kind);
    if (ending !== "ok" && ending !== "missed") {
      counts.failed += 1;
      return;
    }
    counts.answered += 1;
    counts.seconds += (endedAt - intendedAt) / 1000;
    this.#bytes += bytes;
    const bucket = latencyBucketOf(endedAt - intendedAt);
    counts.latencies[bucket] = (counts.latencies[bucket] ?? 0) + 1;
  }

  #of(kind: OperationKind): LiveKind {
    let counts = this.#kinds.get(kind);
    if (!counts) this.#kinds.set(kind, (counts = noOperations(kind)));
    return counts;
  }
}

/** Several processes' parts of a run as one. */
export function addSnapshots(parts: readonly LiveSnapshot[]): LiveSnapshot {
  const kinds = operationKinds.flatMap((kind) => {
    const some = parts.flatMap((part) => part.kinds.filter((counts) => counts.kind === kind));
    if (some.length === 0) return [];
    const sum = noOperations(kind);
    for (const { answered, failed, latencies, seconds } of some) {
      sum.answered += answered;
      sum.failed += failed;
      sum.seconds += seconds;
      addLatencies(sum.latencies, latencies);
    }
    return [sum];
  });
  return {
    kinds,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    inFlight: parts.reduce((sum, { inFlight }) => sum + inFlight, 0),
  };
}

function noOperations(kind: OperationKind): LiveKind {
  return { kind, answered: 0, failed: 0, latencies: new Array<number>(latencyBuckets).fill(0), seconds: 0 };
}
