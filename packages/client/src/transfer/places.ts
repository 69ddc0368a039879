import type { Lifetime } from "./lifetime.js";

/** Lets so many have something at once; the others wait, in order. */
export class Places {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @throws QuorumError why the lifetime has ended while this waited */
  async during<Result>(lifetime: Lifetime, act: () => Promise<Result>): Promise<Result> {
    await this.#enter(lifetime);
    try {
      return await act();
    } finally {
      this.#leave();
    }
  }

  #enter(lifetime: Lifetime): Promise<void> {
    lifetime.check();
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        forget();
        resolve();
      };
      const forget = lifetime.onEnd((error) => {
        this.#waiting.delete(enter);
        reject(error);
      });
      this.#waiting.add(enter);
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
