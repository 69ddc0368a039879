import { type CancelSignal, type CancelTimer, type Clock, QuorumError } from "@quorumfs/core";

/** A caller that takes no message for so long has stopped reading; its place is another one's then. */
const handOverTimeoutMs = 30_000;

/**
 * A state query's turn: its place among those that run, and what it keeps open at the DataNodes. Both are given up when
 * the caller has gone, or does not read, even though the query itself waits for the caller just then.
 */
export class QueryTurn {
  readonly #clock: Clock;
  readonly #caller: CancelSignal;
  readonly #leave: () => void;
  readonly #cut = new AbortController();
  readonly #onGone = (): void => this.#giveUp();
  #cancelTimer: CancelTimer | undefined;
  #isOver = false;

  /** @param options.leave gives the place back */
  constructor(options: { readonly clock: Clock; readonly caller: CancelSignal; readonly leave: () => void }) {
    this.#clock = options.clock;
    this.#caller = options.caller;
    this.#leave = options.leave;
    if (this.#caller.aborted) this.#giveUp();
    else this.#caller.addEventListener("abort", this.#onGone, { once: true });
  }

  /** Aborted when the turn is over before the query is. */
  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  /** A message is ready for the caller. */
  handOver(): void {
    this.#cancelTimer = this.#clock.after(handOverTimeoutMs, () => this.#giveUp());
  }

  /** @throws QuorumError `cancelled` if that took too long */
  takeBack(): void {
    this.#cancelTimer?.();
    if (this.#isOver) throw new QuorumError({ code: "cancelled", message: "the answer was not read in time" });
  }

  end(): void {
    this.#cancelTimer?.();
    this.#caller.removeEventListener("abort", this.#onGone);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
  }

  #giveUp(): void {
    this.#cut.abort();
    this.end();
  }
}
