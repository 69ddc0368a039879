/**
 * This node's own votes: core's `answer()` over a disk.
 *
 * A vote is decided at once, on the newest state of its file, and its answer waits until that state is durable: so
 * votes of one file are decided in the order in which they came, a commit holds all votes of a turn of the event loop,
 * and nothing that a crash could take back is ever shown. That goes for answers that change nothing, too: a read that
 * meets a record on its way to the disk waits for it.
 *
 * Buckets of class `memory` are the exception, by their owner's choice: their answers do not wait.
 */
import {
  answer,
  assert,
  type Ballot,
  type BucketId,
  bucketId,
  type Clock,
  type Disk,
  type ErrorCode,
  type Log,
  partitionOf,
  QuorumError,
  type RangePage,
  reasonOf,
  type ReplicaReply,
  type ReplicaRequest,
  type ReplicaStep,
  type TableWrite,
  zeroBallot,
} from "@quorumfs/core";
import type { Span } from "@quorumfs/telemetry/lean";
import { Ceiling } from "./ceiling.js";
import { EarlyVotes } from "./early-votes.js";
import type { FileState } from "./file-state.js";
import { type DamagedFile, FileTable } from "./file-table.js";
import { Floors } from "./floors.js";
import { manifestAgeMaxMsDefault, refusalOfFresh } from "./fresh-value.js";
import { GenerationCache } from "./generation-cache.js";
import type {
  InspectedCopy,
  RangeRequest,
  ReplicaTarget,
  ScannedEntry,
  SurveyedRecord,
  SurveyRequest,
} from "./messages.js";
import { dropRows } from "./partition-drop.js";
import { RangeReader } from "./range-reader.js";
import type { RecordChanges } from "./record-changes.js";
import { recordKey } from "./record-key.js";
import type { ReplicaContext } from "./replica-context.js";
import { type VoteBatch, VoteBatches } from "./vote-batches.js";
import { WindowReader } from "./window-reader.js";
import type { Window, WindowRequest } from "./window.js";

/** Files for which the highest ballot that is known to be chosen is remembered. A forgotten one costs a reader a round. */
const committedHintsMax = 65_536;

export interface LocalReplicaOptions {
  readonly context: ReplicaContext;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** The disk refused a write: nothing is acknowledged any more, and the process must go. Called once. */
  readonly onDiskFailure: (error: QuorumError) => void;
  /** Something of a file is lost here and could be had from other replicas. May be called again for the same file. */
  readonly onDamage?: (file: DamagedFile) => void;
  /** Told of each change of a record; default: nobody. */
  readonly changes?: RecordChanges;
  /** Whether too little space is left for new content; default: never. */
  readonly isFull?: () => boolean;
  /** Of new manifests; default {@link manifestAgeMaxMsDefault}. */
  readonly manifestAgeMaxMs?: number;
}

const corrupt: ReplicaReply = Object.freeze({ kind: "corrupt" });

export class LocalReplica {
  readonly #options: LocalReplicaOptions;
  readonly #files: FileTable;
  readonly #floors: Floors;
  readonly #ceiling: Ceiling;
  readonly #committed = new GenerationCache<string, Ballot>({ entriesMax: committedHintsMax });
  readonly #batches: VoteBatches;
  readonly #ranges: RangeReader;
  readonly #windows: WindowReader;
  readonly #early: EarlyVotes;
  #damage = 0;
  #closing: Promise<void> | undefined;

  constructor(options: LocalReplicaOptions) {
    const { context, disk, clock, log } = options;
    this.#options = options;
    this.#early = new EarlyVotes(context);
    this.#floors = new Floors(disk);
    this.#ceiling = new Ceiling({ disk, highestFloor: this.#floors.highest });
    this.#files = new FileTable({
      disk,
      ceiling: this.#ceiling,
      onDamage: (file) => this.#onDamage(file),
      changes: options.changes,
    });
    this.#batches = new VoteBatches({
      disk,
      clock,
      log,
      onDurable: (batch) => this.#onDurable(batch),
      onFailure: (error) => this.#onDiskFailure(error),
    });
    this.#ranges = new RangeReader({
      records: this.#files.records,
      clock,
      committedOf: (bucket, path) => this.#committed.get(nameOf(bucket, path)),
      onDamage: (file) => this.#onDamage(file),
      settled: () => this.#batches.settled(),
      highestFloor: () => this.#floors.highest,
    });
    this.#windows = new WindowReader({
      records: this.#files.records,
      clock,
      onDamage: (file) => this.#onDamage(file),
      settled: () => this.#batches.settled(),
    });
    this.#mend();
  }

  /** How often a damaged record or content was met since the start. */
  get damageCount(): number {
    return this.#damage;
  }

  /** Records held; constant time. */
  get recordCount(): number {
    return this.#files.records.count();
  }

  /** Files whose newest state the disk may not have yet. */
  unsyncedFiles(): ReadonlySet<FileState> {
    return this.#batches.files;
  }

  /**
   * Accepted ballot of this node's record of a file, which may be ahead of the disk; zero if there is none. Undefined: the
   * record is damaged.
   */
  acceptedOf(bucket: BucketId, path: string): Ballot | undefined {
    const file = this.#fileOf(bucket, path);
    return file.forgotten ? undefined : (file.record?.accepted ?? zeroBallot);
  }

  /**
   * Answers one vote. `reply` is called exactly once, as soon as what it promises is durable: perhaps before `handle`
   * returns, and with the other answers of the same commit. Never throws for what is in the request.
   *
   * @param span of the vote, if anybody follows: its wait for the disk becomes a span of its own
   */
  handle(target: ReplicaTarget, request: ReplicaRequest, reply: (reply: ReplicaReply) => void, span?: Span): void {
    const { bucket, path } = target;
    const name = nameOf(bucket, path);
    const known = this.#files.find(name);
    const partition = known?.partition ?? this.#partitionOf(bucket, path);
    if (this.#isEarly(target, partition, request)) return this.#hold({ target, partition, request, reply, span });
    const refusal = this.#refusalOf(target, partition, request);
    if (refusal) return reply(refusal);
    if (request.kind === "commit") return reply(this.#hint(name, request));

    const file = known ?? this.#files.load({ name, bucket, path, partition });
    const step = this.#decide(file, request);
    this.#perform(file, step);
    if (file.lastBatch === undefined || this.#isShownAtOnce(file)) return reply(step.reply);
    const commit = span?.child("disk commit");
    this.#batches.onEnd(file.lastBatch, (failure) => {
      commit?.end(failure);
      reply(failure ? unavailable(failure.message) : step.reply);
    });
  }

  /**
   * What this node has of a file. Changes nothing; but damage that it meets is told, as when a read meets it.
   *
   * @throws QuorumError `precondition_failed`: this node follows a newer layout; `unavailable`: it has no vote on the file, or
   *   its disk failed
   */
  async inspect({ bucket, path, layout }: ReplicaTarget): Promise<InspectedCopy> {
    const { context } = this.#options;
    const partition = this.#partitionOf(bucket, path);
    const follows = (): boolean => (context.layout()?.partitions[partition]?.layout ?? 0) >= layout;
    if (!follows()) await context.newerLayout(follows);
    const target = { bucket, path, layout };
    const refusal = this.#refusalOf(target, partition, { kind: "read", withContent: true });
    if (refusal) {
      const code = refusal.kind === "stale_layout" ? "precondition_failed" : "unavailable";
      throw new QuorumError({ code, message: reasonOf(refusal) });
    }
    const file = this.#fileOf(bucket, path);
    const copy = this.#copyOf(file);
    if (file.lastBatch !== undefined && !this.#isShownAtOnce(file)) await this.#batches.settled();
    return copy;
  }

  /** Highest ballot counter that this node knows of the file; 0 if none. A hint: it may be ahead of the disk. */
  counterHint(bucket: BucketId, path: string): number {
    const name = nameOf(bucket, path);
    let file = this.#files.find(name);
    const partition = file?.partition ?? this.#partitionOf(bucket, path);
    if (!this.#options.context.holds(partition)) return 0;
    if (!file) {
      file = this.#files.load({ name, bucket, path, partition });
      // Who asks is about to send a PREPARE.
      this.#files.keep(file);
    }
    const register = this.#files.registerOf(file, { withPromise: true });
    const highest = register?.promised.counter ?? file.forgotten?.ceiling ?? 0;
    return Math.max(highest, this.#floorOf(file) ?? 0);
  }

  /**
   * A page of a bucket.
   *
   * @throws QuorumError `invalid_argument`: a limit out of bounds; `unavailable`: the disk failed
   */
  async rangeRead(request: RangeRequest): Promise<RangePage> {
    // What is acknowledged before the disk has it must not be missing from a list that begins afterwards.
    if (this.#isMemoryBucket(request.bucket)) await this.#batches.settled();
    return await this.#ranges.page(request);
  }

  /**
   * Everything this node holds, in order of bucket id and path, in pages of a few hundred; the next page is read when
   * it is asked for.
   */
  async *scan(): AsyncIterable<readonly ScannedEntry[]> {
    await this.#batches.settled();
    const { context } = this.#options;
    for await (const page of this.#ranges.scan()) {
      // What is left of partitions that have moved away counts no more.
      const held = page.filter(({ bucket, entry }) => context.holds(this.#partitionOf(bucket, entry.path)));
      if (held.length > 0) yield held;
    }
  }

  /**
   * A part of a bucket, for a state query. What is left of partitions that have moved away is not told.
   *
   * @throws QuorumError `unavailable`: the disk failed
   */
  async window(request: WindowRequest): Promise<Window> {
    // What is acknowledged before the disk has it must not be missing.
    if (this.#isMemoryBucket(request.bucket)) await this.#batches.settled();
    const { context } = this.#options;
    const parts = request.parts.map((part, partition) => (context.holds(partition) ? part : 0));
    return await this.#windows.read({ ...request, parts });
  }

  /**
   * The records that are wanted, in outline, in order of bucket id and path, a few at a time: the next are read when they
   * are asked for, and perhaps there are none among these. Votes that were decided before the call are in it.
   */
  async *survey(request: SurveyRequest): AsyncIterable<readonly SurveyedRecord[]> {
    await this.#batches.settled();
    yield* this.#ranges.survey(request);
  }

  /**
   * Floors of partitions. Of what was erased before the call, and so is missing from a survey that has ended, they tell.
   *
   * @returns undefined for a partition whose floor is damaged
   * @throws QuorumError `unavailable`: the disk failed
   */
  async floorsOf(partitions: Iterable<number>): Promise<ReadonlyMap<number, number | undefined>> {
    await this.#batches.settled();
    return new Map([...partitions].map((partition) => [partition, this.#floors.of(partition)]));
  }

  /**
   * What the disk has of a file, read anew. A file that was forgotten, and that can be read by now, is known again.
   *
   * @throws QuorumError `unavailable`: the disk failed
   */
  async check(file: DamagedFile): Promise<"sound" | "damaged" | "absent"> {
    await this.#batches.settled();
    const found = this.#files.check(recordKey(file.bucket, file.path));
    if (found !== "damaged") this.reconsider(file);
    return found;
  }

  /**
   * Puts rows that lie under this file's name, because a bit of their keys has flipped, back to the files that they belong to.
   *
   * @returns whether there were any
   * @throws QuorumError `unavailable`: the disk failed
   */
  async rescue(file: DamagedFile): Promise<boolean> {
    await this.#batches.settled();
    const { bucket, path } = file;
    if ((this.#files.find(nameOf(bucket, path))?.unsynced ?? 0) > 0) return false;
    const { context } = this.#options;
    if (!context.holds(this.#partitionOf(bucket, path))) return false;
    const rows = this.#files.misplaced(file).filter(({ home }) => {
      return context.holds(this.#partitionOf(home.bucket, home.path));
    });
    for (const row of rows) {
      const { home } = row;
      this.#options.log.warn("replica.row-put-back", { from: path, bucket: home.bucket, path: home.path });
      const owner = this.#fileOf(home.bucket, home.path);
      this.#write(owner, this.#files.takeBack(owner, row));
    }
    await this.#batches.settled();
    const known = this.#files.find(nameOf(bucket, path));
    if (rows.length > 0 && known?.unsynced === 0) this.#files.drop(known);
    return rows.length > 0;
  }

  /**
   * Abstains from votes on a file as if its record could not be read, until a vote above the ceiling takes its place or
   * somebody calls {@link reconsider}.
   *
   * @returns false, and does nothing, where that is so already
   * @throws QuorumError `unavailable`: the disk failed
   */
  async abandon(file: DamagedFile): Promise<boolean> {
    await this.#batches.settled();
    const { bucket, path } = file;
    if (!this.#options.context.holds(this.#partitionOf(bucket, path))) return false;
    const state = this.#fileOf(bucket, path);
    if (state.forgotten || state.unsynced > 0) return false;
    this.#files.abandon(state);
    return true;
  }

  /** Reads a forgotten file anew when it is needed next. */
  reconsider({ bucket, path }: DamagedFile): void {
    const known = this.#files.find(nameOf(bucket, path));
    if (known?.forgotten && known.unsynced === 0) this.#files.drop(known);
  }

  /**
   * Removes all that is here of some partitions, none of which this node holds: records, contents, promises, floors, and what is
   * in memory. Resolves when that is durable; once `signal` is aborted, with some of it left.
   *
   * @param options.pause called between two commits, each of some hundred rows
   * @throws QuorumError `unavailable`: the disk failed
   */
  async dropPartitions(
    partitions: ReadonlySet<number>,
    options: { readonly signal: AbortSignal; readonly pause: () => Promise<void> },
  ): Promise<void> {
    const { context, disk, clock } = this.#options;
    for (const partition of partitions)
      assert(!context.holds(partition), "a partition is dropped after it was given up");
    // Votes from before; since then none was taken.
    await this.#batches.settled();
    const partitionCount = context.layout()?.partitions.length;
    await dropRows({ disk, clock, files: this.#files, partitionCount, partitions, ...options });
    if (options.signal.aborted) return;
    await disk.commit(this.#floors.drop(partitions));
    this.#floors.onDropped(partitions);
    this.#files.forget(partitions);
    this.#committed.deleteWhere((_ballot, name) => partitions.has(this.#partitionOfName(name)));
    this.#options.changes?.emptied(partitions);
  }

  /**
   * Raises the floors of partitions to what other replicas know of. After their records were copied: below a floor no file
   * without a record takes a vote. Resolves when durable.
   *
   * @throws QuorumError `unavailable`: the disk failed
   */
  async raiseFloors(floors: ReadonlyMap<number, number>): Promise<void> {
    const higher = [...floors].filter(([partition, floor]) => floor > (this.#floors.of(partition) ?? floor));
    if (higher.length === 0) return;
    const highest = Math.max(...higher.map(([, floor]) => floor));
    const writes = higher.map(([partition, floor]) => this.#floors.raise(partition, floor));
    await this.#options.disk.commit([...writes, ...this.#ceiling.cover(highest)]);
    for (const [partition, floor] of higher) this.#floors.onDurable(partition, floor);
  }

  /** Refuses new votes and waits until the disk has what was taken. Does not close the disk. Idempotent. */
  close(): Promise<void> {
    // A disk that has failed was reported; there is nothing left to wait for.
    this.#closing ??= this.#batches.settled().catch(() => undefined);
    return this.#closing;
  }

  #fileOf(bucket: BucketId, path: string): FileState {
    const name = nameOf(bucket, path);
    const known = this.#files.find(name);
    return known ?? this.#files.load({ name, bucket, path, partition: this.#partitionOf(bucket, path) });
  }

  #partitionOfName(name: string): number {
    const slash = name.indexOf("/");
    return this.#partitionOf(bucketId(Number(name.slice(0, slash))), name.slice(slash + 1));
  }

  #partitionOf(bucket: BucketId, path: string): number {
    return partitionOf(bucket, path, this.#options.context.layout()?.partitions.length);
  }

  /** Whether the sender follows a newer layout of the partition. A hint is true under any. */
  #isEarly({ layout }: ReplicaTarget, partition: number, { kind }: ReplicaRequest): boolean {
    const known = this.#options.context.layout()?.partitions[partition]?.layout;
    return known !== undefined && layout > known && kind !== "commit";
  }

  #hold(vote: {
    readonly target: ReplicaTarget;
    readonly partition: number;
    readonly request: ReplicaRequest;
    readonly reply: (reply: ReplicaReply) => void;
    readonly span: Span | undefined;
  }): void {
    const { target, partition, request, reply, span } = vote;
    if (this.#closing) return reply(unavailable("the node is stopping"));
    this.#early.hold({
      partition,
      layout: target.layout,
      request,
      decide: () => this.handle(target, request, reply, span),
      refuse: ({ message }) => reply(unavailable(message)),
    });
  }

  /** What stands in the way of a vote before its file is looked at. */
  #refusalOf(target: ReplicaTarget, partition: number, request: ReplicaRequest): ReplicaReply | undefined {
    if (this.#closing) return unavailable("the node is stopping");
    if (this.#batches.failure) return unavailable(this.#batches.failure.message);
    return (
      this.#refusalByLayout(target, partition) ??
      this.#refusalByBallots(request) ??
      this.#refusalByBucket(target, request) ??
      this.#refusalOfFresh(request)
    );
  }

  #refusalByLayout(target: ReplicaTarget, partition: number): ReplicaReply | undefined {
    const { context } = this.#options;
    const { self } = context;
    const assignment = context.layout()?.partitions[partition];
    if (!assignment || self === undefined) return unavailable("the node has no layout yet");
    if (target.layout < assignment.layout) return { kind: "stale_layout", layout: assignment.layout };
    const isVoter = assignment.nodes.includes(self) || assignment.joining.includes(self);
    if (isVoter && context.holds(partition)) return undefined;
    const lacks = isVoter ? "still clears what it is to hold anew of" : "does not hold";
    return unavailable(`node ${self} ${lacks} partition ${partition} in layout ${assignment.layout}`);
  }

  #refusalByBallots(request: ReplicaRequest): ReplicaReply | undefined {
    if (request.kind === "read") return undefined;
    const { context } = this.#options;
    const stranger = !context.wasMember(request.ballot.node)
      ? request.ballot
      : request.kind === "accept" && request.next && !context.wasMember(request.next.node)
        ? request.next
        : undefined;
    if (!stranger) return undefined;
    return refused("permission_denied", `the ballot's node ${stranger.node} is not a member of this cluster`);
  }

  #refusalByBucket(target: ReplicaTarget, request: ReplicaRequest): ReplicaReply | undefined {
    if (request.kind !== "prepare" && request.kind !== "accept") return undefined;
    if (this.#batches.isFull) return refused("resource_exhausted", "too many votes wait for the disk");
    if (request.kind === "accept" && request.value.content.kind === "omitted") {
      return refused("invalid_argument", "the value is without its content");
    }
    const bucket = this.#options.context.bucket(target.bucket);
    if (!bucket) return unavailable(`the node does not know bucket ${target.bucket} yet`);
    if (bucket.deleting) return refused("not_found", `bucket ${target.bucket} is being deleted`);
    return undefined;
  }

  #refusalOfFresh(request: ReplicaRequest): ReplicaReply | undefined {
    if (request.kind !== "accept") return undefined;
    const { clock, isFull, manifestAgeMaxMs = manifestAgeMaxMsDefault } = this.#options;
    return refusalOfFresh(request, { isFull: isFull?.() ?? false, wallMs: clock.wallMs(), manifestAgeMaxMs });
  }

  #hint(name: string, request: ReplicaRequest): ReplicaReply {
    const step = answer({ register: undefined, floor: 0, committed: this.#committedOf(name) }, request);
    if (step.committed) this.#committed.set(name, step.committed);
    return step.reply;
  }

  #committedOf(name: string): Ballot {
    return this.#committed.get(name) ?? zeroBallot;
  }

  #decide(file: FileState, request: ReplicaRequest): ReplicaStep {
    const floor = this.#floorOf(file);
    let register = this.#files.registerOf(file, { withPromise: request.kind !== "read" });
    if (floor === undefined) return { reply: corrupt };
    if (request.kind === "read" && request.withContent && register?.value?.kind === "live") {
      const content = this.#files.contentOf(file);
      if (!content) return { reply: corrupt };
      register = { ...register, value: { ...register.value, content } };
    }
    const { forgotten } = file;
    return answer({ register, forgotten, floor, committed: this.#committedOf(file.name) }, request);
  }

  #copyOf(file: FileState): InspectedCopy {
    const floor = this.#floorOf(file);
    const register = this.#files.registerOf(file, { withPromise: true });
    if (floor === undefined) return { kind: "damaged" };
    if (file.forgotten) return { kind: file.forgotten.ceiling === undefined ? "damaged" : "forgotten" };
    const { reply } = answer(
      { register, floor, committed: this.#committedOf(file.name) },
      { kind: "read", withContent: false },
    );
    assert(reply.kind === "state", "whoever has not forgotten a file tells its state");
    const isContentDamaged = register?.value?.kind === "live" && this.#files.contentOf(file) === undefined;
    return { kind: "readable", state: reply, promised: register?.promised ?? zeroBallot, isContentDamaged };
  }

  #floorOf(file: FileState): number | undefined {
    const floor = this.#floors.of(file.partition);
    if (floor === undefined || file.unsyncedFloor === undefined) return floor;
    return Math.max(floor, file.unsyncedFloor);
  }

  #perform(file: FileState, step: ReplicaStep): void {
    if (step.store) this.#write(file, this.#files.store(file, step.store));
    if (step.erase) {
      const { floor } = step.erase;
      file.unsyncedFloor = floor;
      const writes = [...this.#files.erase(file), this.#floors.raise(file.partition, floor)];
      this.#write(file, writes).erased.push({ file, floor });
    }
  }

  #write(file: FileState, writes: readonly TableWrite[]): VoteBatch {
    if (file.unsynced === 0) this.#files.hold(file);
    return this.#batches.write(file, writes);
  }

  /** Whether this node tells of the file before the disk has it. Never of an erasure: floors belong to all buckets. */
  #isShownAtOnce(file: FileState): boolean {
    return file.unsyncedFloor === undefined && this.#isMemoryBucket(file.bucket);
  }

  #isMemoryBucket(bucket: BucketId): boolean {
    return this.#options.context.bucket(bucket)?.durability === "memory";
  }

  #onDurable(batch: VoteBatch): void {
    for (const { file, floor } of batch.erased) {
      this.#floors.onDurable(file.partition, floor);
      if (file.unsyncedFloor === floor) file.unsyncedFloor = undefined;
    }
    for (const file of batch.files) {
      file.unsynced -= 1;
      if (file.unsynced === 0) this.#files.onSynced(file);
    }
  }

  #onDiskFailure(error: QuorumError): void {
    this.#options.log.error("replica.disk-failed", { error });
    this.#options.onDiskFailure(error);
  }

  /** Puts right what can be at once, from what this node has itself. */
  #mend(): void {
    const { disk, log } = this.#options;
    const ceiling = this.#ceiling.counter;
    for (const partition of this.#floors.damaged) log.error("replica.floor-damaged", { partition, ceiling });
    if (ceiling === undefined) {
      log.error("replica.ceiling-lost");
      return;
    }
    const writes = [...this.#ceiling.mend(), ...this.#floors.mend(ceiling)];
    if (writes.length === 0) return;
    disk.commit(writes).catch((thrown: unknown) => this.#onDiskFailure(QuorumError.from(thrown)));
  }

  #onDamage(file: DamagedFile): void {
    this.#damage += 1;
    this.#options.log.error("replica.record-damaged", { bucket: file.bucket, path: file.path });
    this.#options.onDamage?.(file);
  }
}

function nameOf(bucket: BucketId, path: string): string {
  return `${bucket}/${path}`;
}

function unavailable(reason: string): ReplicaReply {
  return refused("unavailable", reason);
}

function refused(code: ErrorCode, reason: string): ReplicaReply {
  return { kind: "refused", code, reason };
}
