import type { Clock } from "@quorumfs/core";
import type { TransferProgress } from "../options.js";

// Ten times a second is as much as people can follow.
const tellEveryMs = 100;

/** How far one transfer has come, told to whoever asked for it. */
export class Progress {
  readonly #clock: Clock;
  readonly #tell: ((progress: TransferProgress) => void) | undefined;
  totalBytes: number | undefined;
  #bytes = 0;
  #resumedBytes = 0;
  #toldAtMs = -Infinity;
  #toldBytes = -1;

  constructor(clock: Clock, tell: ((progress: TransferProgress) => void) | undefined, totalBytes: number | undefined) {
    this.#clock = clock;
    this.#tell = tell;
    this.totalBytes = totalBytes;
  }

  add(bytes: number, how: { readonly resumed: boolean } = { resumed: false }): void {
    this.#bytes += bytes;
    if (how.resumed) this.#resumedBytes += bytes;
    if (!this.#tell) return;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#toldAtMs < tellEveryMs) return;
    this.#toldAtMs = nowMs;
    this.#report();
  }

  /** The last word, unless it has been said. */
  finish(): void {
    if (this.#bytes !== this.#toldBytes) this.#report();
  }

  #report(): void {
    this.#toldBytes = this.#bytes;
    // Pages of a very large manifest are sent as well, and are not the content's.
    const bytes = Math.min(this.#bytes, this.totalBytes ?? Infinity);
    this.#tell?.({ bytes, totalBytes: this.totalBytes, resumedBytes: this.#resumedBytes });
  }
}
