import { type Plot, plotsOf, Series } from "@quorumfs/workload-generator";
import type { ClientSample } from "./messages.js";

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What clients met in some stretches of time; of files where a majority is enough. */
export interface Experience {
  readonly answered: number;
  readonly failed: number;
  /** The longest that an operation took, answered or not. */
  readonly slowestMs: number;
  /** The longest stretch without a single answer to anybody. */
  readonly silentMs: number;
}

export interface Failures {
  readonly count: number;
  readonly needsAll: number;
  readonly example: string;
}

/** How the operations of all clients went, by time. */
export class Samples {
  readonly #samples: ClientSample[] = [];

  add(sample: ClientSample): void {
    this.#samples.push(sample);
  }

  get all(): readonly ClientSample[] {
    return this.#samples;
  }

  /** By code; `needsAll`: how many of them were of files where W = N. */
  get failures(): ReadonlyMap<string, Failures> {
    const byCode = new Map<string, Failures>();
    for (const { failure, needsAll } of this.#samples) {
      if (!failure) continue;
      const before = byCode.get(failure.code) ?? { count: 0, needsAll: 0, example: failure.message };
      const { count, example } = before;
      // Those that a majority could have answered say more.
      const shown = before.needsAll === count && !needsAll ? failure.message : example;
      byCode.set(failure.code, { count: count + 1, needsAll: before.needsAll + (needsAll ? 1 : 0), example: shown });
    }
    return byCode;
  }

  /** Of operations that were under way in any of these. */
  experience(windows: readonly Window[]): Experience {
    let [answered, failed, slowestMs] = [0, 0, 0];
    for (const { startedAt, endedAt, failure, needsAll } of this.#samples) {
      if (needsAll || !windows.some(({ fromMs, toMs }) => startedAt < toMs && endedAt > fromMs)) continue;
      if (failure) failed += 1;
      else answered += 1;
      slowestMs = Math.max(slowestMs, endedAt - startedAt);
    }
    return { answered, failed, slowestMs, silentMs: this.#longestSilence(windows) };
  }

  #longestSilence(windows: readonly Window[]): number {
    const answers = this.#samples.filter(({ failure }) => !failure).map(({ endedAt }) => endedAt);
    answers.sort((a, b) => a - b);
    let longest = 0;
    for (const { fromMs, toMs } of windows) {
      let last = fromMs;
      for (const at of answersIn(answers, fromMs, toMs)) {
        longest = Math.max(longest, at - last);
        last = at;
      }
      longest = Math.max(longest, toMs - last);
    }
    return longest;
  }

  /** Throughput and latency over time, from `startedAt` on. */
  plots(startedAt: number, endedAt: number): readonly Plot[] {
    const series = new Series();
    for (const sample of this.#samples) {
      const atMs = sample.endedAt - startedAt;
      if (sample.failure) series.recordError(atMs);
      else series.record(atMs, sample.group, sample.endedAt - sample.startedAt);
    }
    return plotsOf(series.points(endedAt - startedAt), []);
  }
}

function answersIn(sorted: readonly number[], fromMs: number, toMs: number): readonly number[] {
  const first = firstAtLeast(sorted, fromMs);
  return sorted.slice(first, firstAtLeast(sorted, toMs));
}

function firstAtLeast(sorted: readonly number[], bound: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
