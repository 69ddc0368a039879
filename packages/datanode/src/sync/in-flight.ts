/** Bounds what is under way at a time, by number and by bytes; one producer waits until there is room. */
export class InFlight {
  readonly #tasksMax: number;
  readonly #bytesMax: number;
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  #onLeave: (() => void) | undefined;

  constructor(limits: { readonly tasksMax: number; readonly bytesMax: number }) {
    this.#tasksMax = limits.tasksMax;
    this.#bytesMax = limits.bytesMax;
  }

  /** Resolves when there is room for a task of so many bytes; one that is larger than all the room runs alone. */
  async room(bytes: number): Promise<void> {
    while (this.#running.size >= this.#tasksMax || (this.#running.size > 0 && this.#bytes + bytes > this.#bytesMax)) {
      await new Promise<void>((resolve) => (this.#onLeave = resolve));
    }
  }

  /** Runs a task, which does not throw. */
  run(bytes: number, task: () => Promise<void>): void {
    this.#bytes += bytes;
    const running = task().finally(() => {
      this.#bytes -= bytes;
      this.#running.delete(running);
      this.#onLeave?.();
    });
    this.#running.add(running);
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
