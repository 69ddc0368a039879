import { QuorumError } from "@quorumfs/core";

/** Changes to the cluster are rare and take a fsync each: who finds so many before him would wait for a second. */
const waitingMax = 1000;

/** Runs tasks one after the other, in order of arrival, so that each finds what the one before has stored. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @throws QuorumError `resource_exhausted` when too many wait */
  run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) {
      const message = `${waitingMax} changes wait to be stored; try again later`;
      return Promise.reject(new QuorumError({ code: "resource_exhausted", message }));
    }
    this.#waiting += 1;
    const result = this.#last.then(task).finally(() => (this.#waiting -= 1));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything that was asked for has run. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
