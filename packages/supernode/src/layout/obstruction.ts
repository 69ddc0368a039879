/** When a change of the layout that has obstacles is worth telling people of: pure. */

/** What clears up sooner is part of every change. */
const patienceMs = 15_000;

export interface ObstacleView {
  readonly change: number;
  readonly obstacles: readonly string[];
  /** Moves that remain: while it changes, things go on. */
  readonly progress: number;
}

export class Obstruction {
  #change = 0;
  #progress = -1;
  #sinceMs = 0;
  #isTold = false;

  /** Whether a change is stuck, and people were told. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /**
   * @param seen undefined: no change is under way
   * @returns what to tell, once for each time that a change gets stuck
   */
  look(seen: ObstacleView | undefined, nowMs: number): readonly string[] | undefined {
    const isStuck = seen !== undefined && seen.obstacles.length > 0;
    if (!isStuck || seen.change !== this.#change || seen.progress !== this.#progress) {
      this.#change = seen?.change ?? 0;
      this.#progress = seen?.progress ?? -1;
      this.#sinceMs = nowMs;
      this.#isTold = false;
      return undefined;
    }
    if (this.#isTold || nowMs - this.#sinceMs < patienceMs) return undefined;
    this.#isTold = true;
    return seen.obstacles;
  }
}
