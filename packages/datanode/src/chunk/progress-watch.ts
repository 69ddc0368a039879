import type { CancelTimer, Clock } from "@quorumfs/core";

/** Tells when somebody whom we wait for has not got on for a while. */
export class ProgressWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onStall: () => void;
  /** Since when we wait; undefined: it is not the other one's turn. */
  #sinceMs: number | undefined;
  #timer: CancelTimer | undefined;
  #ended = false;

  constructor(options: { readonly clock: Clock; readonly limitMs: number; readonly onStall: () => void }) {
    this.#clock = options.clock;
    this.#limitMs = options.limitMs;
    this.#onStall = options.onStall;
  }

  /** It is the other one's turn, and the time begins anew. */
  wait(): void {
    this.#sinceMs = this.#clock.nowMs();
    if (!this.#timer && !this.#ended) this.#lookAfter(this.#limitMs);
  }

  /** It is ours. The timer goes on, since the other one's turn comes again soon: starting one each time would cost more. */
  rest(): void {
    this.#sinceMs = undefined;
  }

  end(): void {
    this.#ended = true;
    this.#timer?.();
  }

  #lookAfter(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const waitedMs = this.#sinceMs === undefined ? 0 : this.#clock.nowMs() - this.#sinceMs;
      if (waitedMs >= this.#limitMs) {
        this.end();
        this.#onStall();
      } else {
        this.#lookAfter(this.#limitMs - waitedMs);
      }
    });
  }
}
