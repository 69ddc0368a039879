/**
 * What the attempts at one operation have shown so far, and so what may be said in the end. Decides, performs nothing.
 *
 * An attempt at a mutation that got no answer may have taken effect, or may yet. From then on every attempt says
 * `may_have_run`, and only what a coordinator answers to such an attempt about the mutation itself is definite: it was
 * applied, or its condition does not hold. Anything else ends as `unknown_outcome`, never as a failure.
 */
import { QuorumError } from "@quorumfs/core";
import { toHex } from "../wire.js";

export interface LedgerOptions {
  /** For messages: `put files/x`. */
  readonly title: string;
  readonly kind: "read" | "put" | "delete";
  /** Of mutations; in hexadecimal. */
  readonly requestId: string | undefined;
  /** By which DataNodes log what is no mutation; empty for one. */
  readonly operationId: Uint8Array;
  /** Somebody has tried before. */
  readonly mayHaveRun: boolean;
}

export interface NextStep {
  /**
   * - `finish`: every further attempt would end the same way.
   * - `elsewhere`: this node cannot, another may; at once.
   * - `later`: no node can at the moment, or all should be spared; then another one first.
   * - `again`: later, and at the same node, unless another is less busy: it is well, and a second coordinator for the same
   *   file is what makes it wait.
   */
  readonly next: "finish" | "elsewhere" | "later" | "again";
  /** The retry loads a cluster that may have too much to do already, so that the budget decides. */
  readonly charged: boolean;
}

const finish: NextStep = { next: "finish", charged: false };
const elsewhere: NextStep = { next: "elsewhere", charged: false };
const elsewhereIfAffordable: NextStep = { next: "elsewhere", charged: true };
const later: NextStep = { next: "later", charged: false };
const again: NextStep = { next: "again", charged: false };
const againIfAffordable: NextStep = { next: "again", charged: true };

// After so many answers of that kind to attempts that said may_have_run, the coordinators know no more than this.
const unknownAnswersMax = 3;
// A damaged or senseless answer is worth a second and a third opinion.
const doubtfulAnswersMax = 3;

export class Ledger {
  readonly #options: LedgerOptions;
  #mayHaveRun: boolean;
  #attempts = 0;
  #unknownAnswers = 0;
  #doubtfulAnswers = 0;
  /** The last error that a coordinator answered, which says more than that another could not be reached. */
  #answer: QuorumError | undefined;
  #silence: QuorumError | undefined;
  /** Holds for every attempt so far. */
  #isDefinite = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#mayHaveRun = options.mayHaveRun;
  }

  /** What the next attempt has to say. */
  get mayHaveRun(): boolean {
    return this.#mayHaveRun;
  }

  /** The last attempt ended with an error that its coordinator gave as the answer. */
  answered(error: QuorumError): NextStep {
    this.#attempts += 1;
    this.#answer = error;
    switch (error.code) {
      case "precondition_failed":
        this.#isDefinite = true;
        return finish;
      case "not_found":
        // Of a delete it says that the file is not there; of a put, that the bucket is not, which is no word on earlier attempts.
        this.#isDefinite = this.#options.kind === "delete";
        return finish;
      case "invalid_argument":
      case "permission_denied":
        return finish;
      case "unavailable":
        // Whoever says when is not the one that is missing.
        return error.details.retryAfterMs === undefined ? elsewhere : again;
      case "quorum_unavailable":
        return later;
      case "resource_exhausted":
        return againIfAffordable;
      case "corrupt":
        return this.#doubtful();
      case "cancelled":
      case "internal":
        // How far it came cannot be told from this.
        this.#mayHaveRun ||= this.#isMutation;
        return this.#doubtful();
      case "unknown_outcome":
        return this.#onUnknown();
    }
  }

  /** The last attempt got no answer: `error` is what the lane says about it. */
  unanswered(error: QuorumError, timedOut: boolean): NextStep {
    this.#attempts += 1;
    this.#silence = error;
    this.#noteUnsettled(error);
    // The client's own queue is full; the node heard nothing.
    if (error.code === "resource_exhausted") return later;
    return timedOut ? elsewhereIfAffordable : elsewhere;
  }

  /** The operation ends here, while an attempt may be under way. */
  abandoned(): void {
    this.#mayHaveRun ||= this.#isMutation;
  }

  /** Mostly others were changing the file; but it may also be this coordinator that is cut off. */
  #onUnknown(): NextStep {
    const wasInDoubt = this.#mayHaveRun;
    this.#mayHaveRun ||= this.#isMutation;
    if (!wasInDoubt) return again;
    this.#unknownAnswers += 1;
    return this.#unknownAnswers < unknownAnswersMax ? later : finish;
  }

  #noteUnsettled(error: QuorumError): void {
    this.#mayHaveRun ||= this.#isMutation && error.details.mayHaveRun !== false;
  }

  #doubtful(): NextStep {
    this.#doubtfulAnswers += 1;
    return this.#doubtfulAnswers < doubtfulAnswersMax ? elsewhere : finish;
  }

  get #isMutation(): boolean {
    return this.#options.kind !== "read";
  }

  /** What the caller is told after `finish`. */
  verdict(): QuorumError {
    const error = this.#answer ?? this.#silence ?? this.#noAttempt();
    return this.#isDefinite || !this.#mayHaveRun ? this.#withRequestId(error) : this.#unknown(error);
  }

  /** What the caller is told when time has run out. */
  outOfTime(elapsedMs: number): QuorumError {
    const error = this.#answer ?? this.#silence ?? this.#noAttempt();
    if (this.#mayHaveRun) return this.#unknown(error);
    const effort = `gave up after ${this.#attempts} ${this.#attempts === 1 ? "attempt" : "attempts"} in ${Math.round(elapsedMs)} ms`;
    const { code, details } = this.#withRequestId(error);
    return new QuorumError({ code, message: `${error.message}; ${effort}`, details, cause: error });
  }

  /** What the caller is told when the operation was given up, for instance by its signal. */
  cancelled(error: QuorumError): QuorumError {
    return this.#mayHaveRun ? this.#unknown(error) : this.#withRequestId(error);
  }

  /** Too little of its time would be left when it gets its turn. One error and no copy: under overload these are many. */
  tooLate(waitMs: number, retryAfterMs: number): QuorumError {
    const { title, requestId } = this.#options;
    const waits = `waits ${Math.round(waitMs)} ms for its turn`;
    const details = { retryAfterMs: Math.ceil(retryAfterMs), mayHaveRun: this.#mayHaveRun };
    return new QuorumError({
      code: "resource_exhausted",
      message: `${title} ${waits}: the cluster does not keep up; start less at once, or allow for more time`,
      details: requestId === undefined ? details : { ...details, requestId },
    });
  }

  #noAttempt(): QuorumError {
    return new QuorumError({
      code: "resource_exhausted",
      message: `${this.#options.title} did not get its turn: too many operations of this client are under way`,
    });
  }

  #unknown(cause: QuorumError): QuorumError {
    const { title, requestId } = this.#options;
    return new QuorumError({
      code: "unknown_outcome",
      message:
        `it is not known whether ${title} took effect (${cause.message}); read the file to find out, ` +
        `or repeat it with request id ${requestId ?? "unknown"}`,
      details: requestId === undefined ? cause.details : { ...cause.details, requestId },
      cause,
    });
  }

  #withRequestId(error: QuorumError): QuorumError {
    const { operationId } = this.#options;
    // That there is no such file is an answer like any other, and comes by the thousand.
    if (error.code === "not_found" && !this.#isMutation) return error;
    const requestId = this.#options.requestId ?? toHex(operationId);
    if (requestId === "" || error.details.requestId !== undefined) return error;
    const { code, message, details, cause } = error;
    return new QuorumError({ code, message, details: { ...details, requestId }, cause });
  }
}
