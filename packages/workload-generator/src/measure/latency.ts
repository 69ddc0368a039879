import { build, type Histogram } from "hdr-histogram-js";

/** An hour; what takes longer counts as that. */
const highestUs = 3_600_000_000;

/** Microseconds, to three digits. */
export function latencyHistogram(): Histogram {
  return build({ highestTrackableValue: highestUs, numberOfSignificantValueDigits: 3 });
}

/** The same to two digits, for one of hundreds of points in a plot. */
export function coarseHistogram(): Histogram {
  return build({ highestTrackableValue: highestUs, numberOfSignificantValueDigits: 2 });
}

export function recordLatency(histogram: Histogram, latencyMs: number): void {
  histogram.recordValue(Math.min(highestUs, Math.max(1, Math.round(latencyMs * 1000))));
}

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export function summarize(histogram: Histogram): LatencySummary {
  const at = (percentile: number): number => toMs(histogram.getValueAtPercentile(percentile));
  const isEmpty = histogram.totalCount === 0;
  return {
    count: histogram.totalCount,
    meanMs: isEmpty ? 0 : toMs(histogram.mean),
    minMs: isEmpty ? 0 : toMs(histogram.minNonZeroValue),
    p50Ms: at(50),
    p90Ms: at(90),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: toMs(histogram.maxValue),
  };
}

function toMs(us: number): number {
  return Math.round(us) / 1000;
}
