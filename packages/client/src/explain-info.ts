import type { WallDate } from "./adapters/wall-date.js";
import type { DurabilityClass } from "./file-info.js";

/** The number under which a coordinator proposes; compared by counter, then node, then incarnation. */
export interface BallotInfo {
  readonly counter: number;
  /** The DataNode that proposes. */
  readonly node: number;
  /** How often that DataNode has started. */
  readonly incarnation: number;
}

/**
 * What a linearizable read would make of a file's replicas now:
 *
 * - `found`: it answers `version`.
 * - `absent`: it answers that there is no such file. With a `version`, that is its delete.
 * - `unsettled`: `version` is the newest that was seen, and not known to be chosen; a read that meets it finishes its write first.
 * - `no_quorum`: it fails, since too few replicas answer.
 */
export type ExplainVerdict = "found" | "absent" | "unsettled" | "no_quorum";

/** How the vote on one file stands. */
export interface Explanation {
  /** `bucket/path`. */
  readonly name: string;
  readonly bucket: string;
  readonly path: string;
  readonly partition: number;
  /** Number of the layout. */
  readonly layout: number;
  /** The DataNode that asked the others. */
  readonly coordinator: number;
  /** N, R, W, and how many promises a new ballot needs. */
  readonly replicas: number;
  readonly readQuorum: number;
  readonly writeQuorum: number;
  readonly promiseQuorum: number;
  readonly durability: DurabilityClass;
  /** The file is moving: every quorum is needed in both groups of replicas. */
  readonly joint: boolean;
  readonly verdict: ExplainVerdict;
  /** Undefined without a quorum, and where there never was such a file. */
  readonly version: ExplainedVersion | undefined;
  /** One for each replica, in order of preference as coordinator. */
  readonly votes: readonly ReplicaVote[];
  /** Why, in sentences: one a step, in the order in which a read decides. */
  readonly reasons: readonly string[];
  /** What a read, and what a write, has to do now; in sentences. */
  readonly readNeeds: string;
  readonly writeNeeds: string;
  /** Of the version, if it has chunks: every DataNode that should hold some. */
  readonly chunkHolders: readonly ChunkHolder[];
}

export interface ExplainedVersion {
  readonly version: number;
  /** At which it was accepted last. */
  readonly ballot: BallotInfo;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 in hexadecimal; empty for a delete. */
  readonly etag: string;
  readonly modifiedAt: WallDate;
  readonly deleted: boolean;
  /** 0: the content is in the record. */
  readonly chunks: number;
}

export interface ReplicaVote {
  readonly node: number;
  readonly address: string;
  readonly zone: string;
  /** While the file moves: in which of the two groups the replica votes; else `current`. */
  readonly group: "current" | "joining" | "both";
  /** Whether the verdict rests on what it said. */
  readonly counted: boolean;
  /** Of its answer; 0 for the coordinator's own. */
  readonly latencyMs: number;
  /** Undefined if it did not answer; then `failure` says why. */
  readonly copy: ReplicaCopy | undefined;
  readonly failure: string | undefined;
}

/**
 * - `good`: what it has matches its checksums, or it has nothing and needs nothing.
 * - `content_damaged`: it votes, and cannot deliver its content.
 * - `damaged`: it abstains until it is repaired.
 * - `forgotten`: it abstains until a vote comes that is above all that it may have promised.
 * - `arriving`: it takes the file's partition over, and has not got all of it.
 */
export type CopyState = "good" | "content_damaged" | "damaged" | "forgotten" | "arriving";

export interface ReplicaCopy {
  readonly state: CopyState;
  /** Undefined: it has promised nothing above what it has accepted. */
  readonly promised: BallotInfo | undefined;
  /** Undefined: it has nothing of the file, or abstains. */
  readonly accepted: BallotInfo | undefined;
  /** Highest ballot that it has been told is chosen; undefined: none. A hint that saves rounds, lost with a restart. */
  readonly committed: BallotInfo | undefined;
  /** Undefined: it has no version. */
  readonly version: number | undefined;
  readonly size: number;
  readonly etag: string;
  readonly modifiedAt: WallDate | undefined;
  readonly deleted: boolean;
  /** Without a record, it takes no ballot whose counter is at or below this: what deleted files have left behind. */
  readonly floor: number;
  /** Of the chunks of `version` above that this node should hold: how many, and how many it does. */
  readonly chunksWanted: number;
  readonly chunksHeld: number;
}

export interface ChunkHolder {
  readonly node: number;
  readonly address: string;
  readonly zone: string;
  /** By the layout. */
  readonly wanted: number;
  readonly held: number;
  /** Why the node did not say; undefined: it did. */
  readonly failure: string | undefined;
}
