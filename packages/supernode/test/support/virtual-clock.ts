import type { CancelTimer, Clock } from "@quorumfs/core";

/** Time that only passes when a test says so. */
export class VirtualClock implements Clock {
  #nowMs = 1000;
  readonly #timers = new Set<{ readonly dueMs: number; readonly action: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, action: () => void): CancelTimer {
    const timer = { dueMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  endOfTurn(action: () => void): void {
    setImmediate(action);
  }

  /** Lets time pass, each timer at its moment, and what follows from it done before the next. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.action();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Lets time pass in small steps until `condition` holds. */
  async waitUntil(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    const endMs = this.#nowMs + withinMs;
    await settle();
    while (!condition()) {
      if (this.#nowMs >= endMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
      await this.advance(50);
    }
  }

  /** The process is paused: time passes, and nothing runs; then what is due runs at once. */
  async sleep(forMs: number): Promise<void> {
    this.#nowMs += forMs;
    await this.advance(0);
  }
}

/** Until every promise that can go on has gone on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
