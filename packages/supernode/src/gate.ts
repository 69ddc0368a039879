import { type CancelSignal, QuorumError } from "@quorumfs/core";

/** Lets so many through at a time; the others wait, in order, up to a bound. */
export class Gate {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(options: { readonly insideMax: number; readonly waitingMax: number }) {
    this.#insideMax = options.insideMax;
    this.#waitingMax = options.waitingMax;
  }

  /**
   * @returns gives the place back; call it exactly once
   * @throws QuorumError `resource_exhausted` when too many wait, `cancelled` when the caller has gone meanwhile
   */
  async enter(signal: CancelSignal): Promise<() => void> {
    if (this.#inside >= this.#insideMax) await this.#wait(signal);
    else this.#inside += 1;
    return () => this.#leave();
  }

  async #wait(signal: CancelSignal): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      const message = `${this.#waitingMax} requests wait already; try again later`;
      throw new QuorumError({ code: "resource_exhausted", message, details: { retryAfterMs: 1000 } });
    }
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(new QuorumError({ code: "cancelled", message: "the caller did not wait for its turn" }));
      };
      const enter = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiting.push(enter);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** The place goes straight to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#inside -= 1;
  }
}
