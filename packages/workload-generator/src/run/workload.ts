import type { Clock } from "@quorumfs/core";
import type { WorkloadConfig } from "../config.js";
import { addSnapshots, type LiveSnapshot } from "../measure/live-counts.js";
import { Measurements } from "../measure/measurements.js";
import { type Plot, plotsOf } from "../report/plots.js";
import { groupLatencies, makeReport, type Report } from "../report/report.js";
import type { Session, SessionProgress } from "./session.js";
import { verify } from "./verify.js";

export interface WorkloadOptions {
  readonly config: WorkloadConfig;
  readonly runId: string;
  readonly version: string;
  /** One for each process. */
  readonly sessions: readonly Session[];
  readonly clock: Clock;
  /** ISO 8601, for people. */
  readonly startedAt: string;
}

export interface WorkloadResult {
  readonly report: Report;
  readonly plots: readonly Plot[];
}

/** A whole run: all sessions prepare, then all run, then what they saw is put together and checked. */
export class Workload {
  readonly #options: WorkloadOptions;
  #stopped = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined if it was stopped before it ran
   * @throws QuorumError if a session could not connect or write its files
   */
  async run(): Promise<WorkloadResult | undefined> {
    const { config, sessions, clock, runId, version, startedAt } = this.#options;
    try {
      await Promise.all(sessions.map((session) => session.prepare()));
      if (this.#stopped) return undefined;
      const results = await Promise.all(sessions.map((session) => session.run()));
      const measurements = Measurements.merge(results.map((result) => result.measurements));
      const history = results.flatMap((result) => result.history);
      const verification = config.verify ? verify(history, clock) : undefined;
      const complete = !this.#stopped;
      const report = makeReport({ version, startedAt, runId, config, complete, measurements, verification });
      const points = measurements.series.points(measurements.endedMs);
      return { report, plots: plotsOf(points, groupLatencies(measurements)) };
    } finally {
      await Promise.all(sessions.map((session) => session.close()));
    }
  }

  /** Ends the run early; `run` then returns what there is. Idempotent. */
  stop(): void {
    this.#stopped = true;
    for (const session of this.#options.sessions) session.stop();
  }

  get live(): LiveSnapshot {
    return addSnapshots(this.#options.sessions.map(({ live }) => live));
  }

  get progress(): SessionProgress {
    const all = this.#options.sessions.map(({ progress }) => progress);
    const preparing = all.filter(({ phase }) => phase === "preparing");
    const counted = preparing.length > 0 ? preparing : all;
    return {
      phase: preparing.length > 0 ? "preparing" : "running",
      done: counted.reduce((sum, { done }) => sum + done, 0),
      failed: counted.reduce((sum, { failed }) => sum + failed, 0),
    };
  }
}
