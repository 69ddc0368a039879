import { type EventSeverity, QuorumError } from "@quorumfs/core";

/** What every operation takes. */
export interface OperationOptions {
  /**
   * Deadline of the whole operation, retries included. Default 30,000. For a transfer of content above 128 KiB, which may
   * take hours: the longest time without progress.
   */
  readonly timeoutMs?: number;
  /**
   * Gives the operation up. It then fails with `cancelled` if it certainly had no effect (every read; a mutation that
   * was not sent yet), and with `unknown_outcome` if it may have had one.
   */
  readonly signal?: AbortSignal;
}

export interface TraceOptions {
  /**
   * Has the operation told as it ran: the result's `trace`, and that of `error.details` if it fails. For people who want to
   * understand one operation; it costs some hundred bytes for each step. Default: false.
   */
  readonly trace?: boolean;
}

export interface ReadOptions extends OperationOptions, TraceOptions {
  /**
   * `linearizable` (the default): the newest acknowledged version, decided by a read quorum. `relaxed`: one replica's
   * word; faster and available while a single replica is, but perhaps stale.
   */
  readonly consistency?: "linearizable" | "relaxed";
}

/** How far a transfer has come. */
export interface TransferProgress {
  /** Of the content: durable on W replicas (put, append), or handed to the caller (get, read). */
  readonly bytes: number;
  /** Undefined for a stream whose length nobody has told. */
  readonly totalBytes: number | undefined;
  /** Of `bytes`, what an earlier, interrupted put had stored already. */
  readonly resumedBytes: number;
}

export interface ProgressOptions {
  /** Called about ten times a second while there is progress, and once at the end. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface GetOptions extends ReadOptions, ProgressOptions {
  /** First byte, from 0 to the file's size. Default 0. */
  readonly offset?: number;
  /** Bytes at most; fewer come if the file ends before. Default: up to the end. */
  readonly length?: number;
}

/** What must hold for a mutation to take effect; at most one of these. */
export interface ConditionOptions {
  /** The file exists and has this version. */
  readonly ifVersion?: number;
  /** The file exists and its content has this SHA-256, 64 hexadecimal digits. */
  readonly ifMatch?: string;
}

export interface MutationOptions extends OperationOptions, TraceOptions, ConditionOptions {
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

export interface PutOptions extends MutationOptions, ProgressOptions {
  /** The file does not exist. */
  readonly ifAbsent?: boolean;
  /** Kept with the version and shown by `stat`; replaces what an earlier version had. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Bytes of the content, where a stream does not tell. Content of another length fails the put, with no effect. */
  readonly size?: number;
  /**
   * Goes on with an interrupted put of the same content: give its `requestId`, which the error named in
   * `details.requestId`. The content is read from its beginning, but what is durable on W replicas already is not sent
   * again. Implies `mayHaveRun`. What an interrupted put has sent is kept for 24 hours.
   */
  readonly resume?: boolean;
}

export interface AppendOptions extends OperationOptions, ProgressOptions {
  /** Bytes of the content, where a stream does not tell. */
  readonly size?: number;
}

/** Which DataNodes a maintenance call goes to. */
export interface MaintenanceOptions extends OperationOptions {
  /** Ids; default: all. */
  readonly nodes?: readonly number[];
}

export interface StartScrubOptions extends MaintenanceOptions {
  /** Default: so fast that a pass takes the nodes' configured period (14 days). */
  readonly bytesPerSecond?: number;
  /** Begins anew, even if a pass is under way. */
  readonly restart?: boolean;
}

export interface ProbeDisksOptions extends MaintenanceOptions {
  /** Small files that each node writes, 1 to 100. Default 20. */
  readonly files?: number;
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
  /**
   * When a write is acknowledged. Default `fsync`: when W replicas have it on disk. `memory`: when W replicas have it at all. A
   * replica that crashes then forgets what its disk did not have yet, some milliseconds of it as a rule, and reads can go back
   * to what was before: for what can be made anew.
   */
  readonly durability?: "fsync" | "memory";
}

export interface ApplyLayoutOptions extends OperationOptions {
  /** Only if the layout still is this one, as a plan names it. Default: whatever it is. */
  readonly baseLayout?: number;
}

export interface RemoveNodeOptions extends OperationOptions {
  /**
   * Asserts that the node's process and its disk never come back: then what it may have voted for need not be waited for. Said
   * of a node that does come back, a write that only it and other lost nodes had is forgotten. Default: false.
   */
  readonly lost?: boolean;
}

export interface ActivityOptions extends OperationOptions {
  /** How many of the last seconds come first, at most 900. Default 0. */
  readonly historySeconds?: number;
}

/** Which events are wanted; what is left out does not narrow it. */
export interface EventFilterOptions extends OperationOptions {
  /** Kinds, or first parts of their names: `node` is all of `node.*`. */
  readonly kinds?: readonly string[];
  /** Only what is about this DataNode. */
  readonly node?: number;
  /** This and what is worse. */
  readonly severity?: EventSeverity;
}

export interface ListEventsOptions extends EventFilterOptions {
  /** Only events older than the one of this id. */
  readonly before?: number;
  /** 1 to 1000; default 100. */
  readonly limit?: number;
}

export interface WatchEventsOptions extends EventFilterOptions {
  /**
   * Begins with what came after the event of this id; 0: with all that is kept, at most the newest 1000. Default: with what
   * happens from now on.
   */
  readonly after?: number;
}

/** Which files a state query is about; what is left out does not narrow it. */
export interface StateOptions extends OperationOptions {
  /** Default: all buckets. */
  readonly bucket?: string;
  readonly prefix?: string;
  /** Bytes, this size included. */
  readonly sizeMin?: number;
  /** Bytes, this size included. */
  readonly sizeMax?: number;
  /** `complete`: N DataNodes of the layout hold the newest version. `under_replicated`: fewer do. */
  readonly health?: "complete" | "under_replicated";
  /** Only files of which this DataNode holds a copy, be it an old one. While it is away, nobody knows which these are. */
  readonly node?: number;
  /** Only files that this DataNode holds or should hold by the layout, whether it is there or not. */
  readonly assignedTo?: number;
  /** Only files behind this one, `bucket/path`, in order of bucket and path: {@link StateQuery.next} of the page before. */
  readonly after?: string;
  /** Files at most, from 1 on. */
  readonly limit?: number;
  /** No files, only {@link StateQuery.summary}: several times faster. Does not go with `limit`. */
  readonly totalsOnly?: boolean;
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
