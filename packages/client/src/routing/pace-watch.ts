import type { CancelTimer, Clock } from "@quorumfs/core";
import { isSlow, Pace, type PacedKind } from "./pace.js";

export interface PaceWatchOptions {
  readonly clock: Clock;
  /** Has the node answer something that costs it nothing. @returns false, and does nothing, if it cannot be asked now */
  readonly probe: (done: (alive: boolean) => void) => boolean;
  /** What the quickest of the other nodes need for an answer; undefined if nobody knows. */
  readonly usualElsewhere: (kind: PacedKind, nowMs: number) => number | undefined;
}

/** Keeps operations away from a node for as long as it is slow (see {@link Pace}). */
export class PaceWatch {
  readonly #options: PaceWatchOptions;
  readonly #pace = new Pace();
  /** Since when it owes a sign. */
  #probedAtMs: number | undefined;
  #cancelRest: CancelTimer | undefined;

  constructor(options: PaceWatchOptions) {
    this.#options = options;
  }

  /** Whether it should be spared. */
  isResting(nowMs: number): boolean {
    return this.#pace.resting || (this.#probedAtMs !== undefined && this.#isSlow(nowMs - this.#probedAtMs, nowMs));
  }

  /** @param elapsedMs Infinity: another one, asked later, was quicker */
  answered(kind: PacedKind, elapsedMs: number, nowMs: number): void {
    if (!this.#pace.answered(kind, elapsedMs, nowMs)) return;
    const ownMs = this.#pace.usualMs(kind, nowMs);
    const usualMs = this.#options.usualElsewhere(kind, nowMs);
    if (ownMs === undefined || usualMs === undefined || !isSlow(ownMs, usualMs)) return;
    // A read takes as long as the node does. A write may wait for others of its file, which is no fault of the node.
    if (kind === "read") this.spare();
    else this.probe();
  }

  usualMs(kind: PacedKind, nowMs: number): number | undefined {
    return this.#pace.usualMs(kind, nowMs);
  }

  /** Finds out how long it takes to answer when there is nothing to do. */
  probe(): void {
    if (this.#probedAtMs !== undefined) return;
    const { clock, probe } = this.#options;
    const askedAtMs = clock.nowMs();
    const isAsked = probe((alive) => {
      this.#probedAtMs = undefined;
      const nowMs = clock.nowMs();
      if (alive && !this.#isSlow(nowMs - askedAtMs, nowMs)) this.trust();
      else this.spare();
    });
    if (isAsked) this.#probedAtMs = askedAtMs;
    else if (this.#pace.resting) this.spare();
  }

  /** Lets it rest, and then asks it for a sign. */
  spare(): void {
    const { clock } = this.#options;
    const restMs = this.#pace.rest(clock.nowMs());
    this.#cancelRest?.();
    this.#cancelRest = clock.after(restMs, () => this.probe());
  }

  #isSlow(elapsedMs: number, nowMs: number): boolean {
    const { usualElsewhere } = this.#options;
    return isSlow(elapsedMs, usualElsewhere("read", nowMs) ?? usualElsewhere("write", nowMs) ?? 0);
  }

  /** It was restarted, or is well for certain. */
  trust(): void {
    this.#cancelRest?.();
    if (this.#pace.resting) this.#pace.trust(this.#options.clock.nowMs());
  }

  close(): void {
    this.#cancelRest?.();
  }
}
