import type { ActivitySample } from "./activity-info.js";
import type { NodeDisk, NodeProcess, ProcessInfo } from "./checkup-info.js";
import type { BucketInfo, ClusterStatus, NodeInfo, NodeScrub, StateQuery } from "./cluster-info.js";
import type { ClusterEvent, EventPage } from "./event-info.js";
import type { LayoutChange, LayoutInfo, LayoutPlan, NodeChange, PartitionInfo } from "./layout-info.js";
import type { Explanation } from "./explain-info.js";
import type {
  DeleteResult,
  FileContent,
  GetResult,
  ListEntry,
  PutResult,
  ReadResult,
  StatResult,
} from "./file-info.js";
import type {
  ActivityOptions,
  AppendOptions,
  ApplyLayoutOptions,
  CreateBucketOptions,
  DeleteOptions,
  GetOptions,
  ListEventsOptions,
  ListOptions,
  MaintenanceOptions,
  OperationOptions,
  ProbeDisksOptions,
  PutOptions,
  ReadOptions,
  RemoveNodeOptions,
  StartScrubOptions,
  StateOptions,
  WatchEventsOptions,
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
  readonly scrub: Scrub;
  readonly layout: Layout;
  readonly checkup: Checkup;

  /**
   * Stores a file, replacing what was there, and resolves once W of its N replicas have it as durably as the bucket
   * promises. All or nothing: no reader ever sees half of it. Writes to one file that run at the same time take effect in
   * any order; a client has at most four of them under way, the others wait.
   *
   * Up to 128 KiB goes in one message. Of larger content, chunks of 4 MiB are sent to the replicas of each while the rest is
   * still being read, and once all are durable on W of them the file's new version is voted on; until then the old one
   * stands. A client holds at most 24 MiB of all its uploads in memory. A put that fails half-way names its
   * `details.requestId`, with which `resume` goes on.
   *
   * @param content 0 bytes to 5 TiB, of known length or not.
   * @throws QuorumError `precondition_failed` (with `details.currentVersion`, unless only an earlier attempt saw it), `not_found` (no such bucket),
   *   `invalid_argument`, `quorum_unavailable`, `unavailable`, `resource_exhausted` (also: DataNodes are full), `unknown_outcome`,
   *   `cancelled`. If reading the content throws, its error is the `cause`, and nothing was stored.
   */
  put(name: string, content: FileContent, options?: PutOptions): Promise<PutResult>;

  /**
   * Adds to the end of a file, or creates it. Appends at the same time, by any clients, all land, one after the other and
   * each in one piece; those of one client to one file in the order of the calls. Keeps the file's attributes.
   *
   * The first append to a file that was put whole reads it once, for its SHA-256. After `unknown_outcome` look at the end of
   * the file: an append cannot be repeated by its request id.
   *
   * @throws QuorumError as {@link put}, but `precondition_failed` never
   */
  append(name: string, content: FileContent, options?: AppendOptions): Promise<PutResult>;

  /**
   * Reads a file, or a range of it, into memory. Whole files are checked against their SHA-256, ranges against the checksums
   * of the blocks that they touch.
   *
   * @throws QuorumError `invalid_argument` (also: more than 256 MiB, which {@link read} is for; `offset` is behind the end), QuorumError
   *   `not_found`, `corrupt` (no replica could deliver an undamaged copy), `quorum_unavailable`, `unavailable`,
   *   `resource_exhausted`, `cancelled`
   */
  get(name: string, options?: GetOptions): Promise<GetResult>;

  /**
   * As {@link get}, but delivers the content as a stream while it is being fetched, so that its size does not matter. Resolves
   * once the version is known; `timeoutMs` and `signal` go on to hold for the stream. A file read to its end was checked
   * against its SHA-256.
   */
  read(name: string, options?: GetOptions): Promise<ReadResult>;

  /** What is known of a file, without its content. Errors as of {@link get}. */
  stat(name: string, options?: ReadOptions): Promise<StatResult>;

  /**
   * Deletes a file; resolves once W replicas have the delete.
   *
   * @throws QuorumError `not_found` if there is no such file; else as {@link put}
   */
  delete(name: string, options?: DeleteOptions): Promise<DeleteResult>;

  /**
   * How the vote on a file stands: what each of its replicas has, what a read would make of that and why, and what a write would
   * need. Asks all of them and changes nothing. That there is no such file, or no quorum, is no error but the verdict.
   *
   * @throws QuorumError `not_found` (no such bucket), `invalid_argument`, `unavailable`, `resource_exhausted`, `cancelled`
   */
  explain(name: string, options?: OperationOptions): Promise<Explanation>;

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
   * Every file that is asked for with its size, version and holders, in order of bucket and path, as the DataNodes tell it
   * now. Each file is told as it was at some instant within the query; the whole is no snapshot. Served by the SuperNode; a
   * slow reader holds it back, and loses its turn after 30 s. `timeoutMs` defaults to 10 minutes here. DataNodes that do
   * not answer are named in the summary.
   *
   * @throws QuorumError `invalid_argument` here; from the loop: `not_found` (no such bucket or DataNode), `unavailable`,
   *   `resource_exhausted` (too many ask at once), `cancelled`
   */
  state(options?: StateOptions): StateQuery;

  /**
   * What the cluster does: each second as it ends, in order, and before that some of the last ones. While the SuperNode is away
   * it waits, `timeoutMs` long, and goes on with what it then knows of the time between. Never ends by itself. A slow reader
   * holds it back.
   *
   * @throws QuorumError from the loop: `unavailable`, `cancelled`, `invalid_argument`
   */
  activity(options?: ActivityOptions): AsyncIterable<ActivitySample>;

  /**
   * What happened to the cluster, newest first. The SuperNode keeps the newest 10,000 events, durably.
   *
   * @throws QuorumError `unavailable`, `invalid_argument`
   */
  events(options?: ListEventsOptions): Promise<EventPage>;

  /**
   * Each event as it happens, in order and none twice; after a restart of the SuperNode also those of the time between. While it
   * is away, waits `timeoutMs` long. Never ends by itself.
   *
   * @throws QuorumError from the loop: `unavailable`, `cancelled`, `invalid_argument`
   */
  watchEvents(options?: WatchEventsOptions): AsyncIterable<ClusterEvent>;

  /** Fails what is under way with `cancelled` or `unknown_outcome`, and closes every connection. Idempotent. */
  close(): Promise<void>;
}

/**
 * The search of DataNodes for damage in what they store. Every call answers per node, by id, since some may be away.
 *
 * @throws QuorumError `invalid_argument` if there is no such node
 */
export interface Scrub {
  /** Begins a pass, or resumes a paused one. */
  start(options?: StartScrubOptions): Promise<readonly NodeScrub[]>;
  /** Holds the pass, also over restarts, until the next {@link start}. */
  pause(options?: MaintenanceOptions): Promise<readonly NodeScrub[]>;
  status(options?: MaintenanceOptions): Promise<readonly NodeScrub[]>;
}

/** What the machines of a cluster are like. Calls of DataNodes answer per node, by id, since some may be away. */
export interface Checkup {
  /** @throws QuorumError `unavailable` */
  superNode(options?: OperationOptions): Promise<ProcessInfo>;
  /** Asks each DataNode from here, which also tells whether it can be reached. */
  processes(options?: MaintenanceOptions): Promise<readonly NodeProcess[]>;
  /** Lets each DataNode write and fsync a few small files; takes 3 seconds at most on each. */
  disks(options?: ProbeDisksOptions): Promise<readonly NodeDisk[]>;
}

/**
 * Which DataNodes hold which files: moved by the SuperNode, while clients read and write. A change goes on by itself once
 * it is applied, over restarts of whomever it may be and without anybody watching, and is durable when its call resolves.
 * Until it has ended, each partition that moves is held by its old nodes; no file is ever on fewer nodes than before.
 *
 * @throws QuorumError `unavailable` (no SuperNode, or the cluster is forming), `invalid_argument` (there is no such node, or
 *   too few would be left for N replicas), `unknown_outcome` from what changes something: {@link Layout.show} tells
 */
export interface Layout {
  show(options?: OperationOptions): Promise<LayoutInfo>;

  /** Who votes on which part of the files, by number of the partition; empty while the cluster is forming. */
  partitions(options?: OperationOptions): Promise<readonly PartitionInfo[]>;

  /**
   * What {@link apply} would move. Changes nothing.
   *
   * @param changes none: gives active nodes that have joined since their shares, and evens out
   */
  plan(changes?: readonly NodeChange[], options?: OperationOptions): Promise<LayoutPlan>;

  /**
   * Begins a change, in the place of the one under way if there is one.
   *
   * @returns the change that has begun; undefined if nothing has to move
   * @throws QuorumError `precondition_failed` if the layout is not `baseLayout` any more
   */
  apply(changes?: readonly NodeChange[], options?: ApplyLayoutOptions): Promise<LayoutChange | undefined>;

  /**
   * Ends the change that is under way after the partitions that are moving just now; {@link apply} goes on with the rest.
   *
   * @returns the change; undefined if there was none
   */
  stop(options?: OperationOptions): Promise<LayoutChange | undefined>;

  /**
   * The change that is under way about once a second, and once more when it has ended. Ends then, or at once if there is none.
   * While the SuperNode is away it waits, `timeoutMs` long.
   */
  watch(options?: OperationOptions): AsyncIterable<LayoutChange>;

  /** The changes so far, newest first; the oldest are forgotten. */
  history(options?: OperationOptions): Promise<readonly LayoutChange[]>;

  /** Moves everything away from a node, which stays a member. As {@link apply}. */
  drain(node: number, options?: OperationOptions): Promise<LayoutChange | undefined>;

  /** Gives a drained node its share again. As {@link apply}. */
  activate(node: number, options?: OperationOptions): Promise<LayoutChange | undefined>;

  /** Moves everything away from a node, which is no member then. As {@link apply}. */
  remove(node: number, options?: RemoveNodeOptions): Promise<LayoutChange | undefined>;

  /**
   * Lets `replacement`, a member that holds nothing yet, take over all that `node` holds; `node` is no member then. As
   * {@link apply}.
   */
  replace(node: number, replacement: number, options?: RemoveNodeOptions): Promise<LayoutChange | undefined>;
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
