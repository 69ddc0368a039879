import type { ErrorCode } from "@quorumfs/core";
import { decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { isWrite, type OperationKind } from "../plan/mix.js";
import { latencyHistogram, recordLatency } from "./latency.js";
import { commonPauses, type Pause, Pauses } from "./pauses.js";
import { type EncodedSeries, Series } from "./series.js";

/**
 * How an operation ended. `missed`: answered, but in the negative (no such file, condition not met), which is as good as
 * any other answer.
 */
export type Ending = "ok" | "missed" | { readonly code: ErrorCode; readonly message: string };

/** Failures with one code. */
export interface Failures {
  readonly count: number;
  /** What the first one said. */
  readonly example: string;
}

export interface Sample {
  readonly kind: OperationKind;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When it should have started; set if the run has a rate. */
  readonly intendedAt?: number;
  readonly ending: Ending;
  /** Of content, sent or received. */
  readonly bytes: number;
}

export interface KindMeasurements {
  readonly latency: Histogram;
  /** From the intended start, if the run has a rate. */
  readonly corrected: Histogram;
  missed: number;
  failed: number;
}

export interface EncodedMeasurements {
  readonly kinds: readonly (readonly [
    OperationKind,
    { latency: string; corrected: string; missed: number; failed: number },
  ])[];
  readonly errors: readonly (readonly [ErrorCode, Failures])[];
  readonly bytes: number;
  readonly series: EncodedSeries;
  readonly pauses: readonly Pause[];
  readonly endedMs: number;
}

/** What a run measured. Latencies are of operations that were answered; those that failed are counted by code. */
export class Measurements {
  readonly kinds = new Map<OperationKind, KindMeasurements>();
  readonly errors = new Map<ErrorCode, Failures>();
  series = new Series();
  bytes = 0;
  answered = 0;
  failed = 0;
  /** When the last operation ended, from the start. */
  endedMs = 0;
  readonly #startedAt: number;
  readonly #ownPauses = new Pauses();
  #pauses: readonly Pause[] | undefined;

  /** @param startedAt when the run began, on the clock of the samples */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  record(sample: Sample): void {
    const { kind, startedAt, endedAt, intendedAt, ending } = sample;
    const atMs = endedAt - this.#startedAt;
    this.endedMs = Math.max(this.endedMs, atMs);
    const of = this.#of(kind);
    if (ending !== "ok" && ending !== "missed") {
      of.failed += 1;
      this.failed += 1;
      this.#addFailures(ending.code, { count: 1, example: ending.message });
      this.series.recordError(atMs);
      return;
    }
    if (ending === "missed") of.missed += 1;
    this.answered += 1;
    this.bytes += sample.bytes;
    recordLatency(of.latency, endedAt - startedAt);
    if (intendedAt !== undefined) recordLatency(of.corrected, endedAt - intendedAt);
    this.series.record(atMs, isWrite(kind) ? "writes" : "reads", endedAt - startedAt);
    this.#ownPauses.success(atMs);
  }

  #addFailures(code: ErrorCode, { count, example }: Failures): void {
    const before = this.errors.get(code);
    this.errors.set(code, { count: count + (before?.count ?? 0), example: before?.example ?? example });
  }

  #of(kind: OperationKind): KindMeasurements {
    let of = this.kinds.get(kind);
    if (!of) {
      of = { latency: latencyHistogram(), corrected: latencyHistogram(), missed: 0, failed: 0 };
      this.kinds.set(kind, of);
    }
    return of;
  }

  /** By time; complete once the run has ended. */
  get pauses(): readonly Pause[] {
    return this.#pauses ?? this.#ownPauses.until(this.endedMs);
  }

  encode(): EncodedMeasurements {
    const kinds = [...this.kinds].map(([kind, { latency, corrected, missed, failed }]) => {
      const encoded = {
        latency: encodeIntoCompressedBase64(latency),
        corrected: encodeIntoCompressedBase64(corrected),
        missed,
        failed,
      };
      return [kind, encoded] as const;
    });
    const { bytes, series, endedMs } = this;
    // A process that is through with its part leaves it to the others to succeed.
    const pauses = this.#ownPauses.until(Infinity);
    return { kinds, errors: [...this.errors], bytes, series: series.encode(), pauses, endedMs };
  }

  /** What several processes measured from the same start, as one. */
  static merge(parts: readonly EncodedMeasurements[]): Measurements {
    const sum = new Measurements(0);
    for (const part of parts) {
      for (const [kind, { latency, corrected, missed, failed }] of part.kinds) {
        const of = sum.#of(kind);
        of.latency.add(decodeFromCompressedBase64(latency));
        of.corrected.add(decodeFromCompressedBase64(corrected));
        of.missed += missed;
        of.failed += failed;
        sum.failed += failed;
      }
      for (const [code, failures] of part.errors) sum.#addFailures(code, failures);
      sum.bytes += part.bytes;
      sum.series.add(Series.decode(part.series));
      sum.endedMs = Math.max(sum.endedMs, part.endedMs);
    }
    for (const { latency } of sum.kinds.values()) sum.answered += latency.totalCount;
    sum.#pauses = commonPauses([[{ fromMs: 0, toMs: sum.endedMs }], ...parts.map(({ pauses }) => pauses)]);
    return sum;
  }
}
