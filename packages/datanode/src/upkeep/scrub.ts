/**
 * Reads everything that this node stores, again and again, so slowly that nobody notices: a bit that flipped in a copy
 * that nobody asks for must be found while the other copies are good (Bairavasundaram et al., FAST 2008). One pass in a
 * period; where it is and what it has found survive restarts, and so does a pause.
 *
 * What is found damaged is reported to those who repair it; the pass does not wait for them.
 */
import { type CancelTimer, type Clock, type Disk, type Log, QuorumError } from "@quorumfs/core";
import { pause } from "../cluster/retry-pause.js";
import { BytePace } from "./byte-pace.js";
import { decodeProgress, encodeProgress, type ScrubProgress } from "./scrub-progress.js";
import type { ScrubWalk } from "./scrub-walk.js";
import { UpkeepRow } from "./upkeep-row.js";

/** How often everything is read, unless the node is told otherwise. */
export const scrubPeriodMsDefault = 14 * 86_400_000;

/** A small store is through its pass within minutes rather than being read a byte at a time for two weeks. */
export const bytesPerSecondFloor = 1024 * 1024;

/** Less would mean more than an hour for one chunk. */
export const bytesPerSecondMin = 1024;

// What a crash may lose of the position is read again: five seconds' worth.
const saveEveryMs = 5000;

// A timer holds no longer than 24 days, and a wall clock may be set.
const lookEveryMs = 3_600_000;

// A store that cannot be read just now; its own alarm has been raised by whoever met the error.
const failurePauseMs = 60_000;

// A few repairs are done by then.
const congestedPauseMs = 1000;

const atTheBeginning = new Uint8Array(0);

export interface ScrubOptions {
  /** What a pass consists of, in this order. */
  readonly walks: readonly ScrubWalk[];
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** From the start of a pass to the start of the next; 0: none begins by itself. */
  readonly periodMs: number;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** Whether more is damaged than can be remembered, so that it is better to wait until some of it is repaired. */
  readonly isCongested: () => boolean;
  /** A pass over so many bytes has begun. */
  readonly onStarted?: (bytes: number) => void;
  /** A pass is complete. */
  readonly onCompleted: (pass: ScrubbedPass) => void;
}

export interface ScrubbedPass {
  readonly records: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly elapsedMs: number;
}

export interface ScrubReport {
  readonly state: "running" | "paused" | "idle";
  readonly progress: ScrubProgress;
  /** In force, or what the next pass would have. */
  readonly bytesPerSecond: number;
}

export class Scrub {
  readonly #options: ScrubOptions;
  readonly #row: UpkeepRow;
  /** Whether the disk knows of this store's scrub. */
  #isStored: boolean;
  #progress: ScrubProgress;
  /** The pass that is going on in this process. */
  #run: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #cancelTimer: CancelTimer | undefined;
  #savedAtMs = 0;
  /** One order at a time. */
  #orders: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: ScrubOptions) {
    const { disk, clock, log } = options;
    this.#options = options;
    this.#row = new UpkeepRow({ disk, log, name: "scrub" });
    const row = this.#row.read();
    const stored = row && decodeProgress(row);
    this.#isStored = stored !== undefined;
    // A store that nobody has ever looked at is due.
    this.#progress = stored ?? { ...nothingDone, sinceMs: this.#bytesTotal() > 0 ? 0 : clock.wallMs() };
  }

  get report(): ScrubReport {
    const { isPaused, isUnderWay, bytesTotal, bytes } = this.#progress;
    return {
      state: isPaused ? "paused" : isUnderWay ? "running" : "idle",
      // More may have been written since it was counted.
      progress: { ...this.#progress, bytesTotal: Math.max(bytesTotal, bytes) },
      bytesPerSecond: this.#bytesPerSecond(),
    };
  }

  /** Goes on where the process before this one has ended. */
  resume(): void {
    void this.#order(async () => {
      if (!this.#isStored) await this.#save();
      this.#arrange();
    }).catch((error: unknown) => this.#options.log.error("scrub.stopped", { error }));
  }

  /**
   * Begins a pass, or goes on with one; nothing changes if one is running. What it answers is durable.
   *
   * @param order.bytesPerSecond 0: so fast that a pass takes the period
   * @throws QuorumError `invalid_argument`: a rate out of bounds
   */
  start(order: { readonly bytesPerSecond: number; readonly restart: boolean }): Promise<ScrubReport> {
    const { bytesPerSecond, restart } = order;
    if (bytesPerSecond !== 0 && !(Number.isSafeInteger(bytesPerSecond) && bytesPerSecond >= bytesPerSecondMin)) {
      const message = `a scrub reads at least ${bytesPerSecondMin} bytes per second, or 0 for the rate of the period; got ${bytesPerSecond}`;
      return Promise.reject(new QuorumError({ code: "invalid_argument", message }));
    }
    return this.#order(async () => {
      await this.#halt();
      if (restart || !this.#progress.isUnderWay) this.#beginPass(bytesPerSecond);
      else this.#progress = { ...this.#progress, isPaused: false, bytesPerSecond };
      await this.#save();
      this.#arrange();
    });
  }

  /** Holds the pass, and keeps others from beginning, over restarts too, until {@link start}. Durable when it resolves. */
  pause(): Promise<ScrubReport> {
    return this.#order(async () => {
      await this.#halt();
      this.#progress = { ...this.#progress, isPaused: true };
      await this.#save();
    });
  }

  /** Ends after the step that is under way; the pass goes on when the node is started again. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#cancelTimer?.();
      this.#run?.abort.abort();
      await this.#orders;
      await this.#halt();
      // The disk may be what the node is closed for.
      if (this.#progress.isUnderWay) await this.#save().catch(() => undefined);
    })();
    return this.#closing;
  }

  #order(action: () => Promise<void>): Promise<ScrubReport> {
    const done = this.#orders.then(async () => {
      if (this.#closing) throw new QuorumError({ code: "unavailable", message: "the node is stopping" });
      await action();
      return this.report;
    });
    this.#orders = done.catch(() => undefined);
    return done;
  }

  /** Stops what is going on in this process, for something else to begin. */
  async #halt(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#run?.abort.abort();
    await this.#run?.done;
    this.#run = undefined;
  }

  /** Sees to it that what the progress says goes on, now or in time. */
  #arrange(): void {
    const { clock, periodMs } = this.#options;
    const { isPaused, isUnderWay, sinceMs } = this.#progress;
    if (isPaused || this.#closing) return;
    if (isUnderWay) return this.#start();
    if (periodMs === 0) return;
    // Never more than a period, even if the clock was set back.
    const leftMs = Math.min(periodMs, sinceMs + periodMs - clock.wallMs());
    if (leftMs > 0) {
      this.#cancelTimer = clock.after(Math.min(leftMs, lookEveryMs), () => this.#arrange());
      return;
    }
    this.#beginPass(0);
    this.#start();
  }

  #beginPass(bytesPerSecond: number): void {
    const { clock, log, onStarted } = this.#options;
    const wallMs = clock.wallMs();
    this.#progress = {
      ...nothingDone,
      isUnderWay: true,
      sinceMs: wallMs,
      startedAtMs: wallMs,
      endedAtMs: this.#progress.endedAtMs,
      bytesPerSecond,
      bytesTotal: this.#bytesTotal(),
    };
    log.info("scrub.started", { bytesTotal: this.#progress.bytesTotal, bytesPerSecond: this.#bytesPerSecond() });
    onStarted?.(this.#progress.bytesTotal);
  }

  #start(): void {
    const { clock, isBusy } = this.#options;
    const abort = new AbortController();
    // What is still owed for an earlier rate is forgotten with it.
    const pace = new BytePace({ clock, isBusy });
    this.#run = { abort, done: this.#runPass(pace, abort.signal) };
  }

  async #runPass(pace: BytePace, signal: AbortSignal): Promise<void> {
    const { clock, log, isCongested } = this.#options;
    while (!signal.aborted) {
      if (isCongested()) {
        await pause(clock, congestedPauseMs, signal);
        continue;
      }
      try {
        if (await this.#step(pace, signal)) {
          if (!signal.aborted) await this.#complete();
          return;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        log.error("scrub.step-failed", { error: QuorumError.from(thrown) });
        await pause(clock, failurePauseMs, signal);
      }
    }
  }

  /** @returns whether that was all */
  async #step(pace: BytePace, signal: AbortSignal): Promise<boolean> {
    const { walk: at, after } = this.#progress;
    const walk = this.#options.walks[at];
    if (!walk) return true;
    const step = await walk.step(after, signal);
    // Perhaps it was not looked at to the end.
    if (signal.aborted) return false;
    this.#progress = {
      ...this.#progress,
      records: this.#progress.records + step.records,
      chunks: this.#progress.chunks + step.chunks,
      bytes: this.#progress.bytes + step.bytes,
      walk: step.after ? at : at + 1,
      after: step.after ?? atTheBeginning,
    };
    const bytesPerSecond = this.#bytesPerSecond();
    const waitMs = (step.bytes / bytesPerSecond) * 1000;
    if (this.#options.clock.nowMs() + waitMs - this.#savedAtMs >= saveEveryMs) await this.#save();
    if (step.bytes > 0) await pace.spend(step.bytes, bytesPerSecond, signal);
    return false;
  }

  async #complete(): Promise<void> {
    const { clock, log, onCompleted } = this.#options;
    const { records, chunks, bytes, startedAtMs } = this.#progress;
    const endedAtMs = clock.wallMs();
    const ended = { ...this.#progress, isUnderWay: false, endedAtMs, bytesTotal: bytes };
    // Nobody may hear of the end before what was found is counted: that is on its way to the disk, ahead of this.
    await this.#save(ended);
    this.#progress = ended;
    const elapsedMs = endedAtMs - startedAtMs;
    log.info("scrub.completed", { records, chunks, bytes, elapsedMs });
    onCompleted({ records, chunks, bytes, elapsedMs });
    void this.#order(async () => {
      await this.#halt();
      this.#arrange();
    }).catch(() => undefined);
  }

  async #save(progress = this.#progress): Promise<void> {
    this.#savedAtMs = this.#options.clock.nowMs();
    await this.#options.disk.commit([this.#row.write(encodeProgress(progress))]);
    this.#isStored = true;
  }

  #bytesTotal(): number {
    return this.#options.walks.reduce((sum, walk) => sum + walk.bytes(), 0);
  }

  #bytesPerSecond(): number {
    const { bytesPerSecond, bytesTotal } = this.#progress;
    if (bytesPerSecond > 0) return bytesPerSecond;
    const periodMs = this.#options.periodMs === 0 ? scrubPeriodMsDefault : this.#options.periodMs;
    return Math.max(bytesPerSecondFloor, Math.ceil((bytesTotal / periodMs) * 1000));
  }
}

const nothingDone: ScrubProgress = Object.freeze({
  isPaused: false,
  isUnderWay: false,
  sinceMs: 0,
  startedAtMs: 0,
  endedAtMs: 0,
  bytesPerSecond: 0,
  records: 0,
  chunks: 0,
  bytes: 0,
  bytesTotal: 0,
  walk: 0,
  after: atTheBeginning,
});
