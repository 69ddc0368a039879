/**
 * How many records the next window of a query looks at: few at first, so that a small query is quick; soon so many that
 * asking costs nothing beside looking.
 */
const recordsAtFirst = 256;
const recordsMin = 64;
const growth = 4;

/** Of rows: with paths of ordinary length a quarter of what a message may have. */
const recordsMax = 8192;

/** Without rows there is less to hold, and every window ends with a comparison of all partitions. */
const recordsMaxOfTotals = 16_384;

export class WindowSize {
  readonly #max: number;
  #records = recordsAtFirst;

  constructor(query: { readonly totalsOnly: boolean }) {
    this.#max = query.totalsOnly ? recordsMaxOfTotals : recordsMax;
  }

  /** @param filesLeft how many files are still wanted */
  next(filesLeft: number): number {
    const records = this.#records;
    this.#records = Math.min(this.#max, records * growth);
    // Somewhat more than are wanted, for some records are deleted files; if these were too few, the next window tells.
    return records === recordsAtFirst ? Math.min(records, Math.max(recordsMin, filesLeft * 2)) : records;
  }
}
