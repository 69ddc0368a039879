import type { CancelSignal } from "@quorumfs/core";

/** A `CancelSignal` and the hand on its lever; a fraction of an AbortController's price, which every request would pay. */
export class CancelSource implements CancelSignal {
  /** Made with the first listener: most signals never have one. */
  #listeners: Set<() => void> | undefined;
  #reason: unknown;
  #aborted = false;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  // After an abort every listener is dropped anyway, so `once` makes no difference.
  addEventListener(_type: "abort", listener: () => void): void {
    if (!this.#aborted) (this.#listeners ??= new Set()).add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = [...(this.#listeners ?? [])];
    this.#listeners = undefined;
    for (const listener of listeners) listener();
  }
}
