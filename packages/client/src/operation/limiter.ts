import { QuorumError } from "@quorumfs/core";

// What fits into a lane (see rpc's inFlightMaxDefault), so that a client that sends to one node only is not refused there.
export const underWayMax = 1024;
// A caller that starts so many at once is better off awaiting some of them; each costs memory while it waits.
export const waitingMax = 65_536;

/** Whether it really began: an operation that was given up while it waited does not. */
type Begin = () => boolean;

/** Bounds the operations under way; the others wait their turn in order. */
export class Limiter {
  #underWay = 0;
  #waiting: Begin[] = [];
  #head = 0;

  /**
   * Runs `begin` now or when its turn has come; what has begun calls {@link leave} once.
   *
   * @returns whether it was run now
   * @throws QuorumError `resource_exhausted` if too many wait
   */
  enter(begin: Begin): boolean {
    if (this.#underWay < underWayMax) {
      this.#underWay += 1;
      if (!begin()) this.leave();
      return true;
    }
    if (this.#waiting.length - this.#head >= waitingMax) {
      throw new QuorumError({
        code: "resource_exhausted",
        message: `${waitingMax} operations of this client wait already; await some before you start more`,
      });
    }
    this.#waiting.push(begin);
    return false;
  }

  leave(): void {
    for (;;) {
      const next = this.#waiting[this.#head];
      if (next === undefined) break;
      this.#head += 1;
      if (this.#head === this.#waiting.length || this.#head > underWayMax) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (next()) return;
    }
    this.#underWay -= 1;
  }
}
