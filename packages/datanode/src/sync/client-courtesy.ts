import type { CancelSignal, Clock } from "@quorumfs/core";
import { pause } from "../cluster/retry-pause.js";

/** Shorter pieces of work are not worth a look at the clients. */
const pieceMsMin = 10;
const lookEveryMs = 10;

/** Clients come first, but a node that is never idle must get on, too: it works for a fifth of the time. */
const slowdownMax = 4;

/** Background work holds back while clients need the node for themselves, and never for good. */
export class ClientCourtesy {
  readonly #clock: Clock;
  readonly #isBusy: () => boolean;
  #workedSinceMs: number;

  constructor(options: { readonly clock: Clock; readonly isBusy: () => boolean }) {
    this.#clock = options.clock;
    this.#isBusy = options.isBusy;
    this.#workedSinceMs = options.clock.nowMs();
  }

  /** To be called again and again while work goes on: waits while the node is busy, up to four times as long as it worked. */
  async letPass(signal: CancelSignal): Promise<void> {
    const startMs = this.#clock.nowMs();
    const workedMs = startMs - this.#workedSinceMs;
    if (workedMs < pieceMsMin) return;
    const untilMs = startMs + workedMs * slowdownMax;
    while (this.#isBusy() && this.#clock.nowMs() < untilMs && !signal.aborted) {
      await pause(this.#clock, lookEveryMs, signal);
    }
    this.#workedSinceMs = this.#clock.nowMs();
  }
}
