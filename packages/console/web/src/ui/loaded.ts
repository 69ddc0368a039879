/** Something asked of the server: being asked, there, or failed. Asking again leaves the old answer until the new one is there. */
import { describeError } from "../api.js";
import { onEnd, signal } from "./reactive.js";

export interface Loaded<T> {
  readonly value: () => T | undefined;
  /** Empty: nothing went wrong. */
  readonly fault: () => string;
  /** Whoever asks last is answered. */
  readonly load: () => void;
  set(value: T): void;
}

/** @param ask is given up when the surrounding scope ends */
export function loaded<T>(ask: (abort: AbortSignal) => Promise<T>): Loaded<T> {
  const value = signal<T | undefined>(undefined);
  const fault = signal("");
  let current: AbortController | undefined;
  onEnd(() => current?.abort());
  return {
    value: () => value.get(),
    fault: () => fault.get(),
    set: (next) => value.set(next),
    load() {
      current?.abort();
      const mine = new AbortController();
      current = mine;
      ask(mine.signal).then(
        (answer) => {
          if (mine.signal.aborted) return;
          fault.set("");
          value.set(answer);
        },
        (error: unknown) => {
          if (mine.signal.aborted) return;
          fault.set(describeError(error));
        },
      );
    },
  };
}
