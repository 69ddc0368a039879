import { QuorumError } from "@quorumfs/core";

/** What every operation takes. */
export interface OperationOptions {
  /** Deadline of the whole operation, retries included. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * Gives the operation up. It then fails with `cancelled` if it certainly had no effect (every read; a mutation that
   * was not sent yet), and with `unknown_outcome` if it may have had one.
   */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends OperationOptions {
  /**
   * `linearizable` (the default): the newest acknowledged version, decided by a read quorum. `relaxed`: one replica's
   * word; faster and available while a single replica is, but perhaps stale.
   */
  readonly consistency?: "linearizable" | "relaxed";
}

/** What must hold for a mutation to take effect; at most one of these. */
export interface ConditionOptions {
  /** The file exists and has this version. */
  readonly ifVersion?: number;
  /** The file exists and its content has this SHA-256, 64 hexadecimal digits. */
  readonly ifMatch?: string;
}

export interface MutationOptions extends OperationOptions, ConditionOptions {
  /**
   * 32 hexadecimal digits that make this mutation safe to send again, also from another process: one id takes effect
   * once. Default: a fresh random one. Use it for one mutation only.
   */
  readonly requestId?: string;
  /**
   * Says that this very mutation may have been sent before, with the same `requestId`: set it when an `unknown_outcome`
   * is followed up by hand, so that the earlier attempt is found.
   */
  readonly mayHaveRun?: boolean;
}

export interface PutOptions extends MutationOptions {
  /** The file does not exist. */
  readonly ifAbsent?: boolean;
  /** Kept with the version and shown by `stat`; replaces what an earlier version had. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export type DeleteOptions = MutationOptions;

export interface ListOptions extends OperationOptions {
  /** Only paths that begin with it; may end in the middle of a segment. */
  readonly prefix?: string;
  /** Folds what follows the prefix up to and including the next delimiter into one entry of kind `prefix`; mostly `/`. */
  readonly delimiter?: string;
  /** Only paths behind this one, in byte order. */
  readonly after?: string;
  /** Entries per request, 1 to 10,000; default 1000. `timeoutMs` is per page. */
  readonly pageSize?: number;
}

export interface CreateBucketOptions extends OperationOptions {
  /** R; default: a majority of N, or what W leaves. */
  readonly readQuorum?: number;
  /** W; default: the smallest that overlaps with R. */
  readonly writeQuorum?: number;
  /** Default `fsync`. */
  readonly durability?: "fsync" | "memory";
}

export interface StateOptions extends OperationOptions {
  /** Default: all buckets. */
  readonly bucket?: string;
  readonly prefix?: string;
  /** Only what this DataNode holds. */
  readonly node?: number;
}

const timeoutMsDefault = 30_000;
// The wire's unsigned 32 bits are never reached, and a longer timer than 2^31 ms fires at once.
const timeoutMsMax = 24 * 60 * 60 * 1000;

/** @throws QuorumError `invalid_argument` */
export function checkTimeout(timeoutMs: number = timeoutMsDefault): number {
  if (timeoutMs > 0 && timeoutMs <= timeoutMsMax) return timeoutMs;
  throw new QuorumError({
    code: "invalid_argument",
    message: `timeoutMs must be above 0 and at most ${timeoutMsMax} (24 hours), got ${timeoutMs}`,
  });
}

/** The same for a call to the SuperNode. */
export function callWith(options: OperationOptions): { timeoutMs: number; signal?: AbortSignal } {
  const timeoutMs = checkTimeout(options.timeoutMs);
  return options.signal ? { timeoutMs, signal: options.signal } : { timeoutMs };
}
