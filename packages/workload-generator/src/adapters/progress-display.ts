import type { Clock } from "@quorumfs/core";
import { Presets, SingleBar } from "cli-progress";
import type { WorkloadConfig } from "../config.js";
import { formatCount, formatSeconds } from "../report/figures.js";
import type { SessionProgress } from "../run/session.js";

const barIntervalMs = 100;
const lineIntervalMs = 2_000;
/** For a page that shows it live. */
const jsonIntervalMs = 500;

interface View {
  show(progress: SessionProgress): void;
  close(): void;
}

/**
 * Shows on stderr how far a run is, until it is told to stop: a bar on a terminal, else a line every two seconds, or a JSON object
 * a line for programs.
 *
 * @returns stops it
 */
export function showProgress(options: {
  config: WorkloadConfig;
  progress: () => SessionProgress;
  clock: Clock;
}): () => void {
  const { progress, clock } = options;
  const { view, intervalMs } = viewFor(options);
  if (!view) return () => undefined;
  let cancel = clock.after(intervalMs, tick);
  function tick(): void {
    view?.show(progress());
    cancel = clock.after(intervalMs, tick);
  }
  return () => {
    cancel();
    view.close();
  };
}

function viewFor(options: { config: WorkloadConfig; progress: () => SessionProgress; clock: Clock }): {
  view: View | undefined;
  intervalMs: number;
} {
  const { config, progress, clock } = options;
  switch (config.progress) {
    case "none":
      return { view: undefined, intervalMs: lineIntervalMs };
    case "json":
      return { view: new JsonView(clock, progress), intervalMs: jsonIntervalMs };
    case "auto":
      return process.stderr.isTTY
        ? { view: new BarView(config, clock), intervalMs: barIntervalMs }
        : { view: new LineView(clock), intervalMs: lineIntervalMs };
  }
}

/** Operations a second since the last look. */
class Pace {
  readonly #clock: Clock;
  #phase: SessionProgress["phase"] | undefined;
  #atMs = 0;
  #done = 0;
  startedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this is the first look at this phase. */
  look({ phase, done }: SessionProgress): { isNew: boolean; perSecond: number; elapsedMs: number } {
    const nowMs = this.#clock.nowMs();
    const isNew = phase !== this.#phase;
    if (isNew) this.startedMs = nowMs;
    const perSecond = isNew ? 0 : ((done - this.#done) * 1000) / Math.max(1, nowMs - this.#atMs);
    this.#phase = phase;
    this.#atMs = nowMs;
    this.#done = done;
    return { isNew, perSecond, elapsedMs: nowMs - this.startedMs };
  }
}

class LineView implements View {
  readonly #pace: Pace;

  constructor(clock: Clock) {
    this.#pace = new Pace(clock);
  }

  show(progress: SessionProgress): void {
    const { isNew, perSecond, elapsedMs } = this.#pace.look(progress);
    const { phase, done, failed } = progress;
    const pace = isNew ? "" : `, ${formatCount(perSecond)}/s`;
    process.stderr.write(
      phase === "preparing"
        ? `preparing: ${formatCount(done)} files written${pace}\n`
        : `running ${formatSeconds(elapsedMs)}: ${formatCount(done)} operations${pace}, ${formatCount(failed)} failed\n`,
    );
  }

  close(): void {
    // Every line stands for itself.
  }
}

/** One object a line: `phase`, `done`, `failed`, `perSecond` and `elapsedMs`, the last three of the phase. */
class JsonView implements View {
  readonly #pace: Pace;
  readonly #progress: () => SessionProgress;

  constructor(clock: Clock, progress: () => SessionProgress) {
    this.#pace = new Pace(clock);
    this.#progress = progress;
  }

  show(progress: SessionProgress): void {
    const { perSecond, elapsedMs } = this.#pace.look(progress);
    process.stderr.write(`${JSON.stringify({ ...progress, perSecond, elapsedMs })}\n`);
  }

  /** However short the run was, its end is told. */
  close(): void {
    this.show(this.#progress());
  }
}

class BarView implements View {
  readonly #config: WorkloadConfig;
  readonly #pace: Pace;
  #bar: SingleBar | undefined;

  constructor(config: WorkloadConfig, clock: Clock) {
    this.#config = config;
    this.#pace = new Pace(clock);
  }

  show(progress: SessionProgress): void {
    const { isNew, perSecond, elapsedMs } = this.#pace.look(progress);
    const { phase, done, failed } = progress;
    const { files, operations, durationMs } = this.#config;
    const isTimed = phase === "running" && operations === undefined;
    const total = phase === "preparing" ? files : (operations ?? durationMs ?? 0);
    const value = isTimed ? Math.min(total, elapsedMs) : done;
    const figures = { phase, done: formatCount(done), pace: formatCount(perSecond), failed: formatCount(failed) };
    if (isNew || !this.#bar) {
      this.close();
      this.#bar = new SingleBar(
        { format: "{phase} {bar} {percentage}% | {done} | {pace}/s | {failed} failed", clearOnComplete: true },
        Presets.shades_classic,
      );
      this.#bar.start(total, value, figures);
    } else this.#bar.update(value, figures);
  }

  close(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
