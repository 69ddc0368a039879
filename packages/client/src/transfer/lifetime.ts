import { QuorumError } from "@quorumfs/core";
import type { AbortListeners } from "../operation/abort-listeners.js";

/**
 * How long one transfer goes on: until it is done, or fails, or its signal says so, or the client closes. Its parts look
 * here, and hear of the end; the first reason stands.
 */
export class Lifetime {
  #error: QuorumError | undefined;
  #ended = false;
  readonly #listeners = new Set<(error: QuorumError) => void>();
  readonly #cleanup: (() => void)[] = [];

  /** Ends it when the signal is aborted. */
  follow(options: { readonly title: string; readonly signal: AbortSignal; readonly listeners: AbortListeners }): void {
    const { title, signal, listeners } = options;
    const abort = (): void =>
      this.end(new QuorumError({ code: "cancelled", message: `${title} was cancelled`, cause: signal.reason }));
    if (signal.aborted) return abort();
    listeners.add(signal, abort);
    this.#cleanup.push(() => listeners.remove(signal, abort));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @throws QuorumError why it ended before its time */
  check(): void {
    if (this.#error) throw this.#error;
  }

  /** Ends it before its time. Idempotent. */
  end(error: QuorumError): void {
    if (this.#ended) return;
    this.#error = error;
    this.#finish();
    for (const listener of [...this.#listeners]) listener(error);
    this.#listeners.clear();
  }

  /** It is done: nobody is told, nothing ends it any more. Idempotent. */
  done(): void {
    if (this.#ended) return;
    this.#finish();
    this.#listeners.clear();
  }

  #finish(): void {
    this.#ended = true;
    for (const clean of this.#cleanup) clean();
  }

  /** Calls `listener` once if this ends before its time. @returns takes the listener away */
  onEnd(listener: (error: QuorumError) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called at the end, however it comes. */
  finally(clean: () => void): void {
    if (this.#ended) clean();
    else this.#cleanup.push(clean);
  }

  /** Acts within a lifetime of its own, which is over when `act` is, and ends with this one. */
  async lend<Result>(act: (part: Lifetime) => Promise<Result>): Promise<Result> {
    const part = new Lifetime();
    const forget = this.onEnd((error) => part.end(error));
    try {
      this.check();
      return await act(part);
    } finally {
      part.done();
      forget();
    }
  }

  /** As `promise`, but fails at once when this ends; the promise then goes on unobserved. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.onEnd(reject);
      promise.then(
        (value) => {
          forget();
          resolve(value);
        },
        (thrown: unknown) => {
          forget();
          reject(QuorumError.from(thrown));
        },
      );
      if (this.#error) reject(this.#error);
    });
  }
}
