import type { LiveSample } from "../api.js";

/** As long as the SuperNode remembers. */
export const historySeconds = 900;

/** Above what two samples of one second differ by. */
const clockSlackMs = 2_000;

/** The last 15 minutes, as text, since every tab gets the same. Samples are numbered from 0 on. */
export class SampleHistory {
  readonly #texts: string[] = [];
  #first = 0;
  #newestMs = -Infinity;

  /** Numbers of the oldest sample, and of the one after the newest. */
  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#first + this.#texts.length;
  }

  /** @returns whether it is one: what is not newer than the newest was told before, by an earlier connection */
  add(sample: LiveSample): boolean {
    if (sample.atMs <= this.#newestMs) return false;
    this.#newestMs = sample.atMs;
    const { buckets: _buckets, hotFiles: _hotFiles, ...kept } = sample;
    this.#texts.push(JSON.stringify(kept));
    if (this.#texts.length > historySeconds) {
      this.#texts.shift();
      this.#first += 1;
    }
    return true;
  }

  /** Whether the SuperNode's wall clock has gone back so far that this cannot be what was told before. */
  isFromAnotherTime(sample: LiveSample): boolean {
    return sample.atMs < this.#newestMs - clockSlackMs;
  }

  /** Numbers go on. */
  forget(): void {
    this.#first = this.end;
    this.#texts.length = 0;
    this.#newestMs = -Infinity;
  }

  /**
   * The samples from a number on, as many as fit so many characters of JSON, and at least one if there is one.
   *
   * @returns their JSON, and the number of the one after them
   */
  piece(from: number, charactersMax: number): { readonly json: string; readonly to: number } {
    const texts: string[] = [];
    let characters = 0;
    for (const text of this.#texts.slice(from - this.#first)) {
      characters += text.length;
      if (texts.length > 0 && characters > charactersMax) break;
      texts.push(text);
    }
    return { json: `[${texts.join(",")}]`, to: from + texts.length };
  }
}
