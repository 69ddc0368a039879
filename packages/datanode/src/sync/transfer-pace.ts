import type { CancelSignal, Clock } from "@quorumfs/core";
import { pause } from "../cluster/retry-pause.js";
import { ClientCourtesy } from "./client-courtesy.js";

/** Shorter waits are saved up: timers are no more exact than that. */
const waitMsMin = 10;

export interface TransferRates {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Spreads the fetching of records over time: so many per second at most, so many bytes, and fewer while clients want something. */
export class TransferPace {
  readonly #clock: Clock;
  readonly #rates: TransferRates;
  readonly #courtesy: ClientCourtesy;
  /** When what was begun so far may have been begun, at these rates. */
  #paidMs = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly rates: TransferRates;
    /** Whether clients need this node for themselves just now. */
    readonly isBusy: () => boolean;
  }) {
    this.#clock = options.clock;
    this.#rates = options.rates;
    this.#courtesy = new ClientCourtesy(options);
  }

  /** Resolves when a record with so many bytes of content may be fetched, or when `signal` is aborted. */
  async spend(bytes: number, signal: CancelSignal): Promise<void> {
    const { recordsPerSecond, bytesPerSecond } = this.#rates;
    await this.letClientsPass(signal);
    const nowMs = this.#clock.nowMs();
    if (this.#paidMs - nowMs >= waitMsMin) await pause(this.#clock, this.#paidMs - nowMs, signal);
    const costMs = 1000 * Math.max(1 / recordsPerSecond, bytes / bytesPerSecond);
    this.#paidMs = Math.max(this.#paidMs, nowMs) + costMs;
  }

  /** Holds back while clients need the node, as {@link spend} does, too. */
  letClientsPass(signal: CancelSignal): Promise<void> {
    return this.#courtesy.letPass(signal);
  }
}
