import { type CancelSignal, QuorumError } from "@quorumfs/core";

/** Lets a bounded number of tasks run at a time; the others wait for their turn, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(slotsMax: number) {
    this.#free = slotsMax;
  }

  /** @throws QuorumError `cancelled` when `signal` was aborted before the task had begun; whatever the task throws */
  async run<Result>(task: () => Promise<Result>, signal: CancelSignal): Promise<Result> {
    await this.#enter(signal);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  #enter(signal: CancelSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(givenUp());
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(begin);
        reject(givenUp());
      };
      this.#waiting.add(begin);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #leave(): void {
    for (const begin of this.#waiting) {
      this.#waiting.delete(begin);
      begin();
      return;
    }
    this.#free += 1;
  }
}

function givenUp(): QuorumError {
  return new QuorumError({ code: "cancelled", message: "it was given up before its turn came" });
}
