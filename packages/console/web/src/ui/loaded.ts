/** Something asked of the server: being asked, there, or failed. Asking again leaves the old answer until the new one is there. */
import { describeError } from "../api.js";
import { onEnd, signal } from "./reactive.js";

export interface Loaded<T> {
  value(): T | undefined;
  /** Empty: nothing went wrong. */
  fault(): string;
  isLoading(): boolean;
  /** Whoever asks last is answered. */
  readonly load: () => void;
  set(value: T): void;
}

/** @param ask is given up when the surrounding scope ends */
export function loaded<T>(ask: (abort: AbortSignal) => Promise<T>): Loaded<T> {
  const value = signal<T | undefined>(undefined);
  const fault = signal("");
  const isLoading = signal(false);
  let current: AbortController | undefined;
  onEnd(() => current?.abort());
  return {
    value: () => value.get(),
    fault: () => fault.get(),
    isLoading: () => isLoading.get(),
    set: (next) => value.set(next),
    load() {
      current?.abort();
      const mine = new AbortController();
      current = mine;
      isLoading.set(true);
      ask(mine.signal).then(
        (answer) => {
          if (mine.signal.aborted) return;
          isLoading.set(false);
          fault.set("");
          value.set(answer);
        },
        (error: unknown) => {
          if (mine.signal.aborted) return;
          isLoading.set(false);
          fault.set(describeError(error));
        },
      );
    },
  };
}
