/** A stretch of time, from the start of the run, in which no operation succeeded. */
export interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Shorter ones are no news. */
const shortestMs = 5;
/** Plenty; the shorter half is forgotten when there are more. */
const pausesMax = 1_000;

/** Notes when nothing succeeded for a while. */
export class Pauses {
  #lastMs = 0;
  #pauses: Pause[] = [];

  /** @param atMs never less than in earlier calls */
  success(atMs: number): void {
    if (atMs - this.#lastMs >= shortestMs) this.#note({ fromMs: this.#lastMs, toMs: atMs });
    this.#lastMs = atMs;
  }

  #note(pause: Pause): void {
    this.#pauses.push(pause);
    if (this.#pauses.length > pausesMax) {
      this.#pauses = this.#pauses.sort(byLength).slice(0, pausesMax / 2);
    }
  }

  /** All pauses until the end of the run, by time. */
  until(endMs: number): readonly Pause[] {
    const last = endMs - this.#lastMs >= shortestMs ? [{ fromMs: this.#lastMs, toMs: endMs }] : [];
    return [...this.#pauses, ...last].sort((a, b) => a.fromMs - b.fromMs);
  }
}

/** Pauses of a run of several processes: when all of them paused. Each list by time, without overlaps. */
export function commonPauses(lists: readonly (readonly Pause[])[]): readonly Pause[] {
  const [first = [], ...rest] = lists;
  return rest.reduce<readonly Pause[]>(intersection, first);
}

function intersection(a: readonly Pause[], b: readonly Pause[]): readonly Pause[] {
  const common: Pause[] = [];
  for (let i = 0, j = 0; ;) {
    const [x, y] = [a[i], b[j]];
    if (!x || !y) return common;
    const pause = { fromMs: Math.max(x.fromMs, y.fromMs), toMs: Math.min(x.toMs, y.toMs) };
    if (pause.fromMs < pause.toMs) common.push(pause);
    if (x.toMs < y.toMs) i += 1;
    else j += 1;
  }
}

export function longestPause(pauses: readonly Pause[]): Pause | undefined {
  return pauses.toSorted(byLength)[0];
}

function byLength(a: Pause, b: Pause): number {
  return b.toMs - b.fromMs - (a.toMs - a.fromMs);
}
