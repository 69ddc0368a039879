/**
 * Keeps retries a fraction of the traffic, so that clients of an overloaded cluster do not multiply its load (the idea
 * is Finagle's `RetryBudget`). Every operation pays in, every retry of a slow or refused attempt takes out. Failing over
 * from a node that cannot be reached is free: it loads nobody.
 *
 * A burst is allowed for: when a node with a full session hangs, each of its operations needs one retry at once.
 */

// One retry for every five operations.
const depositPerOperation = 0.2;
// Half of the operations that may be under way at once (client.ts): what hangs with one of two replicas.
const burst = 512;
// A quiet client that fails once may always retry.
const refillPerSecond = 10;

export class RetryBudget {
  #tokens = burst;
  #refilledAtMs: number;

  constructor(nowMs: number) {
    this.#refilledAtMs = nowMs;
  }

  /** An operation begins. */
  deposit(): void {
    if (this.#tokens < burst) this.#tokens += depositPerOperation;
  }

  /** @returns 0 if the retry may go ahead now, else after how many milliseconds to ask again */
  withdraw(nowMs: number): number {
    const elapsedMs = nowMs - this.#refilledAtMs;
    this.#refilledAtMs = nowMs;
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs * refillPerSecond) / 1000);
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1000) / refillPerSecond);
    this.#tokens -= 1;
    return 0;
  }
}
