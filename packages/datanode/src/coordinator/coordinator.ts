/**
 * The shell around core's `Mutation` and `Reading`: finds out who votes on a file, runs the machine, and tells the
 * outcome. Callbacks throughout, since a promise per step would cost as much as the step.
 */
import {
  type Ballot,
  Collection,
  type CollectionOutcome,
  type Condition,
  hasQuorum,
  type Intent,
  isJoint,
  Mutation,
  type MutationOutcome,
  type NodeId,
  QuorumError,
  Reading,
  type ReadingOutcome,
  type ReadingRequest,
  transferVoters,
  type Value,
} from "@quorumfs/core";
import type { BucketView, FilePlace } from "../cluster/cluster-view.js";
import type { LocalNode } from "../cluster/local-node.js";
import type { Follower } from "../follow/follower.js";
import type { LocalReplica } from "../replica/local-replica.js";
import { Deadlines } from "./deadlines.js";
import { FileOperation, type OperationContext, type OperationEnd } from "./file-operation.js";
import { FileQueues } from "./file-queues.js";
import { KeptPromises } from "./kept-promises.js";
import { conditionError, errorOfOutcome, noRoomError } from "./outcome-errors.js";
import { RelaxedReading } from "./relaxed-reading.js";

/** Told once how an operation ended. */
export type Done<Result> = (error: QuorumError | undefined, result: Result | undefined) => void;

/** The caller has gone. What cannot have had an effect yet is dropped and ends as `cancelled`; the rest runs to its end. */
export type CancelOperation = () => void;

export interface FileRequest {
  readonly bucket: BucketView;
  readonly path: string;
  /** On the clock's own time. */
  readonly deadlineMs: number;
  /** Goes along and tells; default: nobody does. */
  readonly follower?: Follower | undefined;
}

export interface MutateRequest extends FileRequest {
  readonly intent: Exclude<Intent, { kind: "identity" }>;
  readonly condition: Condition;
  readonly requestId: Uint8Array;
  readonly mayHaveRun: boolean;
  readonly mayBeRepeated: boolean;
  readonly seenVersion: number;
  /** The wall clock that the new version carries; default: that of the moment in which the mutation begins. */
  readonly modifiedAtMs?: number;
}

export interface Mutated {
  /** The value that is chosen now. */
  readonly value: Value;
  /** Counter of the version that the mutation made. */
  readonly version: number;
  /** What it replaced, without content; undefined if there was nothing, or if it is not known. */
  readonly replaced: Value | undefined;
  readonly acknowledged: readonly NodeId[];
  readonly place: FilePlace;
}

export interface ReadRequest extends FileRequest {
  readonly withContent: boolean;
  readonly consistency: "linearizable" | "relaxed";
  /** The client's name for the read, for the logs; default: none. */
  readonly requestId?: Uint8Array;
}

export interface Found {
  readonly value: Value;
  readonly holders: readonly NodeId[];
  readonly place: FilePlace;
}

export interface CoordinatorOptions extends OperationContext {
  readonly self: LocalNode;
  readonly replica: LocalReplica;
}

export interface SettleRequest extends FileRequest {
  /** Where there never was such a file, a tombstone is made, so that there is something to vote for. */
  readonly orTombstone?: boolean;
  /**
   * `transfer`: the round by which a node takes a file over; W votes of the nodes that take over are enough. As any other
   * round where the partition does not move, or not any more; `place` tells what it was.
   */
  readonly via?: "transfer";
}

/** What an identity round has found and made chosen; undefined: there never was such a file. */
export interface Settled {
  readonly value: Value | undefined;
  /** The ballot at which it is chosen now. */
  readonly ballot: Ballot | undefined;
  /** Who has voted for that ballot, as far as they were heard. */
  readonly acknowledged: readonly NodeId[];
  readonly place: FilePlace;
}

/** What became of a tombstone. `erasing`: all N replicas have voted for it, and are told to erase it. */
export type Collected = Exclude<CollectionOutcome, { kind: "stale_layout" }>;

/** A read has no request id of its own: nothing of it stays. */
const noRequestId = new Uint8Array(0);

/** A mutation, or an identity round. */
type ChangeRequest = Omit<MutateRequest, "intent"> & { readonly intent: Intent };

const identityTerms = {
  condition: { kind: "none" },
  requestId: noRequestId,
  mayHaveRun: false,
  mayBeRepeated: false,
  seenVersion: 0,
} as const;

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #queues = new FileQueues();
  readonly #kept = new KeptPromises();
  readonly #deadlines: Deadlines;
  readonly #unsubscribe: () => void;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#unsubscribe = options.store.onInstalled((view, before) => {
      if (view.layoutNumber !== before.layoutNumber) this.#kept.clear();
    });
  }

  mutate(request: MutateRequest, done: Done<Mutated>): CancelOperation {
    const noRoom = this.#lackOfRoom(request);
    if (noRoom) {
      done(noRoom, undefined);
      return nothing;
    }
    return this.#change(request, (end) => settleMutation(request, end, done));
  }

  /**
   * Makes the current value of a file chosen at a new ballot, whatever it is: nothing that was proposed before and is not
   * chosen by then can become chosen any more.
   */
  settle(request: SettleRequest, done: Done<Settled>): CancelOperation {
    const { orTombstone = false, via } = request;
    const intent = { kind: "identity", orTombstone, transfer: via === "transfer" } as const;
    return this.#change({ ...request, ...identityTerms, intent }, (end) => settleIdentity(request, end, done));
  }

  #change(request: ChangeRequest, onEnd: (end: OperationEnd<MutationOutcome>) => void): CancelOperation {
    const { bucket, path, deadlineMs, requestId, follower, mayHaveRun } = request;
    const file = `${bucket.id}/${path}`;
    let started = false;
    const operation = new FileOperation<MutationOutcome>(this.#options, {
      operation: request.intent.kind === "identity" ? "settle" : "write",
      bucket,
      path,
      deadlineMs,
      requestId,
      follower,
      mayHaveRun,
      machineFor: (place, mayHaveRunNow) => this.#mutation(request, place, { file, mayHaveRun: mayHaveRunNow }),
      onEnd: (end) => {
        this.#deadlines.forget(slot);
        this.#keep(file, end);
        onEnd(end);
        if (started) this.#queues.leave(file);
      },
    });
    const slot = this.#deadlines.watch(operation);
    const entered = this.#queues.enter(file, () => {
      if (operation.ended) {
        this.#queues.leave(file);
        return;
      }
      started = true;
      follower?.hasTurn();
      operation.start();
    });
    if (!entered) {
      this.#deadlines.forget(slot);
      onEnd({ error: tooManyWait(bucket, path) });
    } else if (!started) follower?.queues();
    return () => operation.cancel();
  }

  read(request: ReadRequest, done: Done<Found>): CancelOperation {
    const { bucket, path, deadlineMs, requestId = noRequestId, follower } = request;
    const operation = new FileOperation<ReadingOutcome>(this.#options, {
      operation: request.consistency === "relaxed" ? "relaxed_read" : "read",
      bucket,
      path,
      deadlineMs,
      requestId,
      follower,
      mayHaveRun: false,
      machineFor: (place) => this.#reading(request, place),
      onEnd: (end) => {
        this.#deadlines.forget(slot);
        settleRead(request, end, done);
      },
    });
    const slot = this.#deadlines.watch(operation);
    operation.start();
    return () => operation.cancel();
  }

  /**
   * Erases a file's tombstone on all its replicas, if each of them is there to vote for it; a file that exists stays. Not while
   * its partition moves.
   */
  collect({ bucket, path, deadlineMs }: FileRequest, done: Done<Collected>): CancelOperation {
    const { self, replica, clock } = this.#options;
    const operation = new FileOperation<CollectionOutcome>(this.#options, {
      operation: "collect",
      bucket,
      path,
      deadlineMs,
      requestId: noRequestId,
      mayHaveRun: false,
      machineFor: ({ voters }) =>
        new Collection({
          voters,
          self: self.proposer,
          requestId: noRequestId,
          counterHint: replica.counterHint(bucket.id, path),
          nowMs: Math.trunc(clock.wallMs()),
        }),
      onEnd: (end) => {
        this.#deadlines.forget(slot);
        if (end.error) done(end.error, undefined);
        else if (end.outcome.kind !== "stale_layout") done(undefined, end.outcome);
        else done(errorOfOutcome(end.outcome, `${bucket.name}/${path}`), undefined);
      },
    });
    const slot = this.#deadlines.watch(operation);
    operation.start();
    return () => operation.cancel();
  }

  /** Ends everything that is under way, each operation with what is known of it by now. Idempotent. */
  close(): void {
    this.#unsubscribe();
    this.#deadlines.expireAll();
    this.#options.hedges.close();
  }

  /** Why a put is not begun: too many of the file's replicas take no new content. */
  #lackOfRoom({ intent, bucket, path, mayHaveRun }: MutateRequest): QuorumError | undefined {
    // What may have run is looked for first, room or not.
    if (intent.kind !== "put" || mayHaveRun) return undefined;
    const { full } = this.#options.links;
    const voters = this.#options.store.view.place(bucket, path)?.voters;
    if (!voters || hasQuorum(voters, "write", (node) => !full.has(node))) return undefined;
    return noRoomError(voters, (node) => full.has(node));
  }

  #mutation(
    request: ChangeRequest,
    place: FilePlace,
    attempt: { readonly file: string; readonly mayHaveRun: boolean },
  ): Mutation {
    const { self, replica, clock } = this.#options;
    const { intent, condition, requestId, mayBeRepeated, seenVersion, bucket, path } = request;
    const kept = this.#kept.take(attempt.file);
    const nowMs = request.modifiedAtMs ?? clock.wallMs();
    const isTransfer = intent.kind === "identity" && intent.transfer === true && isJoint(place.voters);
    return new Mutation({
      voters: isTransfer ? transferVoters(place.voters) : place.voters,
      self: self.proposer,
      intent: intent.kind === "identity" ? { ...intent, transfer: isTransfer } : intent,
      condition,
      requestId,
      mayHaveRun: attempt.mayHaveRun,
      mayBeRepeated,
      seenVersion,
      counterHint: replica.counterHint(bucket.id, path),
      // What is kept is a ballot to propose something new at; an identity round has to ask first what there is.
      ...(kept && intent.kind !== "identity" && { kept }),
      nowMs: Math.trunc(nowMs),
    });
  }

  #reading(request: ReadRequest, place: FilePlace): Reading | RelaxedReading {
    const { self, replica, clock } = this.#options;
    const { withContent, consistency } = request;
    if (consistency === "relaxed") return new RelaxedReading({ nodes: this.#nearestFirst(place), withContent });
    return new Reading(new ReadingTerms({ request, place, self, replica, nowMs: Math.trunc(clock.wallMs()) }));
  }

  /** This node if it holds the file, then those that are up. Who is only taking it over may not have it yet. */
  #nearestFirst(place: FilePlace): readonly NodeId[] {
    const { links, store } = this.#options;
    const rank = (node: NodeId) => {
      if (links.isLocal(node)) return 0;
      return store.view.nodes.get(node)?.state === "up" ? 1 : 2;
    };
    return [...links.readiestFirst(place.voters.groups[0]?.members ?? place.voters.members)].sort(
      (a, b) => rank(a) - rank(b),
    );
  }

  #keep(file: string, end: OperationEnd<MutationOutcome>): void {
    if (end.error || end.outcome.kind !== "applied" || !end.outcome.kept) return;
    // The voters may have changed while the votes came in.
    const { layoutNumber } = this.#options.store.view;
    if (end.layoutNumber === layoutNumber) this.#kept.put(file, end.outcome.kept);
  }
}

function settleMutation(request: MutateRequest, end: OperationEnd<MutationOutcome>, done: Done<Mutated>): void {
  if (end.error) {
    done(end.error, undefined);
    return;
  }
  const { outcome, place } = end;
  const { bucket, path, intent, condition } = request;
  const file = `${bucket.name}/${path}`;
  switch (outcome.kind) {
    case "applied":
      done(undefined, {
        value: outcome.value,
        version: outcome.version,
        replaced: outcome.replaced,
        acknowledged: outcome.acknowledged,
        place,
      });
      break;
    case "condition_failed": {
      const present = outcome.current?.kind === "live" ? outcome.current.version.counter : 0;
      const currentVersion = outcome.before ? undefined : present;
      done(conditionError({ intent: intent.kind, condition, file, currentVersion }), undefined);
      break;
    }
    case "quorum_unavailable":
    case "contended":
    case "stale_layout":
    case "unknown":
    case "unproven":
      done(errorOfOutcome(outcome, file), undefined);
      break;
  }
}

function settleIdentity({ bucket, path }: FileRequest, end: OperationEnd<MutationOutcome>, done: Done<Settled>): void {
  if (end.error) {
    done(end.error, undefined);
    return;
  }
  const { outcome, place } = end;
  switch (outcome.kind) {
    case "applied":
      done(undefined, { value: outcome.value, ballot: outcome.ballot, acknowledged: outcome.acknowledged, place });
      break;
    case "condition_failed":
      done(undefined, { value: undefined, ballot: undefined, acknowledged: [], place });
      break;
    case "quorum_unavailable":
    case "contended":
    case "stale_layout":
    case "unknown":
    case "unproven":
      done(errorOfOutcome(outcome, `${bucket.name}/${path}`), undefined);
      break;
  }
}

function settleRead(request: ReadRequest, end: OperationEnd<ReadingOutcome>, done: Done<Found>): void {
  if (end.error) done(end.error, undefined);
  else if (end.outcome.kind === "found") {
    done(undefined, { value: end.outcome.value, holders: end.outcome.holders, place: end.place });
  } else done(errorOfOutcome(end.outcome, `${request.bucket.name}/${request.path}`), undefined);
}

function nothing(): void {}

function tooManyWait(bucket: BucketView, path: string): QuorumError {
  return new QuorumError({
    code: "resource_exhausted",
    message: `too many changes to ${bucket.name}/${path} wait already; try again shortly`,
    details: { retryAfterMs: 50 },
  });
}

/** What a reading is about. The hint is looked up only if the reading has to propose something itself, which is rare. */
class ReadingTerms implements ReadingRequest {
  readonly voters: ReadingRequest["voters"];
  readonly self: ReadingRequest["self"];
  readonly withContent: boolean;
  readonly requestId = noRequestId;
  readonly nowMs: number;
  readonly #counterHint: () => number;

  constructor(options: {
    readonly request: ReadRequest;
    readonly place: FilePlace;
    readonly self: LocalNode;
    readonly replica: LocalReplica;
    readonly nowMs: number;
  }) {
    const { request, place, self, replica, nowMs } = options;
    this.voters = place.voters;
    this.self = self.proposer;
    this.withContent = request.withContent;
    this.nowMs = nowMs;
    this.#counterHint = () => replica.counterHint(request.bucket.id, request.path);
  }

  get counterHint(): number {
    return this.#counterHint();
  }
}
