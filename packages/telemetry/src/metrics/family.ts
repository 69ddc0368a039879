import { assert } from "@quorumfs/core";

export type Labels<Name extends string = string> = Readonly<Record<Name, string>>;

/** Nothing for a metric without labels, else a value for each of them. */
export type LabelArguments<Name extends string> = [Name] extends [never] ? [] : [Labels<Name>];

/**
 * Series of one metric: some hundred buckets times kinds times outcomes stay below. Each one costs the scraper memory for
 * as long as it keeps history, so whoever lets more than that in has a label without a bound: the rest is counted as one series.
 */
export const seriesMax = 2000;

/** What a label says where its bound was reached. */
export const otherLabel = "other";

/** One metric with all of its series. */
export class Family<Name extends string, Child> {
  readonly #names: readonly Name[];
  readonly #make: () => Child;
  readonly #children = new Map<string, { readonly labels: Labels; readonly child: Child }>();

  constructor(names: readonly Name[], make: () => Child) {
    this.#names = names;
    this.#make = make;
    // Without labels there is one series, and it is 0 before anything has happened; with labels nobody knows which there will be.
    if (names.length === 0) this.#child({});
  }

  /**
   * The series with these labels, made when first asked for. Ask once and keep it: looking it up costs more than counting.
   */
  of(...[labels]: LabelArguments<Name>): Child {
    return this.#child(labels ?? {});
  }

  *entries(): Iterable<{ readonly labels: Labels; readonly child: Child }> {
    yield* this.#children.values();
  }

  #child(given: Partial<Labels>): Child {
    const values = this.#names.map((name) => given[name] ?? "");
    const known = this.#children.get(values.join("\0"));
    if (known) return known.child;
    const full = this.#children.size >= seriesMax;
    assert(Object.keys(given).length === values.length, "a series has other labels than its metric");
    const taken = full ? values.map(() => otherLabel) : values;
    const key = taken.join("\0");
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, taken[index] ?? ""]));
    const entry = this.#children.get(key) ?? { labels, child: this.#make() };
    this.#children.set(key, entry);
    return entry.child;
  }
}
