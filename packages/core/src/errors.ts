import type { OperationTrace } from "./explain/trace.js";

/**
 * Every way in which an operation can end badly, as one closed set: the same words in the core, on the wire, in the
 * SDK and (by {@link exitCodeOf}) as exit codes of the command line.
 */
export const errorCodes = [
  "invalid_argument",
  "not_found",
  "precondition_failed",
  "unavailable",
  "resource_exhausted",
  "quorum_unavailable",
  "corrupt",
  "permission_denied",
  "unknown_outcome",
  "cancelled",
  "internal",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Why one node did not help: `reason` is for people, e.g. `connection refused`. */
export interface NodeFailure {
  readonly node: number;
  readonly reason: string;
}

/**
 * Why a SuperNode does not take a DataNode's store in as it is: `rolled_back`: the cluster has seen more of it than it
 * shows, or another run of it; `retired`: its node has left the cluster; `number_taken`: the number that it asks for is
 * another store's; `foreign`: it belongs to another cluster than the SuperNode does; all of these with `permission_denied`, for
 * good. `in_use`, with `unavailable`: another process runs with it, or with a copy of it.
 */
export type StoreFault = "rolled_back" | "retired" | "number_taken" | "foreign" | "in_use";

export interface ErrorDetails {
  /** Acknowledgements that were needed and that came, for `quorum_unavailable`. */
  readonly needed?: number;
  readonly got?: number;
  readonly nodes?: readonly NodeFailure[];
  /** When a retry makes sense, for `resource_exhausted` and `unavailable`. */
  readonly retryAfterMs?: number;
  /** The version that a condition met instead of the wanted one; 0 if the file does not exist. */
  readonly currentVersion?: number;
  /** The id under which client, coordinator and replicas logged the operation. */
  readonly requestId?: string;
  /** When a DataNode may not join with the store that it has. */
  readonly storeFault?: StoreFault;
  /**
   * Set where a request was given up without an answer. `false`: it never left this process, so it had no effect;
   * `true`: it did, and the peer may have acted on it. Never sent over the wire: it is the sender's own knowledge.
   */
  readonly mayHaveRun?: boolean;
  /** How the operation ran, where the caller asked for that. Never sent over the wire. */
  readonly trace?: OperationTrace;
}

export interface QuorumErrorOptions {
  readonly code: ErrorCode;
  /** What went wrong and what to do next, in one sentence. */
  readonly message: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** The one error that leaves our code. Decide by `code`, never by the text. */
export class QuorumError extends Error {
  override readonly name = "QuorumError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(options: QuorumErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.details = options.details ?? {};
  }

  /**
   * Whether circumstances may change, so that the same request can be tried again as it is. Whoever repeats a mutation
   * must heed `details.mayHaveRun`.
   */
  get retryable(): boolean {
    return this.code === "unavailable" || this.code === "quorum_unavailable" || this.code === "resource_exhausted";
  }

  /** Takes any thrown thing; what is not ours becomes `internal`, with the original as its cause. */
  static from(thrown: unknown): QuorumError {
    if (thrown instanceof QuorumError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new QuorumError({ code: "internal", message, cause: thrown });
  }
}

/** The exit code of a command that ended with this error. SIGINT's 130 is not an error's. */
export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case "invalid_argument":
      return 2;
    case "not_found":
      return 3;
    case "precondition_failed":
      return 4;
    case "unavailable":
    case "resource_exhausted":
      return 5;
    case "quorum_unavailable":
      return 6;
    case "corrupt":
      return 7;
    case "permission_denied":
      return 8;
    case "unknown_outcome":
      return 9;
    case "cancelled":
      return 130;
    case "internal":
      return 1;
  }
}
