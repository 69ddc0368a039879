import { decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { coarseHistogram, recordLatency } from "./latency.js";

/** Enough for a plot as wide as a screen; a longer run gets wider slots, not more of them. */
const slotsMax = 300;
const firstWidthMs = 100;

interface Slot {
  reads: Histogram | undefined;
  writes: Histogram | undefined;
  errors: number;
}

export interface SeriesPoint {
  /** Middle of the slot, from the start of the run. */
  readonly atMs: number;
  readonly widthMs: number;
  readonly reads: Histogram | undefined;
  readonly writes: Histogram | undefined;
  readonly errors: number;
}

export interface EncodedSeries {
  readonly widthMs: number;
  readonly slots: readonly { reads?: string; writes?: string; errors: number }[];
}

/** What happened when: latencies and errors in slots of time, by when operations ended. */
export class Series {
  #widthMs = firstWidthMs;
  #slots: Slot[] = [];

  record(atMs: number, group: "reads" | "writes", latencyMs: number): void {
    const slot = this.#slotAt(atMs);
    recordLatency((slot[group] ??= coarseHistogram()), latencyMs);
  }

  recordError(atMs: number): void {
    this.#slotAt(atMs).errors += 1;
  }

  #slotAt(atMs: number): Slot {
    while (atMs >= this.#widthMs * slotsMax) this.#widen();
    const index = Math.max(0, Math.floor(atMs / this.#widthMs));
    while (this.#slots.length <= index) this.#slots.push({ reads: undefined, writes: undefined, errors: 0 });
    return this.#slots[index] ?? { reads: undefined, writes: undefined, errors: 0 };
  }

  #widen(): void {
    this.#widthMs *= 2;
    const slots: Slot[] = [];
    for (let index = 0; index < this.#slots.length; index += 2) {
      const [first, second] = this.#slots.slice(index, index + 2);
      if (first) slots.push(second ? merged(first, second) : first);
    }
    this.#slots = slots;
  }

  add(other: Series): void {
    while (this.#widthMs < other.#widthMs) this.#widen();
    while (other.#widthMs < this.#widthMs) other.#widen();
    const length = Math.max(this.#slots.length, other.#slots.length);
    this.#slots = Array.from({ length }, (_, index) => {
      const [mine, theirs] = [this.#slots[index], other.#slots[index]];
      if (mine && theirs) return merged(mine, theirs);
      return mine ?? theirs ?? { reads: undefined, writes: undefined, errors: 0 };
    });
  }

  /** The slots that lie wholly before `untilMs`: the one that is still filling would show a drop that is none. */
  points(untilMs: number): readonly SeriesPoint[] {
    const whole = this.#slots.slice(0, Math.max(1, Math.floor(untilMs / this.#widthMs)));
    return whole.map((slot, index) => ({ atMs: (index + 0.5) * this.#widthMs, widthMs: this.#widthMs, ...slot }));
  }

  encode(): EncodedSeries {
    const slots = this.#slots.map(({ reads, writes, errors }) => ({
      ...(reads ? { reads: encodeIntoCompressedBase64(reads) } : {}),
      ...(writes ? { writes: encodeIntoCompressedBase64(writes) } : {}),
      errors,
    }));
    return { widthMs: this.#widthMs, slots };
  }

  static decode({ widthMs, slots }: EncodedSeries): Series {
    const series = new Series();
    series.#widthMs = widthMs;
    series.#slots = slots.map(({ reads, writes, errors }) => ({
      reads: reads === undefined ? undefined : decodeFromCompressedBase64(reads),
      writes: writes === undefined ? undefined : decodeFromCompressedBase64(writes),
      errors,
    }));
    return series;
  }
}

function merged(a: Slot, b: Slot): Slot {
  return {
    reads: sumOf(a.reads, b.reads),
    writes: sumOf(a.writes, b.writes),
    errors: a.errors + b.errors,
  };
}

function sumOf(a: Histogram | undefined, b: Histogram | undefined): Histogram | undefined {
  if (!a || !b) return a ?? b;
  a.add(b);
  return a;
}
