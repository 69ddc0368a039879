/** Counts what histories have been through: a simulation that never met a NACK proves nothing about NACKs. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  add(other: Coverage): void {
    for (const [what, count] of other.#counts) this.count(what, count);
  }

  /** In alphabetical order. */
  entries(): readonly (readonly [what: string, count: number])[] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
