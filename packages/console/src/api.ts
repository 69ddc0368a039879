/**
 * What the console's page and its server say to each other: JSON under `/api/`, and one stream of server-sent events.
 *
 * | request | body | answer |
 * |---|---|---|
 * | `GET /api/about` | | {@link About}, also to the unauthorised |
 * | `POST /api/login` | {@link LoginRequest} | 204 and a cookie, or 403 |
 * | `POST /api/logout` | | 204, and the cookie is gone |
 * | `GET /api/stream` | | events of {@link StreamEvents} |
 * | `GET /api/cluster` | | {@link ClusterView} |
 * | `GET /api/layout` | | {@link LayoutView} |
 * | `GET /api/buckets` | | {@link BucketList} |
 * | `POST /api/buckets` | {@link CreateBucketRequest} | 201 {@link BucketView} |
 * | `DELETE /api/buckets?bucket` | | 204 |
 * | `GET /api/files?bucket&prefix&after&limit&delimiter` | | {@link FilePage} |
 * | `GET /api/files/stat?bucket&path` | | {@link FileStat} |
 * | `GET /api/files/explain?bucket&path` | | {@link Explanation} |
 * | `GET /api/files/content?bucket&path` | | the bytes, as an attachment; `Range` works |
 * | `PUT /api/files/content?bucket&path` | the bytes | 200 or 201 {@link StoredFile}; `If-None-Match: *`, `If-Match: "VERSION"` |
 * | `DELETE /api/files/content?bucket&path` | | {@link DeletedFile}; `If-Match: "VERSION"` |
 * | `GET /api/events?before&kinds&severity&node&limit` | | {@link EventPage} |
 * | `GET /api/workload` | | {@link WorkloadView} |
 * | `POST /api/workload` | {@link WorkloadRequest} | 202 {@link WorkloadRun}; 409 while one runs |
 * | `DELETE /api/workload` | | 202 {@link WorkloadRun}, which is stopping; 404 if none runs |
 *
 * Whatever is no success has an {@link ApiError} as its body. Requests that change something (POST, PUT, DELETE) carry the
 * header `X-QuorumFS-Console: 1`, which no form and no foreign page can send. JSON bodies have the type `application/json`.
 * Where a token is needed, `Authorization: Bearer TOKEN` or the cookie of a login goes with every request but the first two.
 *
 * Times are in ms since 1970 by the wall clock, sizes in bytes, rates by the second. What is not known is null. All texts
 * (paths, messages, addresses, zones) may hold any character: show them as text.
 */

/** Of an error; closed, as in the SDK. */
export type ApiErrorCode =
  | "invalid_argument"
  | "not_found"
  | "precondition_failed"
  | "unavailable"
  | "resource_exhausted"
  | "quorum_unavailable"
  | "corrupt"
  | "permission_denied"
  | "unknown_outcome"
  | "cancelled"
  | "internal";

/**
 * How a request failed. Statuses: 400 `invalid_argument`, 401 no token (`permission_denied`), 403 `permission_denied`,
 * 404 `not_found`, 405, 412 `precondition_failed`, 413 and 415 `invalid_argument`, 409 a workload runs already (`precondition_failed`),
 * 429 `resource_exhausted`, 499 `cancelled`, 500 `internal` and `corrupt`, 503 `unavailable` and `quorum_unavailable`,
 * 504 `unknown_outcome`.
 */
export interface ApiError {
  readonly code: ApiErrorCode;
  /** A sentence that says what to do. */
  readonly message: string;
  readonly details: {
    /** With `quorum_unavailable`: how many answers were needed, and how many there were. */
    readonly needed?: number;
    readonly got?: number;
    /** Why which DataNode did not do its part. */
    readonly nodes?: readonly { readonly node: number; readonly reason: string }[];
    readonly retryAfterMs?: number;
    /** With `precondition_failed` of a file: the version found; 0 if there is none. */
    readonly currentVersion?: number;
    /** Of the operation, as logs name it. */
    readonly requestId?: string;
  };
}

export interface About {
  /** Of the SuperNode's software; null to the unauthorised. */
  readonly version: string | null;
  /** Null to the unauthorised, and while the cluster cannot be reached. */
  readonly clusterId: string | null;
  /** The server wants a token. */
  readonly tokenNeeded: boolean;
  /** This request came with it, or needs none. */
  readonly authorised: boolean;
}

export interface LoginRequest {
  readonly token: string;
}

/**
 * What the stream sends: the names of its events, and what the `data` of each is as JSON. On connecting: `nodes`, `layout`,
 * `workload`, `events` (the newest, as far as there are any) and `history` come at once, in any order; then each again as it
 * changes, and `sample` each second. A browser connects again by itself, and gets everything anew. A tab that does not read is
 * cut off; one that nobody can see closes its stream.
 */
export interface StreamEvents {
  /** The last 15 minutes, in pieces. */
  history: History;
  /** The second that has just ended. */
  sample: LiveSample;
  /** New ones, newest first; at most 200. */
  events: EventPage;
  nodes: ClusterView;
  layout: LayoutView;
  workload: WorkloadView;
}

/** A piece of history. A piece with `from: 0` begins it, and whatever the page had before is void. */
export interface History {
  /** Index of the first of these samples in all the history. */
  readonly from: number;
  /** In order of time, without `buckets` and `hotFiles`. */
  readonly samples: readonly LiveSample[];
  /** More pieces follow. */
  readonly more: boolean;
}

export type OperationKind = "get" | "stat" | "put" | "delete" | "list";

/** One second of the cluster. */
export interface LiveSample {
  /** Its end. Seconds of which nothing is known are left out, so look at it before you draw a line. */
  readonly atMs: number;
  /** Of all nodes together. */
  readonly total: Traffic;
  /** By kind; kinds without operations are left out. */
  readonly kinds: { readonly [kind in OperationKind]?: Traffic };
  /** Of the contents of files, by clients. */
  readonly bytesReadPerSecond: number;
  readonly bytesWrittenPerSecond: number;
  /** All members, in order of id. */
  readonly nodes: readonly NodeSample[];
  /** Those with traffic in this second, the busiest first. Left out of history. */
  readonly buckets?: readonly BucketTraffic[];
  /** The busiest first, at most 10; an estimate. Left out of history. */
  readonly hotFiles?: readonly HotFile[];
}

/** Operations that ended in a second. Latencies are of those answered, in ms; null if there were none. */
export interface Traffic {
  /** Also with "there is no such file" and "the condition does not hold". */
  readonly answeredPerSecond: number;
  /** For want of a quorum, in time or at all, by damage, or for a fault of a node. */
  readonly errorsPerSecond: number;
  /** Turned away for too much load. */
  readonly refusedPerSecond: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export type NodeState = "up" | "suspect" | "down";

/** What one DataNode did in a second, as coordinator. */
export interface NodeSample {
  readonly node: number;
  readonly state: NodeState;
  /** Null: it was not heard of in this second. */
  readonly traffic: Traffic | null;
  readonly load: SampledLoad | null;
}

export interface SampledLoad {
  /** 99th percentile of the event loop's delay. */
  readonly eventLoopDelayMs: number;
  readonly inFlight: number;
  /** Of one core. */
  readonly cpuFraction: number;
  readonly residentBytes: number;
  readonly diskUsedBytes: number;
  readonly diskFreeBytes: number;
}

export interface BucketTraffic {
  readonly bucket: string;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly listsPerSecond: number;
  readonly errorsPerSecond: number;
}

export interface HotFile {
  readonly bucket: string;
  readonly path: string;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

/** The cluster and its nodes, as they are now. */
export interface ClusterView {
  readonly atMs: number;
  /** False: the console does not reach the SuperNode; all else is as it was last known. */
  readonly connected: boolean;
  readonly clusterId: string | null;
  readonly version: string | null;
  readonly startedAtMs: number | null;
  /** Every file of every bucket can be read and written. */
  readonly ready: boolean;
  /** N. */
  readonly replicas: number;
  /** Number of the layout; null while the cluster is forming. */
  readonly layout: number | null;
  /** What there is to say, worst first; at least one. */
  readonly conditions: readonly Condition[];
  /** By id. */
  readonly nodes: readonly NodeView[];
}

export type ConditionLevel = "good" | "info" | "warning" | "error";

/** How things are, in a sentence. */
export interface Condition {
  readonly level: ConditionLevel;
  readonly text: string;
  /** The DataNode that it is about. */
  readonly node?: number;
}

/**
 * `draining`: gives its share of the files away, and stays. `leaving`: gives it away, and is no member then. `lost`: never
 * votes again.
 */
export type NodeRole = "active" | "draining" | "leaving" | "lost";

export interface NodeView {
  readonly id: number;
  /** `host:port`. */
  readonly address: string;
  readonly zone: string;
  readonly state: NodeState;
  readonly stateSinceMs: number;
  readonly role: NodeRole;
  readonly version: string;
  /** Starts so far. */
  readonly incarnation: number;
  /** Null until its first heartbeat. */
  readonly load: NodeLoad | null;
  /** Null: not known. */
  readonly sync: NodeSync | null;
}

export interface NodeLoad extends SampledLoad {
  readonly operationsPerSecond: number;
  /** Of its volume. */
  readonly capacityBytes: number;
  /** Too little is free: it takes no new content. */
  readonly full: boolean;
  /** Files of which it holds a replica, and chunks of large ones. */
  readonly records: number;
  readonly chunks: number;
  readonly chunkBytes: number;
  /** Records and chunks that were found damaged so far and are not known to be repaired. */
  readonly damaged: number;
}

/** How far a DataNode is behind the other replicas of what it holds. */
export interface NodeSync {
  readonly state: "comparing" | "catching_up" | "in_sync";
  readonly behindRecords: number;
  readonly behindBytes: number;
  readonly behindChunks: number;
  readonly remainingMs: number | null;
  /** Partitions that it takes over and has not got all of yet, and those that it gives away. */
  readonly joiningPartitions: number;
  readonly leavingPartitions: number;
  /** Why it gets no further, for people. */
  readonly obstacle: string | null;
}

/** Which DataNodes hold which partitions of the files. */
export interface LayoutView {
  /** Null while the cluster is forming. */
  readonly number: number | null;
  /** N. */
  readonly replicas: number;
  /** By number of the partition, 0 to 1023 as a rule. */
  readonly partitions: readonly PartitionView[];
  /** By node. */
  readonly shares: readonly NodeShareView[];
  /** The last one, under way or ended; null: there was none. */
  readonly change: LayoutChangeView | null;
}

export interface PartitionView {
  /** Ids, the preferred coordinator first. */
  readonly nodes: readonly number[];
  /** While it moves: all that will hold it. Empty: it stays. */
  readonly joining: readonly number[];
}

export interface NodeShareView {
  readonly node: number;
  readonly partitions: number;
  /** Of these, the ones that it is asked first about. */
  readonly preferred: number;
  /** What its weight entitles it to. */
  readonly idealPartitions: number;
}

export type LayoutChangeState = "moving" | "stopping" | "stopped" | "done" | "superseded";

export interface LayoutChangeView {
  readonly id: number;
  readonly state: LayoutChangeState;
  /** `node 4 joins`. */
  readonly reason: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** Partitions. */
  readonly movesTotal: number;
  readonly movesDone: number;
  readonly moving: number;
  readonly bytesTotal: number;
  readonly remainingMs: number | null;
  /** What holds it up; sentences. */
  readonly obstacles: readonly string[];
}

export type Durability = "fsync" | "memory";

export interface BucketList {
  /** N. */
  readonly replicas: number;
  /** By name. */
  readonly buckets: readonly BucketView[];
  /** Every R and W that a new bucket may have, with what it means; for the chooser. */
  readonly choices: readonly QuorumChoice[];
}

export interface BucketView {
  readonly name: string;
  readonly id: number;
  /** N, R and W. */
  readonly replicas: number;
  readonly readQuorum: number;
  readonly writeQuorum: number;
  readonly durability: Durability;
  readonly createdAtMs: number;
  /** What that tolerates and costs. */
  readonly meaning: QuorumMeaning;
}

/** Without quorums: majorities. Name: 3 to 63 of a-z, 0-9 and, in between, `-`. */
export interface CreateBucketRequest {
  readonly name: string;
  readonly readQuorum?: number;
  readonly writeQuorum?: number;
  /** Default `fsync`. */
  readonly durability?: Durability;
}

export interface QuorumChoice {
  readonly readQuorum: number;
  readonly writeQuorum: number;
  readonly durability: Durability;
  /** What is taken if nothing is said. */
  readonly isDefault: boolean;
  readonly meaning: QuorumMeaning;
}

/** What a choice of R, W and durability means, in words. */
export interface QuorumMeaning {
  /** How many of the N DataNodes that hold a file may be down, and it still can be read; written. */
  readonly readsTolerate: number;
  readonly writesTolerate: number;
  /** One line: `Reads and writes go on with one of three DataNodes down`. */
  readonly summary: string;
  /** Sentences: what it tolerates, what it costs, what to beware of. */
  readonly tolerates: string;
  readonly costs: string;
  /** Null: nothing. */
  readonly warning: string | null;
}

export interface FilePage {
  readonly bucket: string;
  readonly prefix: string;
  /** In byte order of path. Directories stand for all that is below them. */
  readonly entries: readonly FileEntry[];
  /** For `after` of the next page; null: this is the last. */
  readonly nextAfter: string | null;
}

export type FileEntry =
  | ({ readonly kind: "file" } & FileView)
  /** Its path ends with `/`. */
  | { readonly kind: "directory"; readonly path: string };

export interface FileView {
  /** Within the bucket. */
  readonly path: string;
  readonly version: number;
  readonly size: number;
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly etag: string;
  readonly modifiedAtMs: number;
}

/** Who stands behind an answer. */
export interface VoteView {
  /** Ids of the DataNodes that had this version when the answer was given. */
  readonly acknowledged: readonly number[];
  /** Ids of those that hold the file when all is well. */
  readonly replicas: readonly number[];
  readonly durability: Durability;
}

export interface FileStat {
  readonly bucket: string;
  readonly file: FileView;
  readonly attributes: Readonly<Record<string, string>>;
  readonly vote: VoteView;
}

export interface StoredFile {
  readonly bucket: string;
  readonly file: FileView;
  readonly vote: VoteView;
}

export interface DeletedFile {
  /** Of the delete itself. */
  readonly version: number;
  readonly vote: VoteView;
}

/** The vote on one file, now. */
export interface Explanation {
  readonly bucket: string;
  readonly path: string;
  readonly partition: number;
  readonly layout: number;
  /** The DataNode that asked the others. */
  readonly coordinator: number;
  /** N, R, W, and how many promises a contended write needs. */
  readonly replicas: number;
  readonly readQuorum: number;
  readonly writeQuorum: number;
  readonly promiseQuorum: number;
  readonly durability: Durability;
  readonly votes: readonly ReplicaVoteView[];
  readonly verdict: Verdict;
  /** Why: one sentence a step, in the order in which it was decided. */
  readonly reasons: readonly string[];
  /** What a linearizable read would answer; null for absent files and without a verdict. */
  readonly version: ExplainedVersionView | null;
  /** What a read and a write would have to do now. */
  readonly readNeeds: string;
  readonly writeNeeds: string;
  /** The file is moving: votes need their quorum in both groups. */
  readonly joint: boolean;
  /** Of the version, if it has chunks: every DataNode that should hold some. */
  readonly chunkHolders: readonly ChunkHolderView[];
}

export interface ChunkHolderView {
  readonly node: number;
  readonly address: string;
  readonly zone: string;
  readonly wanted: number;
  readonly held: number;
  /** Why it did not say. */
  readonly failure: string | null;
}

/**
 * `found`: a read quorum agrees on a version that is known to be chosen. `absent`: it knows no file, or its tombstone.
 * `unsettled`: the newest version seen is not known to be chosen, and a read would finish it first. `no_quorum`: too few
 * replicas answered.
 */
export type Verdict = "found" | "absent" | "unsettled" | "no_quorum";

export interface BallotView {
  readonly counter: number;
  readonly node: number;
  readonly incarnation: number;
}

export interface ExplainedVersionView {
  readonly version: number;
  readonly ballot: BallotView | null;
  readonly size: number;
  readonly etag: string;
  readonly modifiedAtMs: number;
  readonly deleted: boolean;
  /** 0: the content is in the record. */
  readonly chunks: number;
}

export interface ReplicaVoteView {
  readonly node: number;
  readonly address: string;
  readonly zone: string;
  /** Null if it did not answer; `failure` says why then. */
  readonly copy: ReplicaCopyView | null;
  readonly failure: string | null;
  /** Of its answer; 0 for the coordinator's own. */
  readonly latencyMs: number;
  /** It belongs to the group that votes now; to the one that will; or to both. */
  readonly current: boolean;
  readonly joining: boolean;
  /** It is one of those that the verdict rests on. */
  readonly counted: boolean;
}

/**
 * `good`: its checksum holds, or there is no record and no need of one. `content_damaged`: it votes, and cannot deliver its
 * content. `damaged`: it abstains until it is repaired. `forgotten`: it has lost its record of this file, and abstains.
 * `arriving`: it takes the partition over and has not got all.
 */
export type CopyState = "good" | "content_damaged" | "damaged" | "forgotten" | "arriving";

export interface ReplicaCopyView {
  readonly state: CopyState;
  readonly promised: BallotView | null;
  readonly accepted: BallotView | null;
  /** Null: it does not know of any ballot that is chosen. */
  readonly committed: BallotView | null;
  /** 0: it has no record. */
  readonly version: number;
  readonly size: number;
  readonly etag: string;
  readonly modifiedAtMs: number | null;
  readonly deleted: boolean;
  /** Of the chunks of the version that this node should hold: how many, and how many it does. */
  readonly chunksWanted: number;
  readonly chunksHeld: number;
}

export type Severity = "info" | "warning" | "error";

/** Newest first. */
export interface EventPage {
  readonly events: readonly EventView[];
  /** There are older ones: ask with `before` the id of the last one. */
  readonly more: boolean;
}

/** Something that happened to the cluster. */
export interface EventView {
  /** Grows from event to event. */
  readonly id: number;
  readonly atMs: number;
  /** Dotted: `node.joined`. */
  readonly kind: string;
  readonly severity: Severity;
  /** Null: none in particular. */
  readonly node: number | null;
  /** A sentence. */
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

export type WorkloadMode = "read-heavy" | "write-heavy" | "balanced" | "state-query";
export type Distribution = "uniform" | "zipfian" | "hotspot";

/** A run of the workload generator. It ends after `operations` or `durationSeconds`, whichever is over first. */
export interface WorkloadRequest {
  readonly mode: WorkloadMode;
  /** 1 to 100,000,000; default 10,000, unless a duration is given. */
  readonly operations?: number;
  /** 1 to 86,400. */
  readonly durationSeconds?: number;
  /** Operations to start per second; default: as fast as they are answered. */
  readonly ratePerSecond?: number;
  /** Operations under way at once, 1 to 4,096; default 64. */
  readonly concurrency?: number;
  /** How many files, 1 to 1,000,000; default 1,000. Written before the run, deleted after it. */
  readonly files?: number;
  /** Of a file, or a range: `1KiB`, `4KiB..64KiB`. Default `1KiB`. */
  readonly size?: string;
  /** Which files are busy. Default `uniform`. */
  readonly distribution?: Distribution;
  /** Default `files`. */
  readonly bucket?: string;
  /** Checks what is seen for linearizability; not with `state-query`. */
  readonly verify?: boolean;
}

export interface WorkloadView {
  /** The one that runs; null: none does. There is at most one. */
  readonly current: WorkloadRun | null;
  /** Earlier ones, newest first, at most 10; forgotten when the SuperNode restarts. */
  readonly finished: readonly WorkloadRun[];
}

/** `preparing`: writes its files. `checking`: is over, checks its history and deletes its files. */
export type WorkloadState =
  "starting" | "preparing" | "running" | "checking" | "stopping" | "done" | "stopped" | "failed";

export interface WorkloadRun {
  /** 1, 2, ... */
  readonly id: number;
  readonly state: WorkloadState;
  readonly request: WorkloadRequest;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly progress: WorkloadProgress;
  /** Null until it has any; also of stopped runs. */
  readonly result: WorkloadResult | null;
  /** Why it failed. */
  readonly error: string | null;
}

export interface WorkloadProgress {
  /** Files written while preparing; operations that ended, after that. */
  readonly done: number;
  /** Of how many; null: until its time is over. */
  readonly total: number | null;
  readonly failed: number;
  readonly perSecond: number;
  /** 0 to 1, of the present phase; null: not known. */
  readonly fraction: number | null;
}

export interface WorkloadResult {
  readonly elapsedMs: number;
  /** False if it was stopped by hand. */
  readonly complete: boolean;
  readonly bytesPerSecond: number;
  /** `reads` and `writes`, as far as there are any, and `all`. */
  readonly groups: readonly WorkloadGroup[];
  /** How many failed, by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Null: it was not asked for. */
  readonly linearizable: boolean | null;
}

export interface WorkloadGroup {
  readonly name: string;
  readonly operationsPerSecond: number;
  readonly count: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}
