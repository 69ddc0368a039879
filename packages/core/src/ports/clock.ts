/** Cancels a timer; calling it again, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/**
 * Time as the services see it. Production hands in the operating system's, the simulator a virtual one, so that a
 * ten-minute outage takes milliseconds and a seed reproduces a run.
 *
 * No safety argument rests on any of these: they decide when to give up, never what is true.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. Fractions are meaningful. */
  nowMs(): number;
  /** Milliseconds since 1970 for people to read (modification times, logs); may jump. */
  wallMs(): number;
  /** Runs `action` once after `delayMs`; never keeps a process alive by itself. */
  after(delayMs: number, action: () => void): CancelTimer;
  /** Runs `action` when the current turn of the event loop has ended: what was queued in one turn goes out in one batch. */
  endOfTurn(action: () => void): void;
}
