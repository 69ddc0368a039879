import type { CancelTimer, Clock } from "@quorumfs/core";

/** A clock on which turns of the event loop end when the test says so. */
export class ManualClock implements Clock {
  readonly #ends: (() => void)[] = [];

  nowMs(): number {
    return 0;
  }

  wallMs(): number {
    return 0;
  }

  after(): CancelTimer {
    throw new Error("a replica has no timers");
  }

  endOfTurn(action: () => void): void {
    this.#ends.push(action);
  }

  endTurn(): void {
    for (const action of this.#ends.splice(0)) action();
  }

  /** Runs what only waits for promises. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
