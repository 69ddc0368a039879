import type { CancelTimer, Clock, Log, Random } from "@quorumfs/core";
import type { WorkloadProgress, WorkloadRequest, WorkloadRun, WorkloadState, WorkloadView } from "../api.js";
import { startWorkloadProcess, type WorkloadEnd, type WorkloadProcess } from "../adapters/workload-process.js";
import { progressView, readProgress, readResult } from "./workload-output.js";
import { workloadArguments } from "./workload-request.js";

const finishedMax = 10;
/** A run that is stopped still checks what it has seen. */
const stopGraceMs = 15_000;
/** At the end of the console nobody waits for results. */
const closeGraceMs = 2_000;

const notBegun: WorkloadProgress = { done: 0, total: null, failed: 0, perSecond: 0, fraction: null };

export interface WorkloadRunnerOptions {
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onChange: (view: WorkloadView) => void;
}

interface Current {
  run: WorkloadRun;
  readonly process: WorkloadProcess;
  cancelKill: CancelTimer | undefined;
}

/** Runs the workload generator, once at a time, and remembers the last results. */
export class WorkloadRunner {
  readonly #options: WorkloadRunnerOptions;
  #current: Current | undefined;
  #finished: readonly WorkloadRun[] = [];
  #count = 0;
  #closed = false;

  constructor(options: WorkloadRunnerOptions) {
    this.#options = options;
  }

  get view(): WorkloadView {
    return { current: this.#current?.run ?? null, finished: this.#finished };
  }

  /** @returns undefined if one runs already */
  start(request: WorkloadRequest): WorkloadRun | undefined {
    if (this.#current || this.#closed) return undefined;
    const { clock, endpoints, log } = this.#options;
    this.#count += 1;
    const run: WorkloadRun = {
      id: this.#count,
      state: "starting",
      request,
      startedAtMs: clock.wallMs(),
      endedAtMs: null,
      progress: notBegun,
      result: null,
      error: null,
    };
    const args = workloadArguments(request, endpoints);
    const process = startWorkloadProcess({ args, onProgress: (line) => this.#onProgress(line) });
    const current: Current = { run, process, cancelKill: undefined };
    this.#current = current;
    log.info("console.workload-started", { run: run.id, mode: request.mode });
    void process.ended.then((end) => this.#onEnd(current, end));
    this.#tell();
    return run;
  }

  /** @returns the run that is stopping; undefined if none runs */
  stop(): WorkloadRun | undefined {
    const current = this.#current;
    if (!current) return undefined;
    this.#endWithin(current, stopGraceMs);
    this.#update(current, { state: "stopping" });
    return current.run;
  }

  #endWithin(current: Current, graceMs: number): void {
    current.process.stop();
    current.cancelKill?.();
    current.cancelKill = this.#options.clock.after(graceMs, () => current.process.kill());
  }

  #onProgress(line: string): void {
    const current = this.#current;
    const progress = readProgress(line);
    if (!current || !progress || current.run.state === "stopping") return;
    const view = progressView(current.run.request, progress);
    const isOver = progress.phase === "running" && view.total !== null && view.done >= view.total;
    this.#update(current, { state: isOver ? "checking" : progress.phase, progress: view });
  }

  #onEnd(current: Current, end: WorkloadEnd): void {
    current.cancelKill?.();
    const { clock, log } = this.#options;
    const result = readResult(end.output) ?? null;
    const state = stateAt(current.run.state, end, result !== null);
    const error = state === "failed" ? (end.lastLine ?? `the generator ended with code ${end.code ?? "none"}`) : null;
    const run: WorkloadRun = {
      ...current.run,
      state,
      endedAtMs: clock.wallMs(),
      result,
      error: error && withoutName(error),
    };
    this.#current = undefined;
    this.#finished = [run, ...this.#finished].slice(0, finishedMax);
    log.info("console.workload-ended", { run: run.id, state, error });
    this.#tell();
  }

  #update(current: Current, change: Partial<WorkloadRun>): void {
    current.run = { ...current.run, ...change };
    this.#tell();
  }

  #tell(): void {
    if (!this.#closed) this.#options.onChange(this.view);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    if (!current) return;
    this.#endWithin(current, closeGraceMs);
    await current.process.ended;
  }
}

function stateAt(before: WorkloadState, { code }: WorkloadEnd, hasResult: boolean): WorkloadState {
  if (before === "stopping") return "stopped";
  return code === 0 && hasResult ? "done" : "failed";
}

/** The generator begins its last line with its own name. */
function withoutName(line: string): string {
  return line.replace(/^quorumfs-workload: /, "");
}
