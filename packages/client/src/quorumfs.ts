import type { BucketInfo, ClusterStatus, NodeInfo, StateQuery } from "./cluster-info.js";
import type { DeleteResult, GetResult, ListEntry, PutResult, StatResult } from "./file-info.js";
import type {
  CreateBucketOptions,
  DeleteOptions,
  ListOptions,
  OperationOptions,
  PutOptions,
  ReadOptions,
  StateOptions,
} from "./options.js";

/**
 * A connection to a cluster. Share one per process: it is made for many operations at once, which it batches.
 *
 * Files are named `bucket/path`; a path is 1 to 1024 bytes of UTF-8 without control characters and without empty, `.`
 * or `..` segments. Every operation fails with a `QuorumError` or not at all, and is retried on other nodes until its
 * deadline where that is safe, so an error is final:
 *
 * - `invalid_argument`: nothing was tried; the message says what to change.
 * - `unavailable`, `resource_exhausted`, `quorum_unavailable`: it had no effect; try later.
 * - `unknown_outcome`: a mutation may or may not have taken effect, or may yet. Read the file to find out, or repeat
 *   the mutation with `requestId: error.details.requestId, mayHaveRun: true`.
 * - `cancelled`: the signal gave it up and it had no effect.
 *
 * @see PROTOCOL.md
 */
export interface QuorumFs extends AsyncDisposable {
  readonly buckets: Buckets;

  /**
   * Stores a file, replacing what was there, and resolves once W of its N replicas have it as durably as the bucket
   * promises. All or nothing: no reader ever sees half of it. Writes to one file that run at the same time take effect in
   * any order; a client has at most four of them under way, the others wait.
   *
   * @param content 0 to 131,072 bytes (128 KiB); a string is stored as UTF-8.
   * @throws QuorumError `precondition_failed` (with `details.currentVersion`, unless only an earlier attempt saw it), `not_found` (no such bucket),
   *   `invalid_argument`, `quorum_unavailable`, `unavailable`, `resource_exhausted`, `unknown_outcome`, `cancelled`
   */
  put(name: string, content: Uint8Array | string, options?: PutOptions): Promise<PutResult>;

  /**
   * Reads a file whole and checks it against its SHA-256.
   *
   * @throws QuorumError `not_found`, `corrupt` (no replica could deliver an undamaged copy), `invalid_argument`,
   *   `quorum_unavailable`, `unavailable`, `resource_exhausted`, `cancelled`
   */
  get(name: string, options?: ReadOptions): Promise<GetResult>;

  /** As {@link get}, without the content. */
  stat(name: string, options?: ReadOptions): Promise<StatResult>;

  /**
   * Deletes a file; resolves once W replicas have the delete.
   *
   * @throws QuorumError `not_found` if there is no such file; else as {@link put}
   */
  delete(name: string, options?: DeleteOptions): Promise<DeleteResult>;

  /**
   * Lists a bucket in byte order of path. Each entry was true at some instant within the call; the whole is no
   * snapshot. Pages are fetched as the loop goes on, one ahead.
   *
   * @throws QuorumError from the loop: `not_found` (no such bucket), `invalid_argument`, `quorum_unavailable`, ...
   */
  list(bucket: string, options?: ListOptions): AsyncIterable<ListEntry>;

  /** The DataNodes, by id, as the SuperNode sees them now. */
  nodes(options?: OperationOptions): Promise<readonly NodeInfo[]>;

  status(options?: OperationOptions): Promise<ClusterStatus>;

  /**
   * Every file with its size, version and holders, in order of bucket and path, as the DataNodes tell it now. Served by
   * the SuperNode; a slow reader holds it back. `timeoutMs` defaults to 10 minutes here.
   */
  state(options?: StateOptions): StateQuery;

  /** Fails what is under way with `cancelled` or `unknown_outcome`, and closes every connection. Idempotent. */
  close(): Promise<void>;
}

/** Made and deleted by the SuperNode, so this is what needs it to be up. */
export interface Buckets {
  /**
   * @throws QuorumError `invalid_argument` unless 1 ≤ R, W ≤ N and R + W > N; `precondition_failed` if a bucket of this
   *   name exists
   */
  create(name: string, options?: CreateBucketOptions): Promise<BucketInfo>;
  /** By name. */
  list(options?: OperationOptions): Promise<readonly BucketInfo[]>;
  /** @throws QuorumError `not_found` */
  info(name: string, options?: OperationOptions): Promise<BucketInfo>;
  /** @throws QuorumError `not_found`, `precondition_failed` unless it is empty and every DataNode is up */
  delete(name: string, options?: OperationOptions): Promise<void>;
}
