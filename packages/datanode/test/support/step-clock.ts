import type { CancelTimer, Clock } from "@quorumfs/core";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

/** Time that stands still until the test moves it; turns of the event loop end by themselves. */
export class StepClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, action: () => void): CancelTimer {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  endOfTurn(action: () => void): void {
    setImmediate(action);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass: whatever falls due on the way happens in order, and has its consequences. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (!due || due.atMs > endMs) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.action();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything run that waits for nothing but the event loop: a dozen turns is more than any chain of ours has. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
