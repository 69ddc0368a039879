/**
 * Digests of what this node holds, for comparison with other replicas. In memory: each write keeps them up to date, for less
 * than a microsecond; a start counts all records anew, in the background.
 *
 * The count goes through the records in order of their keys while writes go on. A write behind the count's position changes
 * what was counted; one ahead of it is left to the count, which takes a file whose write is still on its way to the disk from
 * memory. So at each moment the new digests are exactly those of the records up to the position.
 *
 * A record that is damaged is in no digest. Which ballot to take out of them nobody knows then, so they are counted anew; until
 * then a sub-range may seem to differ from others' that does not, which costs a pull and does no harm.
 */
import { Buffer } from "node:buffer";
import {
  type Ballot,
  type CancelTimer,
  type Clock,
  DigestTable,
  type Disk,
  fileHashOf,
  type Log,
  partitionCount,
  partitionOf,
  sameBallot,
  type Table,
} from "@quorumfs/core";
import { asBuffer } from "../replica/as-buffer.js";
import type { FileState } from "../replica/file-state.js";
import type { RecordChanges } from "../replica/record-changes.js";
import { behindKey, bucketOfKey, keySeed, type KeyRange, pathOfKey, wholeRange } from "../replica/record-key.js";
import { openRecord } from "../replica/record.js";
import { ClientCourtesy } from "./client-courtesy.js";

/** Records between two pauses for the event loop: about a millisecond. */
const stepRecordsDefault = 512;

// Damage comes in swarms, and a count of a million records takes seconds of a core.
const recountAfterMs = 60_000;

export interface DigestsOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** How many partitions the layout has; undefined: there is none yet, and no records either. */
  readonly partitions: () => number | undefined;
  /** Records that are counted in one piece. */
  readonly stepRecords?: number;
}

/** A count that is under way. */
interface Count {
  readonly digests: DigestTable;
  /** All records up to here are in; undefined: none is. */
  position: Buffer | "end" | undefined;
}

export class Digests implements RecordChanges {
  readonly #options: DigestsOptions;
  readonly #records: Table;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #digests: DigestTable | undefined;
  #count: Count | undefined;
  #isUnsettled = false;
  #unsyncedFiles: (() => ReadonlySet<FileState>) | undefined;
  #counting: Promise<void> | undefined;
  #cancelRecount: CancelTimer | undefined;

  constructor(options: DigestsOptions) {
    this.#options = options;
    this.#records = options.disk.table("records");
  }

  /** Whether all records have been counted. */
  get isReady(): boolean {
    return this.#digests !== undefined;
  }

  /** Calls `listener` whenever a count is complete. Returns how to stop that. */
  onCounted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Digest of a partition, 8 bytes. @returns undefined as long as they are not counted */
  digestOf(partition: number): Uint8Array | undefined {
    return this.#digests?.digestOf(partition);
  }

  /** Digests of the sub-ranges of a partition, 8 bytes each. @returns undefined as long as they are not counted */
  subRangesOf(partition: number): Uint8Array | undefined {
    return this.#digests?.subRangesOf(partition);
  }

  /**
   * Counts all records.
   *
   * @param unsyncedFiles those whose newest state the disk may not have yet
   */
  start(unsyncedFiles: () => ReadonlySet<FileState>): void {
    this.#unsyncedFiles = unsyncedFiles;
    this.#begin();
  }

  changed(file: FileState, before: Ballot | undefined, after: Ballot | undefined): void {
    if (before && after && sameBallot(before, after)) return;
    const count = this.#count;
    const counted = count && isUpTo(count.position, file.key.bytes) ? count.digests : undefined;
    if (!this.#digests && !counted) return;
    const hash = fileHashOf(file.key.bytes);
    for (const digests of [this.#digests, counted]) {
      if (!digests) continue;
      if (before) digests.toggle(file.partition, hash, before);
      if (after) digests.toggle(file.partition, hash, after);
    }
  }

  unsettled(): void {
    this.#isUnsettled = true;
    this.#recountLater();
  }

  emptied(partitions: ReadonlySet<number>): void {
    for (const partition of partitions) {
      this.#digests?.clear(partition);
      this.#count?.digests.clear(partition);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelRecount?.();
    await this.#counting;
  }

  #begin(): void {
    if (this.#counting || this.#stop.signal.aborted) return;
    const { log } = this.#options;
    this.#counting = this.#countAll()
      .catch((error: unknown) => {
        log.error("digests.count-failed", { error });
        this.#isUnsettled = true;
      })
      .finally(() => {
        this.#counting = undefined;
        this.#count = undefined;
        if (this.#isUnsettled) this.#recountLater();
      });
  }

  #recountLater(): void {
    if (this.#cancelRecount || this.#counting || !this.#unsyncedFiles || this.#stop.signal.aborted) return;
    this.#cancelRecount = this.#options.clock.after(recountAfterMs, () => {
      this.#cancelRecount = undefined;
      this.#begin();
    });
  }

  async #countAll(): Promise<void> {
    const { clock, log, isBusy } = this.#options;
    const courtesy = new ClientCourtesy({ clock, isBusy });
    const startedAtMs = clock.nowMs();
    this.#isUnsettled = false;
    const count: Count = { digests: new DigestTable(partitionCount), position: undefined };
    this.#count = count;
    let records = 0;
    while (count.position !== "end") {
      records += this.#step(count);
      await new Promise<void>((resolve) => clock.endOfTurn(resolve));
      await courtesy.letPass(this.#stop.signal);
      if (this.#stop.signal.aborted) return;
    }
    this.#digests = count.digests;
    log.debug("digests.counted", { records, elapsedMs: Math.round(clock.nowMs() - startedAtMs) });
    for (const listener of this.#listeners) listener();
  }

  /** In one piece: no write comes in between the look at the disk and that at what is on its way there. */
  #step(count: Count): number {
    const { digests, position: after } = count;
    const { partitions, stepRecords = stepRecordsDefault } = this.#options;
    const inAll = partitions();
    const unsynced = this.#unsyncedFiles?.() ?? new Set();
    const names = new Set([...unsynced].map(({ key }) => key.bytes.toString("latin1")));
    let looked = 0;
    let last: Buffer | undefined;
    for (const { key, value } of this.#records.range(rangeBehind(after))) {
      const keyBuffer = asBuffer(key);
      if (!names.has(keyBuffer.toString("latin1")))
        countRow(digests, { key: keyBuffer, value: asBuffer(value) }, inAll);
      looked += 1;
      if (looked === stepRecords) {
        last = Buffer.from(key);
        break;
      }
    }
    const position = last ?? "end";
    for (const { key, partition, record } of unsynced) {
      if (!record || isUpTo(after, key.bytes) || !isUpTo(position, key.bytes)) continue;
      digests.toggle(partition, fileHashOf(key.bytes), record.accepted);
    }
    count.position = position;
    return looked;
  }
}

function countRow(
  digests: DigestTable,
  { key, value }: { readonly key: Buffer; readonly value: Buffer },
  partitions: number | undefined,
): void {
  const record = openRecord({ seed: keySeed(key) }, value);
  if (!record) return;
  const partition = partitionOf(bucketOfKey(key), pathOfKey(key), partitions);
  digests.toggle(partition, fileHashOf(key), record.accepted);
}

function rangeBehind(position: Count["position"]): KeyRange {
  return position === undefined || position === "end" ? wholeRange : behindKey(wholeRange, position);
}

/** Whether the count has come to this key. */
function isUpTo(position: Count["position"], key: Buffer): boolean {
  if (position === undefined) return false;
  return position === "end" || position.compare(key) >= 0;
}
