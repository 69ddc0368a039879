// A file that 64 wait for is changed faster than anybody could read it; who comes later is better off elsewhere.
export const waitingPerFileMaxDefault = 64;

/**
 * One mutation per file at a time, the others in order of arrival: two of them would only overtake each other with
 * higher and higher ballots.
 */
export class FileQueues {
  readonly #waitingMax: number;
  /** Those that wait; an empty line means that one is running and nobody waits. */
  readonly #lines = new Map<string, (() => void)[]>();

  constructor(waitingMax: number = waitingPerFileMaxDefault) {
    this.#waitingMax = waitingMax;
  }

  /**
   * Starts `turn` now or when its turn comes; whoever had a turn calls {@link leave}.
   *
   * @returns false, and does nothing, when too many wait already
   */
  enter(file: string, turn: () => void): boolean {
    const line = this.#lines.get(file);
    if (!line) {
      this.#lines.set(file, []);
      turn();
      return true;
    }
    if (line.length >= this.#waitingMax) return false;
    line.push(turn);
    return true;
  }

  leave(file: string): void {
    const line = this.#lines.get(file);
    const next = line?.shift();
    if (next) next();
    else this.#lines.delete(file);
  }
}
