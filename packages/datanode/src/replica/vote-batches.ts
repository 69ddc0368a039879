/**
 * Group commit: the writes of all votes of one turn of the event loop become one commit, and when that is durable, all
 * their answers leave together. So a thousand votes cost one promise. Several batches may be under way; the disk joins
 * what waits for it.
 */
import { assert, type Clock, type Disk, type Log, QuorumError, type TableWrite } from "@quorumfs/core";
import type { FileState } from "./file-state.js";

/** Answers that may wait for the disk: far more than peers may have in flight, so that only a stuck disk gets there. */
const waitingMax = 65_536;

/** Bytes on their way to the disk; with a slow disk and large contents this comes first. */
const bytesMax = 64 * 1024 * 1024;

/** How a batch ended, for those who wait for it. */
export type BatchEnd = (failure: QuorumError | undefined) => void;

export interface VoteBatch {
  readonly writes: TableWrite[];
  readonly files: FileState[];
  /** Erasures among the writes, and the floors that they left. */
  readonly erased: { readonly file: FileState; readonly floor: number }[];
  readonly ends: BatchEnd[];
  bytes: number;
}

export interface VoteBatchesOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** All writes of the batch are durable; called before its `ends`. */
  readonly onDurable: (batch: VoteBatch) => void;
  /** The disk refused a batch. Called once; from then on nothing is taken any more. */
  readonly onFailure: (error: QuorumError) => void;
}

export class VoteBatches {
  readonly #options: VoteBatchesOptions;
  #open: VoteBatch | undefined;
  readonly #underWay = new Set<VoteBatch>();
  #waiting = 0;
  #bytes = 0;
  #failure: QuorumError | undefined;

  constructor(options: VoteBatchesOptions) {
    this.#options = options;
  }

  /** Set once the disk has refused a batch. */
  get failure(): QuorumError | undefined {
    return this.#failure;
  }

  /** All that is written by what is under way, each file once. */
  get files(): ReadonlySet<FileState> {
    const files = new Set(this.#open?.files);
    for (const batch of this.#underWay) for (const file of batch.files) files.add(file);
    return files;
  }

  get isFull(): boolean {
    return this.#waiting >= waitingMax || this.#bytes >= bytesMax;
  }

  /** Puts a file's new state on its way to the disk. The file must have been changed before. */
  write(file: FileState, writes: readonly TableWrite[]): VoteBatch {
    const batch = (this.#open ??= this.#begin());
    for (const write of writes) {
      batch.writes.push(write);
      batch.bytes += write.key.length + (write.value?.length ?? 0);
      this.#bytes += write.key.length + (write.value?.length ?? 0);
    }
    if (file.lastBatch !== batch) {
      batch.files.push(file);
      file.unsynced += 1;
      file.lastBatch = batch;
    }
    return batch;
  }

  /** Calls `end` when the batch is durable, or has failed. */
  onEnd(batch: VoteBatch, end: BatchEnd): void {
    this.#waiting += 1;
    batch.ends.push(end);
  }

  /**
   * Resolves when everything that was written before is durable.
   *
   * @throws QuorumError `unavailable`, if the disk failed
   */
  settled(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const batches = [...this.#underWay, ...(this.#open ? [this.#open] : [])];
    return new Promise<void>((resolve, reject) => {
      let left = batches.length;
      if (left === 0) resolve();
      for (const batch of batches) {
        this.onEnd(batch, (failure) => {
          left -= 1;
          if (failure) reject(failure);
          else if (left === 0) resolve();
        });
      }
    });
  }

  #begin(): VoteBatch {
    this.#options.clock.endOfTurn(() => this.#send());
    return { writes: [], files: [], erased: [], ends: [], bytes: 0 };
  }

  #send(): void {
    const batch = this.#open;
    assert(batch !== undefined, "a batch is sent once");
    this.#open = undefined;
    this.#underWay.add(batch);
    this.#options.disk.commit(batch.writes).then(
      () => this.#finish(batch, undefined),
      (cause: unknown) => this.#finish(batch, cause),
    );
  }

  #finish(batch: VoteBatch, cause: unknown): void {
    this.#underWay.delete(batch);
    this.#bytes -= batch.bytes;
    this.#waiting -= batch.ends.length;
    if (cause !== undefined) this.#fail(cause);
    if (!this.#failure) this.#options.onDurable(batch);
    for (const end of batch.ends) this.#tell(end);
  }

  /** One listener's fault must not cost the others their answers. */
  #tell(end: BatchEnd): void {
    try {
      end(this.#failure);
    } catch (error) {
      this.#options.log.error("replica.reply-failed", { error });
    }
  }

  #fail(cause: unknown): void {
    if (this.#failure) return;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#failure = new QuorumError({
      code: "unavailable",
      message: `this node's disk refused a write (${reason}); it acknowledges nothing until it is started anew`,
      cause,
    });
    this.#options.onFailure(this.#failure);
  }
}
