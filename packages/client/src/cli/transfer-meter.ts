import type { Clock } from "@quorumfs/core";

// Long enough not to jump, short enough to follow a change of the network.
const windowMs = 5_000;
const samplesMax = 64;

export interface MeterReading {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  /** More may be found, or its size is known only at its end. */
  readonly isTotalOpen: boolean;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
  /** Undefined while it cannot be told. */
  readonly secondsLeft: number | undefined;
}

/** Counts what several transfers have done together, and how fast. */
export class TransferMeter {
  readonly #clock: Clock;
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];
  #files = 0;
  #filesTotal = 0;
  #bytes = 0;
  #bytesTotal = 0;
  /** What there was before: no measure of speed. */
  #skipped = 0;
  #open = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#samples.push({ atMs: clock.nowMs(), bytes: 0 });
  }

  /** A file that is to be transferred. */
  expect(bytes: number | undefined): void {
    this.#filesTotal += 1;
    this.#adjust(0, bytes);
    if (bytes === undefined) this.#open += 1;
  }

  /** Everything has been found. */
  found(): void {
    this.#open -= 1;
  }

  /** The transfer of one of the files. @param expected what was said of it to `expect` */
  begin(expected: number | undefined): FileMeter {
    let counted = 0;
    let skipped = 0;
    let total = expected;
    const learn = (bytes: number): void => {
      if (total === undefined) this.#open -= 1;
      this.#adjust(total, bytes);
      total = bytes;
    };
    return {
      progress: ({ bytes, totalBytes, resumedBytes = 0 }) => {
        if (totalBytes !== undefined && totalBytes !== total) learn(totalBytes);
        this.#bytes += bytes - counted;
        this.#skipped += resumedBytes - skipped;
        counted = bytes;
        skipped = resumedBytes;
      },
      end: () => {
        // What has failed is not waited for any more.
        learn(counted);
        this.#files += 1;
      },
    };
  }

  #adjust(from: number | undefined, to: number | undefined): void {
    this.#bytesTotal += (to ?? 0) - (from ?? 0);
  }

  read(): MeterReading {
    const bytesPerSecond = this.#rate();
    const isTotalOpen = this.#open > 0;
    const left = this.#bytesTotal - this.#bytes;
    return {
      files: this.#files,
      filesTotal: this.#filesTotal,
      bytes: this.#bytes,
      bytesTotal: Math.max(this.#bytes, this.#bytesTotal),
      isTotalOpen,
      bytesPerSecond,
      secondsLeft: isTotalOpen || bytesPerSecond === 0 ? undefined : Math.max(0, left) / bytesPerSecond,
    };
  }

  #rate(): number {
    const atMs = this.#clock.nowMs();
    const bytes = this.#bytes - this.#skipped;
    this.#samples.push({ atMs, bytes });
    for (;;) {
      const [, second] = this.#samples;
      const isOld = second !== undefined && atMs - second.atMs >= windowMs;
      if (!isOld && this.#samples.length <= samplesMax) break;
      this.#samples.shift();
    }
    const first = this.#samples[0];
    if (!first || atMs <= first.atMs) return 0;
    return ((bytes - first.bytes) * 1000) / (atMs - first.atMs);
  }
}

export interface FileMeter {
  /** As the SDK tells it: the whole so far. */
  progress(done: {
    readonly bytes: number;
    readonly totalBytes?: number | undefined;
    readonly resumedBytes?: number;
  }): void;
  end(): void;
}
