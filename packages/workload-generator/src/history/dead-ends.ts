import { QuorumError } from "@quorumfs/core";

/** What an entry costs beside its situation, in characters' worth of memory. */
const entryCharacters = 100;

/**
 * The situations from which no order was found. Who is in the same situation, with as many or more of the changes that
 * may have happened used up, will find none either.
 */
export class DeadEnds {
  readonly #usedUp = new Map<string, (readonly number[])[]>();
  readonly #charactersMax: number;
  #characters = 0;

  /** @param charactersMax how much to remember before giving up: bounds memory, and by that time */
  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  get isEmpty(): boolean {
    return this.#usedUp.size === 0;
  }

  has(situation: string, used: readonly number[]): boolean {
    return this.#usedUp.get(situation)?.some((fewer) => isAtMost(fewer, used)) ?? false;
  }

  /** @throws QuorumError `resource_exhausted` if there are too many to be remembered */
  add(situation: string, used: readonly number[]): void {
    const known = this.#usedUp.get(situation) ?? [];
    const kept = known.filter((more) => !isAtMost(used, more));
    this.#characters += (kept.length + 1 - known.length) * (situation.length + entryCharacters);
    if (this.#characters > this.#charactersMax) {
      throw new QuorumError({
        code: "resource_exhausted",
        message: "the history is too ambiguous to be checked; give every write its own value, or record versions",
      });
    }
    this.#usedUp.set(situation, [...kept, [...used]]);
  }
}

function isAtMost(a: readonly number[], b: readonly number[]): boolean {
  return a.every((count, index) => count <= (b[index] ?? 0));
}
