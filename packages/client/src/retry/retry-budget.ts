/**
 * Keeps retries a fraction of the traffic, so that clients of an overloaded cluster do not multiply its load (the idea
 * is Finagle's `RetryBudget`). Every operation pays in, every retry of a slow or refused attempt takes out. Failing over
 * from a node that cannot be reached is free: it loads nobody.
 *
 * A burst is allowed for: when a node with a full session hangs, each of its operations needs one retry at once.
 */

// Half of the operations that may be under way at once (client.ts): what hangs with one of two replicas.
const burst = 512;
// A quiet client that fails once may always retry.
const refillPerSecond = 10;

/** One retry for every five operations. */
export const retriesPerOperation = 0.2;
/** A second opinion on one read in ten: by its delay it is wanted for one in twenty, as long as all is as usual. */
export const hedgesPerRead = 0.1;

export class RetryBudget {
  readonly #perOperation: number;
  #tokens = burst;
  #refilledAtMs: number;

  constructor(nowMs: number, perOperation: number = retriesPerOperation) {
    this.#refilledAtMs = nowMs;
    this.#perOperation = perOperation;
  }

  /** An operation begins. */
  deposit(): void {
    if (this.#tokens < burst) this.#tokens += this.#perOperation;
  }

  /** @returns whether the retry may go ahead now */
  withdraw(nowMs: number): boolean {
    const elapsedMs = nowMs - this.#refilledAtMs;
    this.#refilledAtMs = nowMs;
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs * refillPerSecond) / 1000);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
