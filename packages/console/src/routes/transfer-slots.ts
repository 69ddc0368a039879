import { QuorumError } from "@quorumfs/core";

const retryAfterMs = 2_000;

/** How many transfers run at once; the next is refused, since a browser that waits looks as if it hung. */
export class TransferSlots {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws QuorumError `resource_exhausted` */
  async run<T>(transfer: () => Promise<T>): Promise<T> {
    if (this.#used >= this.#most) {
      throw new QuorumError({
        code: "resource_exhausted",
        message: `${this.#most} transfers of this kind run already: try again when one has ended`,
        details: { retryAfterMs },
      });
    }
    this.#used += 1;
    try {
      return await transfer();
    } finally {
      this.#used -= 1;
    }
  }
}
