import { type Begin, Gate, type WaitingRoom } from "./gate.js";

/**
 * How many mutations of one file a client has under way. A coordinator does one at a time anyway, so a few hide the way
 * there and back. And a file remembers its last 8 mutations: were more of them in doubt at once, because a node died with
 * them, the retries of some could not be told from what came after them. Half of it leaves room for another client.
 */
const turnsPerFile = 4;

interface FileTurn {
  readonly gate: Gate;
  /** The DataNode that was asked last. */
  coordinator: number | undefined;
  /** Nobody new begins until those under way have ended; then another coordinator is looked for. */
  leaving: boolean;
}

export class FileTurns {
  readonly #room: WaitingRoom;
  readonly #files = new Map<string, FileTurn>();

  constructor(room: WaitingRoom) {
    this.#room = room;
  }

  /** As `Gate.enter`, among the mutations of this file. */
  enter(name: string, begin: Begin): boolean {
    let file = this.#files.get(name);
    if (!file) {
      file = { gate: new Gate(turnsPerFile, this.#room), coordinator: undefined, leaving: false };
      this.#files.set(name, file);
    }
    return file.gate.enter(begin);
  }

  leave(name: string): void {
    const file = this.#files.get(name);
    if (!file) return;
    file.gate.leave();
    if (file.leaving && file.gate.idle) {
      file.leaving = false;
      file.coordinator = undefined;
      file.gate.release();
    }
    if (file.gate.idle) this.#files.delete(name);
  }

  /**
   * Where the mutations of this file are under way. The next go there too, also when another node has come to be preferred
   * meanwhile: two coordinators at work on one file slow each other down.
   */
  coordinatorOf(name: string): number | undefined {
    return this.#files.get(name)?.coordinator;
  }

  /** Whether others are under way, besides the one that asks. */
  isShared(name: string): boolean {
    return (this.#files.get(name)?.gate.taken ?? 0) > 1;
  }

  /**
   * The coordinator has become slow. Were the next ones to overtake those that wait for it, the file would forget them before
   * they can be settled elsewhere; so they wait until those have ended, and then look for another.
   */
  leaveCoordinator(name: string): void {
    const file = this.#files.get(name);
    if (!file || file.leaving) return;
    file.leaving = true;
    file.gate.hold();
  }

  setCoordinator(name: string, node: number): void {
    const file = this.#files.get(name);
    if (file) file.coordinator = node;
  }

  /**
   * One of those under way is in doubt: until it is settled nobody follows, or the file could forget it meanwhile. By an
   * operation that has entered and not left; it calls {@link settled} once.
   */
  inDoubt(name: string): void {
    this.#files.get(name)?.gate.hold();
  }

  settled(name: string): void {
    this.#files.get(name)?.gate.release();
  }
}
