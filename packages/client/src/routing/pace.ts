/**
 * Whether a node that answers is much slower than the others: delayed messages, a thread that stalls, a dying disk. Such a node
 * never looks dead, and would set the pace of every file that prefers it.
 *
 * A node counts as slow if not even its quickest answer of a window is anywhere near what the others do: queues and busy
 * files make some answers slow, but not all. It then rests, and is asked for a sign every now and then until it may be trusted
 * again; each relapse doubles the rest, so that a node that comes and goes is not followed.
 */

export type PacedKind = "read" | "write";

// At least so long and so many answers, or one hiccup would decide.
const windowMs = 200;
const answersMin = 3;
// What was measured longer ago says nothing about now.
const freshMs = 10_000;
// Below this nobody notices; and it takes a multiple of what is usual.
const slackMs = 10;
const factor = 4;
const restFirstMs = 1_000;
const restLongestMs = 30_000;
// Slow again within this time after it was trusted again: a relapse.
const relapseMs = 10_000;

interface Window {
  answers: number;
  quickestMs: number;
  endsAtMs: number;
  /** Of the window before. */
  usualMs: number | undefined;
  closedAtMs: number;
}

/** Whether so long is out of all proportion to what is usual elsewhere. */
export function isSlow(elapsedMs: number, usualMs: number): boolean {
  return elapsedMs > usualMs * factor + slackMs;
}

export class Pace {
  readonly #windows: Readonly<Record<PacedKind, Window>> = { read: emptyWindow(), write: emptyWindow() };
  #restMs = 0;
  #resting = false;
  #trustedAtMs = -Infinity;

  /** @returns whether that closed a window, so that it is time to compare */
  answered(kind: PacedKind, elapsedMs: number, nowMs: number): boolean {
    const window = this.#windows[kind];
    if (window.answers === 0) window.endsAtMs = nowMs + windowMs;
    window.answers += 1;
    window.quickestMs = Math.min(window.quickestMs, elapsedMs);
    if (nowMs < window.endsAtMs || window.answers < answersMin) return false;
    window.usualMs = window.quickestMs;
    window.closedAtMs = nowMs;
    window.answers = 0;
    window.quickestMs = Infinity;
    return true;
  }

  /** Its quickest answer lately; undefined if it was not asked enough. */
  usualMs(kind: PacedKind, nowMs: number): number | undefined {
    const { usualMs, closedAtMs } = this.#windows[kind];
    return nowMs - closedAtMs <= freshMs ? usualMs : undefined;
  }

  get resting(): boolean {
    return this.#resting;
  }

  /** It was found slow, or is so still. @returns for how long to leave it alone */
  rest(nowMs: number): number {
    if (!this.#resting) {
      const isRelapse = nowMs - this.#trustedAtMs < relapseMs;
      this.#restMs = isRelapse ? Math.min(restLongestMs, this.#restMs * 2) : restFirstMs;
    }
    this.#resting = true;
    return this.#restMs;
  }

  /** It has shown that it is quick again. */
  trust(nowMs: number): void {
    this.#resting = false;
    this.#trustedAtMs = nowMs;
  }
}

function emptyWindow(): Window {
  return { answers: 0, quickestMs: Infinity, endsAtMs: 0, usualMs: undefined, closedAtMs: -Infinity };
}
