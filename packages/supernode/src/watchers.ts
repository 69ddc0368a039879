import { QuorumError } from "@quorumfs/core";

/** Each costs a message a second at least; a console has one for all its tabs. */
const watchersMax = 1000;

/** Bounds the streams of activity and events. */
export class Watchers {
  #count = 0;

  /** Under way now. */
  get count(): number {
    return this.#count;
  }

  /** The same stream, if there is room for it. @throws QuorumError `resource_exhausted`, at its first message */
  async *counted<T>(stream: AsyncGenerator<T>): AsyncGenerator<T> {
    if (this.#count >= watchersMax) {
      const message = `${watchersMax} watch already; try again later`;
      throw new QuorumError({ code: "resource_exhausted", message, details: { retryAfterMs: 1000 } });
    }
    this.#count += 1;
    try {
      yield* stream;
    } finally {
      this.#count -= 1;
    }
  }
}
