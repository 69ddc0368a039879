/** Whether a member of the cluster runs. Cut, it never runs again: what starts later is another process on the same disk. */
export class Power {
  #off = false;
  readonly #listeners = new Set<() => void>();

  get off(): boolean {
    return this.#off;
  }

  /** From now on nothing leaves the member: no message, no write to its disk, no timer. */
  cut(): void {
    if (this.#off) return;
    this.#off = true;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  /** Returns how to stop listening. */
  onCut(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** What a member without power waits for. */
export function forever(): Promise<never> {
  return new Promise(() => undefined);
}
