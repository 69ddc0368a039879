import type { CancelSignal } from "@quorumfs/core";

/**
 * Lets many wait for the next change. It carries nothing: who wakes up looks at what is true then, so a slow reader
 * skips what is out of date instead of having it queued.
 */
export class News {
  readonly #waiting = new Set<() => void>();

  announce(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next announcement, or when the signal is aborted. */
  next(signal?: CancelSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
