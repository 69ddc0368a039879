// Windows in which the rate is taken. A longer gap is an outage and not a rate: nobody is turned away for that.
const windowMs = 250;
const gapMaxMs = 500;
const gain = 0.3;

/** At what rate operations end, and so how long those that wait for their turn will have to wait. */
export class Departures {
  #perMs: number | undefined;
  #count = 0;
  #sinceMs: number | undefined;

  note(nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#count += 1;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < windowMs) return;
    const perMs = this.#count / Math.min(elapsedMs, gapMaxMs);
    this.#perMs = this.#perMs === undefined ? perMs : this.#perMs + (perMs - this.#perMs) * gain;
    this.#count = 0;
    this.#sinceMs = nowMs;
  }

  /** What someone has to expect who comes behind so many; 0 as long as nothing is known. */
  expectedWaitMs(waiting: number): number {
    return this.#perMs === undefined ? 0 : waiting / this.#perMs;
  }
}
