import type { Random } from "@quorumfs/core";

/** Choices of a run, all from one seed. */
export class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  chance(share: number): boolean {
    return this.#random.fraction() < share;
  }

  between(least: number, most: number): number {
    return least + this.#random.fraction() * (most - least);
  }

  /** From 0 to below `bound`. */
  whole(bound: number): number {
    return Math.floor(this.#random.fraction() * bound);
  }

  pick<T>(among: readonly T[]): T | undefined {
    return among[this.whole(among.length)];
  }

  shuffled<T>(all: readonly T[]): T[] {
    const left = [...all];
    const result: T[] = [];
    while (left.length > 0) result.push(...left.splice(this.whole(left.length), 1));
    return result;
  }
}
