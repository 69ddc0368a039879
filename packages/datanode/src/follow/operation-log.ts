/**
 * What goes wrong with operations, and what takes long, in the log, by the id that the client knows the operation by. In an outage
 * everything fails, so no more than so many lines a second are written; the next one says how many were left out.
 */
import type { Clock, ErrorCode, Log, QuorumError } from "@quorumfs/core";
import { Hex } from "../file/hex.js";

/** An operation that takes longer is written down: far more than any takes where all is well. */
export const slowOperationMs = 1000;
/** The same for a vote of this node's replica. */
export const slowVoteMs = 500;

const linesPerSecondMax = 20;

/** What an operation is, for those who read the log. */
export interface LoggedOperation {
  readonly operation: string;
  readonly bucket: string;
  readonly path: string;
  /** 16 bytes; empty: it has none. */
  readonly requestId: Uint8Array;
}

export class OperationLog {
  readonly #clock: Clock;
  readonly #log: Log;
  #second = -1;
  #lines = 0;
  #leftOut = 0;

  constructor(options: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Of all operations that fail. What a client may well meet where all is well goes to `debug`. */
  failed(about: LoggedOperation, error: QuorumError, tookMs: number): void {
    const { code, message: reason } = error;
    const fields = { ...about, requestId: new Hex(about.requestId), code, reason, tookMs: Math.round(tookMs) };
    if (isOrdinary(code)) this.#log.debug("file.failed", fields);
    else this.#warn("file.failed", fields);
  }

  /** Of those that succeed after longer than {@link slowOperationMs}. */
  slow(about: LoggedOperation, tookMs: number): void {
    this.#warn("file.slow", { ...about, requestId: new Hex(about.requestId), tookMs: Math.round(tookMs) });
  }

  /** Of votes that took longer than {@link slowVoteMs}. */
  slowVote(
    fields: { readonly vote: string; readonly from: number; readonly path: string; readonly requestId: Uint8Array },
    tookMs: number,
  ): void {
    this.#warn("vote.slow", { ...fields, requestId: new Hex(fields.requestId), tookMs: Math.round(tookMs) });
  }

  #warn(event: string, fields: object): void {
    const second = Math.floor(this.#clock.nowMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines >= linesPerSecondMax) {
      this.#leftOut += 1;
      return;
    }
    this.#lines += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.#log.warn(event, leftOut === 0 ? { ...fields } : { ...fields, leftOut });
  }
}

/** The file or the request is what it is about, or this node is at its limit and says so itself. */
function isOrdinary(code: ErrorCode): boolean {
  switch (code) {
    case "invalid_argument":
    case "not_found":
    case "precondition_failed":
    case "resource_exhausted":
    case "cancelled":
    case "permission_denied":
      return true;
    case "unavailable":
    case "quorum_unavailable":
    case "corrupt":
    case "unknown_outcome":
    case "internal":
      return false;
  }
}
