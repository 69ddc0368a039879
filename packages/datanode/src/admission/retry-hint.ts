// What is under way has mostly left after about this long, at full load.
const firstMs = 25;
// Longer, and a node whose load has ended would stand idle while its clients wait.
const longestMs = 1000;
const windowMs = 100;
const growth = 1.5;
const decay = 0.8;

/**
 * When those who were refused should come back. The hint grows until no more are refused than served, however many clients
 * there are: then refusing, which is cheap, takes a small share of the node's time.
 */
export class RetryHint {
  #hintMs = firstMs;
  #windowEndsAtMs = 0;
  #refused = 0;
  #served = 0;

  get ms(): number {
    return Math.round(this.#hintMs);
  }

  served(): void {
    this.#served += 1;
  }

  refused(nowMs: number): void {
    if (nowMs >= this.#windowEndsAtMs) this.#adapt(nowMs);
    this.#refused += 1;
  }

  #adapt(nowMs: number): void {
    // Windows in which nobody was refused ended unseen.
    const missed = this.#windowEndsAtMs === 0 ? 0 : Math.floor((nowMs - this.#windowEndsAtMs) / windowMs);
    this.#hintMs *= decay ** Math.min(missed, 32);
    if (missed === 0 && this.#refused > this.#served) this.#hintMs *= growth;
    else if (this.#refused * 2 < this.#served) this.#hintMs *= decay;
    this.#hintMs = Math.min(longestMs, Math.max(firstMs, this.#hintMs));
    this.#refused = 0;
    this.#served = 0;
    this.#windowEndsAtMs = nowMs + windowMs;
  }
}
