/** What comes one by one and in floods, told as sums: the first at once, what follows it together a while later. */

/** A flood of an hour makes as many events as a screen has lines. */
const quietMs = 60_000;

export class Condensed {
  #count = 0;
  #example = "";
  #toldAtMs = -Infinity;

  add(example: string): void {
    if (this.#count === 0) this.#example = example;
    this.#count += 1;
  }

  /** @returns what came since it was told last; undefined: nothing, or it is too soon to tell */
  due(nowMs: number): { readonly count: number; readonly example: string } | undefined {
    if (this.#count === 0 || nowMs - this.#toldAtMs < quietMs) return undefined;
    const told = { count: this.#count, example: this.#example };
    this.#count = 0;
    this.#toldAtMs = nowMs;
    return told;
  }
}
