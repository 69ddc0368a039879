import type { CancelSignal } from "@quorumfs/core";

/**
 * One listener per signal, however many operations share it: a program may pass the same signal to thousands, and Node
 * warns of a leak at the eleventh listener.
 */
export class AbortListeners {
  readonly #operations = new WeakMap<CancelSignal, Set<() => void>>();

  add(signal: CancelSignal, onAbort: () => void): void {
    const known = this.#operations.get(signal);
    if (known) {
      known.add(onAbort);
      return;
    }
    const operations = new Set([onAbort]);
    this.#operations.set(signal, operations);
    const abortAll = (): void => {
      for (const abort of [...operations]) abort();
    };
    signal.addEventListener("abort", abortAll, { once: true });
  }

  /** The signal's own listener stays: it holds nothing but an empty set. */
  remove(signal: CancelSignal, onAbort: () => void): void {
    this.#operations.get(signal)?.delete(onAbort);
  }
}
