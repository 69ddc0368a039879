import type { Clock } from "@quorumfs/core";

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly action: () => void }[] = [];
  readonly #turn: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  endOfTurn(action: () => void): void {
    this.#turn.push(action);
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Ends turns until one leaves nothing behind. */
  endTurn(): void {
    while (this.#turn.length > 0) for (const action of this.#turn.splice(0)) action();
  }

  /** Moves time on, firing what comes due, in order. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    this.endTurn();
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.action();
      this.endTurn();
    }
    this.#nowMs = untilMs;
  }
}
