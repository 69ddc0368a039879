import type { FaultName } from "./options.js";

/** A fault as it went, on the clock of the run. */
export interface FaultRecord {
  readonly name: FaultName;
  readonly what: string;
  readonly count: number;
  readonly injectedAt: number;
  /** When its cause was gone; undefined: it could not be injected, or the run ended before. */
  readonly healedAt: number | undefined;
  /** When clients were served everywhere again. */
  readonly servedAt: number | undefined;
  /** When every file was on all its replicas again; looked at for what touches data or membership only. */
  readonly syncedAt: number | undefined;
  /** No other fault from injection to recovery, so that what clients met is of this one. */
  readonly alone: boolean;
  /** More DataNodes were away at once than a majority bears. */
  readonly beyond: boolean;
  /** Why it did not go as it should have. */
  readonly trouble: string | undefined;
}

/** What happened besides, for people who read the report. */
export interface Note {
  readonly atMs: number;
  readonly text: string;
}
