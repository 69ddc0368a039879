import { type Begin, Gate, type WaitingRoom } from "./gate.js";

/**
 * How many mutations of one file a client has under way. A coordinator does one at a time anyway, so a few hide the way
 * there and back. And a file remembers its last 8 mutations: were more of them in doubt at once, because a node died with
 * them, the retries of some could not be told from what came after them. Half of it leaves room for another client.
 */
const turnsPerFile = 4;

export class FileTurns {
  readonly #room: WaitingRoom;
  readonly #gates = new Map<string, Gate>();

  constructor(room: WaitingRoom) {
    this.#room = room;
  }

  /** As `Gate.enter`, among the mutations of this file. */
  enter(name: string, begin: Begin): boolean {
    let gate = this.#gates.get(name);
    if (!gate) {
      gate = new Gate(turnsPerFile, this.#room);
      this.#gates.set(name, gate);
    }
    return gate.enter(begin);
  }

  leave(name: string): void {
    const gate = this.#gates.get(name);
    gate?.leave();
    if (gate?.idle) this.#gates.delete(name);
  }

  /**
   * One of those under way is in doubt: until it is settled nobody follows, or the file could forget it meanwhile. By an
   * operation that has entered and not left; it calls {@link settled} once.
   */
  inDoubt(name: string): void {
    this.#gates.get(name)?.hold();
  }

  settled(name: string): void {
    this.#gates.get(name)?.release();
  }
}
