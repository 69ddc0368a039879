export interface LatencyLimitOptions {
  /** Nobody gets through faster than this: then there is a queue that stands. */
  readonly targetMs: number;
  readonly startsAt: number;
  readonly min: number;
  readonly max: number;
}

// Long enough for some turns of the event loop at full load, short enough that an overload is met before anybody's deadline.
const windowMs = 50;
// A collection or a lost time slice holds up one window, an overload the next one as well.
const slowWindowsMin = 2;
// No deeper at once: what was let in before leaves only gradually.
const cutMax = 0.7;
// While the limit holds operations back, and they are quick: up by this share and by this many.
const growth = 1.05;
const growthMin = 4;
// Weight of a new sample in what an operation takes while nobody else is here.
const aloneGain = 0.05;
// A disk or a network that needs longer than the target for every operation is slow, and not overloaded.
const aloneFactor = 3;
const aloneMaxMs = 100;

/**
 * How many operations may be under way so that they do not wait for each other for long. Queues build up wherever a node is
 * short of something (its thread, its disk, its peers), and all of them show in one figure: how long the operations take.
 *
 * The idea is CoDel's (Nichols, Jacobson 2012): a queue that comes and goes does no harm, one that stands does, and it
 * stands if not even the quickest operation of a window got through in time. So one hot file or one slow replica moves
 * nothing, while some others are still quick. The limit then falls in proportion, and grows slowly while it is needed and
 * all is well. Known gradients of means were refused: means mix both kinds.
 */
export class LatencyLimit {
  readonly #options: LatencyLimitOptions;
  #limit: number;
  #aloneMs = 0;
  #windowEndsAtMs = 0;
  #quickestMs = Infinity;
  #slowWindows = 0;
  /** The most that were under way in this window. */
  #peak = 0;

  constructor(options: LatencyLimitOptions) {
    this.#options = options;
    this.#limit = options.startsAt;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Somebody asks to come in; there would be so many under way. */
  entered(underWay: number, nowMs: number): void {
    if (underWay > this.#peak) this.#peak = underWay;
    if (nowMs >= this.#windowEndsAtMs) this.#adapt(nowMs);
  }

  /** An operation has left. */
  left(operation: { readonly tookMs: number; readonly alone: boolean; readonly nowMs: number }): void {
    const { tookMs, alone, nowMs } = operation;
    if (tookMs < this.#quickestMs) this.#quickestMs = tookMs;
    if (alone) this.#aloneMs += (tookMs - this.#aloneMs) * aloneGain;
    if (nowMs >= this.#windowEndsAtMs) this.#adapt(nowMs);
  }

  #adapt(nowMs: number): void {
    const { min, max } = this.#options;
    const targetMs = this.#targetMs;
    if (this.#quickestMs === Infinity) {
      // Nobody has left: that says nothing yet.
    } else if (this.#quickestMs > targetMs) {
      this.#slowWindows += 1;
      if (this.#slowWindows >= slowWindowsMin) {
        const share = Math.max(cutMax, targetMs / this.#quickestMs);
        this.#limit = Math.max(min, Math.min(this.#limit, this.#peak) * share);
      }
    } else {
      this.#slowWindows = 0;
      if (this.#peak >= this.limit) this.#limit = Math.min(max, this.#limit * growth + growthMin);
    }
    this.#quickestMs = Infinity;
    this.#peak = 0;
    this.#windowEndsAtMs = nowMs + windowMs;
  }

  get #targetMs(): number {
    return Math.max(this.#options.targetMs, Math.min(this.#aloneMs, aloneMaxMs) * aloneFactor);
  }
}
