import type { Operation } from "../history/operation.js";
import type { LiveSnapshot } from "../measure/live-counts.js";
import type { EncodedMeasurements } from "../measure/measurements.js";

export interface SessionProgress {
  readonly phase: "preparing" | "running";
  /** Operations that were answered or failed; files written, while preparing. */
  readonly done: number;
  readonly failed: number;
}

export interface SessionResult {
  readonly measurements: EncodedMeasurements;
  /** Empty unless it is to be verified. */
  readonly history: readonly Operation[];
}

/**
 * One process's part of a run, in this process or in another one.
 *
 * prepare, then run, then close; each once. `close` may come at any time.
 */
export interface Session {
  /** Connects, and writes its part of the files. */
  prepare(): Promise<void>;
  /** Performs its part of the operations. */
  run(): Promise<SessionResult>;
  /** Ends `prepare` or `run` early, with what there is. Idempotent. */
  stop(): void;
  readonly progress: SessionProgress;
  readonly live: LiveSnapshot;
  close(): Promise<void>;
}
