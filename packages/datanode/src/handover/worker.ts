import { type CancelTimer, type Clock, type Log, QuorumError } from "@quorumfs/core";

// Whoever is away is back within seconds, as a rule; one that is gone for good must not cost much.
const retryFirstMs = 500;
const retryLongestMs = 5_000;

export interface WorkerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** For the log. */
  readonly name: string;
  /** Does what is to be done now. @returns whether nothing is left; what is left is tried again after a while */
  readonly work: (signal: AbortSignal) => Promise<boolean>;
}

/** Works whenever there may be something to do, one pass after the other. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #stop = new AbortController();
  #started = false;
  /** Something has changed since the pass under way began. */
  #isDue = false;
  #running: Promise<void> | undefined;
  #retryMs = retryFirstMs;
  #cancelRetry: CancelTimer | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
    this.wake();
  }

  /** Something has changed: looks again, at once or after the pass that is under way. */
  wake(): void {
    this.#retryMs = retryFirstMs;
    this.#run();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelRetry?.();
    await this.#running;
  }

  #run(): void {
    this.#isDue = true;
    if (!this.#started || this.#running || this.#stop.signal.aborted) return;
    this.#cancelRetry?.();
    this.#running = this.#runOn().finally(() => {
      this.#running = undefined;
      if (this.#isDue) this.#run();
    });
  }

  async #runOn(): Promise<void> {
    const { signal } = this.#stop;
    let isDone = true;
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false;
      isDone = await this.#work();
    }
    if (isDone || signal.aborted) return;
    this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => this.#run());
    this.#retryMs = Math.min(retryLongestMs, this.#retryMs * 2);
  }

  async #work(): Promise<boolean> {
    const { name, log, work } = this.#options;
    try {
      return await work(this.#stop.signal);
    } catch (thrown) {
      if (!this.#stop.signal.aborted) log.warn(`${name}.failed`, { reason: QuorumError.from(thrown).message });
      return false;
    }
  }
}
