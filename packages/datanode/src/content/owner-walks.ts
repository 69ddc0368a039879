/**
 * The three walks that make good what notices have missed (PROTOCOL.md, "Large content"), one file after another and slowly:
 *
 *   lapsed    an upload that no version has named when its lease ended: identity round on its file, applied here
 *   owners    every file with chunks here: a read, applied here
 *   holders   every large file of which this node is the first live holder: a read, told to those that may have missed it
 */
import {
  type BucketId,
  type Clock,
  inlineBytesMax,
  type Log,
  type NodeId,
  QuorumError,
  zeroBallot,
} from "@quorumfs/core";
import type { FileOwner } from "../chunk/chunk-key.js";
import type { ChunkStore } from "../chunk/chunk-store.js";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { BucketView } from "../cluster/cluster-view.js";
import { pause } from "../cluster/retry-pause.js";
import type { FileRequest } from "../coordinator/coordinator.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ScannedEntry } from "../replica/messages.js";
import type { CurrentFile, CurrentFiles } from "./current-file.js";
import type { KeepNotices } from "./keep-notices.js";

const operationTimeoutMs = 10_000;
// Clients first: a busy node looks again after so long, but not for ever.
const busyPauseMs = 50;
const busyPausesMax = 20;
// Between two pages of records, each of which takes about two milliseconds.
const pagePauseMs = 10;

export interface OwnerWalksOptions {
  readonly chunks: Pick<ChunkStore, "keep" | "release" | "lapsedUploads" | "owners" | "wasNamed">;
  readonly replica: Pick<LocalReplica, "scan">;
  readonly current: Pick<CurrentFiles, "read" | "settle">;
  readonly notices: Pick<KeepNotices, "tell" | "tellAll">;
  readonly store: Pick<ClusterStore, "view">;
  readonly isLocal: (node: NodeId) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  readonly ownersPerSecond: number;
}

/** How a walk went; what failed is still to be done. */
export interface WalkResult {
  readonly checked: number;
  readonly failed: number;
}

/** Whom the walk over holders tells. */
export type Audience = "all" | ReadonlySet<NodeId>;

/** @param file undefined if the bucket is gone, and with it all that was in it */
type Check = (owner: FileOwner, file: FileRequest | undefined) => Promise<void>;

export class OwnerWalks {
  readonly #options: OwnerWalksOptions;

  constructor(options: OwnerWalksOptions) {
    this.#options = options;
  }

  lapsed(signal: AbortSignal): Promise<WalkResult> {
    const { chunks, current } = this.#options;
    return this.#walk(this.#lapsedOwners(), signal, async (owner, file) => {
      if (!file) return chunks.release(owner);
      const found = await current.settle({ ...file, orTombstone: true }, signal);
      await chunks.keep(owner, found?.value.version ?? zeroBallot, found?.ranges ?? [], { afterIdentityRound: true });
    });
  }

  /** @param named default: all that have chunks here */
  owners(signal: AbortSignal, named?: AsyncIterable<FileOwner> | Iterable<FileOwner>): Promise<WalkResult> {
    const { chunks, current } = this.#options;
    return this.#walk(named ?? chunks.owners(), signal, async (owner, file) => {
      if (!file) return chunks.release(owner);
      // A read tells that there is no file, but not since which version; the round does.
      const found =
        (await current.read(file, signal)) ?? (await current.settle(file, signal)) ?? (await this.#end(file, signal));
      if (found) await chunks.keep(owner, found.value.version, found.ranges);
    });
  }

  /** Of a file that is gone, and its tombstone, too, another tombstone tells; of one that is yet to come, there is nothing to tell. */
  async #end(file: FileRequest, signal: AbortSignal): Promise<CurrentFile | undefined> {
    const { chunks, current } = this.#options;
    if (!chunks.wasNamed({ bucket: file.bucket.id, path: file.path })) return undefined;
    return current.settle({ ...file, orTombstone: true }, signal);
  }

  holders(audience: Audience, signal: AbortSignal): Promise<WalkResult> {
    const { current, notices } = this.#options;
    return this.#walk(this.#largeFilesHere(signal), signal, async (owner, file) => {
      const found = file && (await current.read(file, signal));
      if (!found || found.ranges.length === 0) return;
      const notice = { owner, version: found.value.version, ranges: found.ranges };
      if (audience === "all") notices.tellAll(notice);
      else for (const node of audience) notices.tell(node, notice);
    });
  }

  /** Each once, though several of its uploads may have lapsed. */
  async *#lapsedOwners(): AsyncGenerator<FileOwner> {
    let before: FileOwner | undefined;
    for await (const { owner } of this.#options.chunks.lapsedUploads()) {
      if (before?.bucket === owner.bucket && before.path === owner.path) continue;
      before = owner;
      yield owner;
    }
  }

  async *#largeFilesHere(signal: AbortSignal): AsyncGenerator<FileOwner> {
    const { replica, clock } = this.#options;
    for await (const page of replica.scan()) {
      for (const scanned of page) {
        if (this.#isLargeAndMine(scanned)) yield { bucket: scanned.bucket, path: scanned.entry.path };
      }
      await pause(clock, pagePauseMs, signal);
      await this.#letClientsPass(signal);
    }
  }

  /** Whether it is a file of chunks, and this node the first that is up of those that hold it. */
  #isLargeAndMine({ bucket, entry }: ScannedEntry): boolean {
    const { store, isLocal } = this.#options;
    if (entry.kind !== "record" || entry.value.kind !== "live" || entry.value.size <= inlineBytesMax) return false;
    const { buckets, nodes } = store.view;
    const view = buckets.get(bucket);
    const voters = view && store.view.place(view, entry.path)?.voters.members;
    const first = voters?.find((node) => isLocal(node) || nodes.get(node)?.state === "up");
    return first !== undefined && isLocal(first);
  }

  async #walk(
    owners: AsyncIterable<FileOwner> | Iterable<FileOwner>,
    signal: AbortSignal,
    check: Check,
  ): Promise<WalkResult> {
    const { clock, log } = this.#options;
    let checked = 0;
    let failed = 0;
    for await (const owner of owners) {
      await this.#pace(signal);
      if (signal.aborted) break;
      checked += 1;
      try {
        const bucket = await this.#bucket(owner.bucket);
        const deadlineMs = clock.nowMs() + operationTimeoutMs;
        await check(owner, bucket && { bucket, path: owner.path, deadlineMs });
      } catch (thrown) {
        failed += 1;
        const { code, message: reason } = QuorumError.from(thrown);
        log.debug("owner.check-failed", { bucket: owner.bucket, path: owner.path, code, reason });
      }
    }
    return { checked, failed };
  }

  async #pace(signal: AbortSignal): Promise<void> {
    const { clock, ownersPerSecond } = this.#options;
    await pause(clock, 1000 / ownersPerSecond, signal);
    await this.#letClientsPass(signal);
  }

  async #letClientsPass(signal: AbortSignal): Promise<void> {
    const { clock, isBusy } = this.#options;
    for (let pauses = 0; pauses < busyPausesMax && isBusy() && !signal.aborted; pauses += 1) {
      await pause(clock, busyPauseMs, signal);
    }
  }

  /** @returns undefined if the SuperNode, too, knows of no such bucket: it is gone */
  async #bucket(id: BucketId): Promise<BucketView | undefined> {
    const { store, refresh } = this.#options;
    const known = store.view.buckets.get(id);
    if (known) return known;
    await refresh();
    return store.view.buckets.get(id);
  }
}
