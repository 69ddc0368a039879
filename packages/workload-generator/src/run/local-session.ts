import { inlineBytesMax, type Clock, QuorumError } from "@quorumfs/core";
import { UniqueContent } from "../content/unique-content.js";
import { LiveCounts, type LiveSnapshot } from "../measure/live-counts.js";
import { type Ending, Measurements } from "../measure/measurements.js";
import { fileChooser } from "../plan/distribution.js";
import { fileMix, stateQueryMix } from "../plan/mix.js";
import { Plan } from "../plan/plan.js";
import { seededDraw } from "../plan/seeded-random.js";
import { chooseSize } from "../plan/size-range.js";
import { type Drive, drive } from "./drive.js";
import { Executor } from "./executor.js";
import { FileSpace } from "./file-space.js";
import { KnownFiles } from "./known-files.js";
import { Recorder } from "./recorder.js";
import type { Session, SessionProgress, SessionResult } from "./session.js";
import { concurrencyOf, operationsOf, rateOf, type Share } from "./share.js";
import type { Target } from "./target.js";

/** Writes on one connection while files are prepared: enough to fill every batch. */
const prepareConcurrency = 256;

/** What is under way when a run is stopped gets this long; a person waits for the results. */
const stopGraceMs = 2_000;

export interface LocalSessionOptions {
  readonly share: Share;
  readonly connect: () => Promise<Target & AsyncDisposable>;
  /** Of the whole machine: histories of several processes are put together. */
  readonly clock: Clock;
}

/** A session in this process. */
export class LocalSession implements Session {
  readonly #options: LocalSessionOptions;
  readonly #files: FileSpace;
  readonly #recorder: Recorder | undefined;
  readonly #known = new KnownFiles();
  #target: (Target & AsyncDisposable) | undefined;
  #executor: Executor | undefined;
  #drive: Drive | undefined;
  #stopped = false;
  #prepared = 0;
  #measurements: Measurements | undefined;
  readonly #live = new LiveCounts();

  constructor(options: LocalSessionOptions) {
    this.#options = options;
    const { config, runId, process } = options.share;
    this.#files = new FileSpace({ bucket: config.bucket, runId, files: config.files });
    this.#recorder = config.verify
      ? new Recorder({ clock: options.clock, client: `process ${process + 1}` })
      : undefined;
  }

  async prepare(): Promise<void> {
    const { share, connect, clock } = this.#options;
    const { config, runId, process } = share;
    this.#target = await connect();
    const nodes = config.mode === "state-query" ? await this.#target.nodes({ timeoutMs: config.timeoutMs }) : [];
    this.#executor = new Executor({
      target: this.#target,
      files: this.#files,
      content: new UniqueContent({ draw: seededDraw(config.seed), contentBytesMax: inlineBytesMax }),
      known: this.#known,
      clock,
      stampPrefix: `${runId}.${process.toString(36)}.`,
      nodes: nodes.map(({ id }) => id),
      timeoutMs: config.timeoutMs,
      recorder: this.#recorder,
    });
    await this.#writeFiles(this.#executor);
  }

  /** Every n-th file, as there are n processes. A file that cannot be written ends the run before it starts. */
  async #writeFiles(executor: Executor): Promise<void> {
    const { config, process } = this.#options.share;
    const draw = seededDraw(config.seed + process);
    let file = process;
    let failure: Exclude<Ending, string> | undefined;
    await this.#runDrive(
      drive({
        next: () => {
          if (file >= config.files || failure !== undefined) return undefined;
          const sizeBytes = chooseSize(config.size, draw);
          const operation = { sequence: file, kind: "put", file, sizeBytes, lot: 0 } as const;
          file += config.processes;
          return operation;
        },
        perform: async (operation) => {
          const { ending } = await executor.execute(operation);
          if (ending === "ok") this.#prepared += 1;
          else if (ending !== "missed") failure ??= ending;
        },
        concurrency: prepareConcurrency,
        ratePerSecond: undefined,
        durationMs: undefined,
        clock: this.#options.clock,
      }),
    );
    if (failure === undefined || this.#stopped) return;
    throw new QuorumError({
      code: failure.code,
      message: `the files could not be written before the run: ${failure.message}`,
    });
  }

  async run(): Promise<SessionResult> {
    const { share, clock } = this.#options;
    const { config } = share;
    const executor = this.#executor;
    if (!executor) throw new QuorumError({ code: "internal", message: "a session runs after it was prepared" });
    const mix =
      config.mode === "state-query"
        ? stateQueryMix
        : fileMix({ readRatio: config.readRatio, conditional: config.verify });
    const plan = new Plan({
      mix,
      chooseFile: fileChooser(config.distribution, config.files),
      size: config.size,
      draw: seededDraw(config.seed + 2 ** 32 * (share.process + 1)),
      operations: operationsOf(share),
    });
    const measurements = new Measurements(clock.nowMs());
    this.#measurements = measurements;
    await this.#runDrive(
      drive({
        next: () => plan.next(),
        perform: async (operation, intendedAt) => {
          this.#live.begun();
          const sample = await executor.execute(operation, intendedAt);
          this.#live.ended(sample);
          measurements.record(sample);
        },
        concurrency: concurrencyOf(share),
        ratePerSecond: rateOf(share),
        durationMs: config.durationMs,
        clock,
      }),
    );
    return { measurements: measurements.encode(), history: this.#recorder?.operations ?? [] };
  }

  async #runDrive(running: Drive): Promise<void> {
    this.#drive = running;
    if (this.#stopped) running.stop();
    await running.ended;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#drive?.stop();
    // Closing the connection ends what still waits for an answer.
    this.#options.clock.after(stopGraceMs, () => void this.close());
  }

  get progress(): SessionProgress {
    const measured = this.#measurements;
    if (!measured) return { phase: "preparing", done: this.#prepared, failed: 0 };
    return { phase: "running", done: measured.answered + measured.failed, failed: measured.failed };
  }

  get live(): LiveSnapshot {
    return this.#live.snapshot;
  }

  async close(): Promise<void> {
    this.stop();
    await this.#target?.[Symbol.asyncDispose]();
  }
}
