import type { Clock } from "@quorumfs/core";

/** Shorter, and the pace would be that of the first few records. */
const paceMsMin = 500;

/** How far the node is behind in records, and how long it will take. */
export class SyncProgress {
  readonly #clock: Clock;
  #records = 0;
  #bytes = 0;
  #begunAtMs = 0;
  #begunRecords = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** At the pace since {@link begin}; 0: not known, or nothing to do. */
  get remainingMs(): number {
    const elapsedMs = this.#clock.nowMs() - this.#begunAtMs;
    const done = this.#begunRecords - this.#records;
    if (this.#records === 0 || done <= 0 || elapsedMs < paceMsMin) return 0;
    return Math.ceil((elapsedMs / done) * this.#records);
  }

  begin(lack: { readonly count: number; readonly bytes: number }): void {
    this.#records = this.#begunRecords = lack.count;
    this.#bytes = lack.bytes;
    this.#begunAtMs = this.#clock.nowMs();
  }

  did(size: number): void {
    this.#records = Math.max(0, this.#records - 1);
    this.#bytes = Math.max(0, this.#bytes - size);
  }

  end(): void {
    this.begin({ count: 0, bytes: 0 });
  }
}
