import { assert, type CancelSignal, QuorumError } from "@quorumfs/core";

export interface GateOptions {
  /** Units that may be inside at a time. */
  readonly unitsMax: number;
  /** How many may wait; the others are refused at once. */
  readonly waitingMax: number;
  /** For people: what there is too much of. */
  readonly what: string;
  /** After which time a refused caller finds room, as a rule. */
  readonly retryAfterMs: number;
}

interface Waiting {
  readonly units: number;
  readonly enter: () => void;
  readonly refuse: (error: QuorumError) => void;
}

/** Lets in so much at a time; the others wait, in the order in which they came, whatever they want. */
export class Gate {
  readonly #options: GateOptions;
  readonly #waiting = new Set<Waiting>();
  #inside = 0;
  #closed: QuorumError | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Units that are inside. */
  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Waits until there is room for `units`.
   *
   * @returns how to leave again; calling it a second time does nothing
   * @throws QuorumError `resource_exhausted`: too many wait already; `cancelled` by `signal`, which leaves the queue;
   *   `unavailable` once the gate is closed
   */
  async enter(units: number, signal?: CancelSignal): Promise<() => void> {
    const { unitsMax, waitingMax } = this.#options;
    assert(units <= unitsMax, "nobody asks for more than there is");
    if (this.#closed) throw this.#closed;
    if (signal?.aborted === true) throw cancelled();
    if (this.#waiting.size > 0 || this.#inside + units > unitsMax) {
      if (this.#waiting.size >= waitingMax) throw this.#overfull();
      await this.#queue(units, signal);
    } else {
      this.#inside += units;
    }
    return this.#leaver(units);
  }

  /** Refuses all who wait, and all who come. */
  close(reason: QuorumError): void {
    this.#closed ??= reason;
    for (const { refuse } of [...this.#waiting]) refuse(reason);
  }

  #queue(units: number, signal: CancelSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const leaveQueue = (): void => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener("abort", abandon);
      };
      const waiting: Waiting = {
        units,
        enter: () => {
          leaveQueue();
          this.#inside += units;
          resolve();
        },
        refuse: (error) => {
          leaveQueue();
          reject(error);
        },
      };
      const abandon = (): void => {
        waiting.refuse(cancelled());
        // Whoever came behind may find room now.
        this.#admit();
      };
      this.#waiting.add(waiting);
      signal?.addEventListener("abort", abandon, { once: true });
    });
  }

  #leaver(units: number): () => void {
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#inside -= units;
      this.#admit();
    };
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (this.#inside + waiting.units > this.#options.unitsMax) return;
      waiting.enter();
    }
  }

  #overfull(): QuorumError {
    const { what, retryAfterMs } = this.#options;
    return new QuorumError({
      code: "resource_exhausted",
      message: `this DataNode has too many ${what} under way; try again shortly or at another node`,
      details: { retryAfterMs, mayHaveRun: false },
    });
  }
}

function cancelled(): QuorumError {
  return new QuorumError({ code: "cancelled", message: "the caller has gone" });
}
