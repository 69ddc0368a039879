import type { Clock } from "@quorumfs/core";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

/** Time that stands still until a test needs it to pass. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();
  /** Grows while something happens that takes no time. */
  activity: () => number = () => 0;

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  endOfTurn(action: () => void): void {
    setImmediate(action);
  }

  /** Lets time pass, from timer to timer, until the promise has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (;;) {
      await this.quiet();
      if (settled) return promise;
      if (!this.#fireNext()) throw new Error("nothing is left to happen, and the promise has not settled");
    }
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.quiet();
    while (this.#fireNext(untilMs)) await this.quiet();
    this.#nowMs = untilMs;
  }

  /** Waits until everything that can happen without time passing has happened. */
  async quiet(): Promise<void> {
    for (let turn = 0, before = this.activity(); turn < 12; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.activity() === before) continue;
      before = this.activity();
      turn = 0;
    }
  }

  #fireNext(untilMs = Infinity): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (!next || timer.atMs < next.atMs) next = timer;
    if (!next || next.atMs > untilMs) return false;
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.action();
    return true;
  }
}
