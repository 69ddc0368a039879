import { type Clock, QuorumError } from "@quorumfs/core";
import type { TransferProgress } from "../options.js";
import type { Lifetime } from "./lifetime.js";

// Ten times a second is as much as people can follow.
const tellEveryMs = 100;

export interface ProgressOptions {
  readonly tell?: ((progress: TransferProgress) => void) | undefined;
  readonly totalBytes: number | undefined;
  /** Of the transfer: it ends if `tell` throws, and nothing is told behind its end. */
  readonly lifetime: Lifetime;
}

/** How far one transfer has come, told to whoever asked for it. */
export class Progress {
  readonly #clock: Clock;
  readonly #options: ProgressOptions;
  totalBytes: number | undefined;
  #bytes = 0;
  #resumedBytes = 0;
  #toldAtMs = -Infinity;
  #toldBytes = -1;
  /** Takes back the telling that is due; set while there is one. */
  #cancelDue: (() => void) | undefined;

  constructor(clock: Clock, options: ProgressOptions) {
    this.#clock = clock;
    this.#options = options;
    this.totalBytes = options.totalBytes;
    options.lifetime.finally(() => this.#stop());
  }

  add(bytes: number, how: { readonly resumed: boolean } = { resumed: false }): void {
    this.#bytes += bytes;
    if (how.resumed) this.#resumedBytes += bytes;
    if (!this.#options.tell || this.#cancelDue) return;
    const waitMs = this.#toldAtMs + tellEveryMs - this.#clock.nowMs();
    if (waitMs <= 0) this.#report();
    // What comes last before a pause must be told, too.
    else this.#cancelDue = this.#clock.after(waitMs, () => this.#report());
  }

  #stop(): void {
    this.#cancelDue?.();
    this.#cancelDue = undefined;
  }

  /** The last word, unless it has been said. */
  finish(): void {
    this.#stop();
    if (this.#bytes !== this.#toldBytes) this.#report();
  }

  #report(): void {
    this.#cancelDue = undefined;
    this.#toldAtMs = this.#clock.nowMs();
    this.#toldBytes = this.#bytes;
    // Pages of a very large manifest are sent as well, and are not the content's.
    const bytes = Math.min(this.#bytes, this.totalBytes ?? Infinity);
    try {
      this.#options.tell?.({ bytes, totalBytes: this.totalBytes, resumedBytes: this.#resumedBytes });
    } catch (cause) {
      const message = "the transfer was given up, since its onProgress has thrown";
      this.#options.lifetime.end(new QuorumError({ code: "cancelled", message, cause }));
    }
  }
}
