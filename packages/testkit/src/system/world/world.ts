/**
 * Virtual time for a whole cluster in one thread. Whatever happens is an event of a queue: a timer, a message that arrives, a
 * disk that is done. An event belongs to a process, or to the world itself. Before the next one all promise jobs of the
 * last have run, so a seed that decides all events decides the run.
 */
import { EventQueue } from "../../simulation/event-queue.js";
import { Prng } from "../../simulation/prng.js";
import { afterPromiseJobs, afterTurn, onUnhandledRejection } from "../../adapters/promise-jobs.js";
import type { SimulatedProcess } from "./simulated-process.js";
import { Trace } from "./trace.js";

/** Takes an event back that has not happened yet. */
export type CancelEvent = () => void;

// Once in so many events the event loop turns, so that Node notices rejections that nobody handles.
const eventsPerTurn = 5000;

// A hundred times what a run takes: something goes round in circles.
const eventsMax = 1_000_000;

/** Several times what the longest run takes with all its healing. */
const virtualMsMax = 30 * 60_000;

export class World {
  readonly trace: Trace;
  readonly random: Prng;
  readonly #queue = new EventQueue();
  #events = 0;
  #failure: { readonly thrown: unknown } | undefined;

  constructor(options: { readonly seed: number; readonly readable?: boolean }) {
    this.random = new Prng(options.seed);
    this.trace = new Trace({ readable: options.readable ?? false });
  }

  get nowMs(): number {
    return this.#queue.nowMs;
  }

  get events(): number {
    return this.#events;
  }

  /** Lets `action` happen; what belongs to a process happens only while that runs, and later if it is paused. */
  after(delayMs: number, action: () => void, owner?: SimulatedProcess): CancelEvent {
    let cancelled = false;
    this.#queue.after(delayMs, () => {
      if (cancelled) return;
      if (owner) owner.perform(action, () => cancelled);
      else action();
    });
    return () => {
      cancelled = true;
    };
  }

  /** Resolves when `delayMs` have passed. For what stands outside of the cluster. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  say(line: () => string): void {
    this.trace.say(this.nowMs, line);
  }

  /** Something happened that no seed may explain away: the run ends with it. */
  fail(thrown: unknown): void {
    this.#failure ??= { thrown };
  }

  /** Lets time pass until `scenario` is over. @throws what it throws, what {@link fail} was told, or what an event threw */
  async run<T>(scenario: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    scenario.then(end, end);
    const stopListening = onUnhandledRejection((reason) => this.fail(reason));
    try {
      await this.#pump(() => over);
    } finally {
      stopListening();
    }
    if (this.#failure) throw this.#failure.thrown;
    return scenario;
  }

  #pump(isOver: () => boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const step = (): void => {
        try {
          if (this.#failure) throw this.#failure.thrown;
          if (isOver()) return afterTurn(resolve);
          if (!this.#queue.step()) throw new Error("nothing is left to happen, and the scenario still waits");
          this.#events += 1;
          if (this.#events > eventsMax) throw new Error(`more than ${eventsMax} events, and no end in sight`);
          if (this.nowMs > virtualMsMax)
            throw new Error(`${virtualMsMax} virtual ms have passed, and no end is in sight`);
        } catch (thrown) {
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
          return;
        }
        if (this.#events % eventsPerTurn === 0) afterTurn(() => afterPromiseJobs(step));
        else afterPromiseJobs(step);
      };
      afterPromiseJobs(step);
    });
  }
}
