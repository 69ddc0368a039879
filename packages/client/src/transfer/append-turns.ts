import type { WaitingRoom } from "../operation/gate.js";
import type { Lifetime } from "./lifetime.js";

/** One append at a time of each file, in the order of the calls: two of one client would only fail each other's condition. */
export class AppendTurns {
  readonly #room: WaitingRoom;
  readonly #last = new Map<string, Promise<void>>();

  constructor(room: WaitingRoom) {
    this.#room = room;
  }

  /**
   * Acts when it is this append's turn.
   *
   * @throws QuorumError `resource_exhausted` if too many wait, why the lifetime has ended, or what `act` has thrown
   */
  async run<Result>(name: string, lifetime: Lifetime, act: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    let leave: () => void = ignore;
    const left = new Promise<void>((resolve) => (leave = resolve));
    // Who gives up while it waits lets the next one wait for those before it.
    const turn = before ? before.then(() => left) : left;
    if (before) this.#room.enter();
    this.#last.set(name, turn);
    try {
      if (before) await lifetime.race(before).finally(() => this.#room.leave());
      return await act();
    } finally {
      leave();
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}

function ignore(): void {
  // Replaced before it can be called.
}
