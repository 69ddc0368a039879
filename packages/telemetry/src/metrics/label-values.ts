import { otherLabel } from "./family.js";

/** Lets so many different values of a label through, those that come first; the rest is `other`. */
export class LabelValues {
  readonly #max: number;
  readonly #known = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#max) return otherLabel;
    this.#known.add(value);
    return value;
  }
}
