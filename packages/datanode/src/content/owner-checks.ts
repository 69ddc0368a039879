/**
 * Makes good what notices have missed (PROTOCOL.md, "Large content"), one file after another and slowly:
 *
 *   lapsed    an upload that no version has named when its lease ended: identity round on its file, applied here
 *   owners    every file with chunks here: a read, applied here; after a start, when this node was taken for gone, after a scrub
 *   holders   every large file of which this node is the first live holder: a read, told to the nodes that may have missed it
 *
 * The work of a kind that was not all done, since some quorum was missing, is done again after a while.
 */
import {
  type BucketId,
  type CancelTimer,
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
import type { BucketView, ClusterView } from "../cluster/cluster-view.js";
import { pause } from "../cluster/retry-pause.js";
import type { FileRequest } from "../coordinator/coordinator.js";
import type { LocalReplica } from "../replica/local-replica.js";
import type { ScannedEntry } from "../replica/messages.js";
import type { CurrentFiles } from "./current-file.js";
import type { KeepNotices } from "./keep-notices.js";

/** A read or an identity round for each: some per cent of one core. */
export const ownersPerSecondDefault = 20;
/** How often it is looked for uploads whose lease is over. */
export const sweepEveryMs = 60_000;
// Others start at the same time as a rule, and are asked first thing.
const startDelayMs = 5_000;
const operationTimeoutMs = 10_000;
const retryFirstMs = 30_000;
const retryLongestMs = 3_600_000;
// Clients first: a busy node looks again after so long, but not for ever.
const busyPauseMs = 50;
const busyPausesMax = 20;
// Between two pages of records, each of which takes about two milliseconds.
const pagePauseMs = 10;

export interface OwnerChecksOptions {
  readonly chunks: ChunkStore;
  readonly replica: LocalReplica;
  readonly current: CurrentFiles;
  readonly notices: KeepNotices;
  readonly store: ClusterStore;
  readonly isLocal: (node: NodeId) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether clients need this node for themselves just now. */
  readonly isBusy: () => boolean;
  /** Asks the SuperNode for the newest view. */
  readonly refresh: () => Promise<void>;
  readonly ownersPerSecond: number;
}

/** Whom the holders' check tells. */
type Audience = "all" | ReadonlySet<NodeId>;

export class OwnerChecks {
  readonly #options: OwnerChecksOptions;
  readonly #stop = new AbortController();
  readonly #timers = new Set<CancelTimer>();
  readonly #unsubscribe: () => void;
  #sweepDue = false;
  #ownersDue = false;
  #audience: Audience = new Set();
  #retryMs = retryFirstMs;
  #working: Promise<void> | undefined;

  constructor(options: OwnerChecksOptions) {
    this.#options = options;
    this.#unsubscribe = options.store.onInstalled((view, before) => this.#follow(view, before));
  }

  /** Looks after what may have happened while this node was not there, and from then on after uploads that lapse. */
  start(): void {
    this.#after(startDelayMs, () => {
      this.#ownersDue = true;
      this.#sweepRegularly();
    });
  }

  /** Checks everything that this node holds or answers for. For the end of a scrub. */
  checkAll(): void {
    this.#ownersDue = true;
    this.#audience = "all";
    this.#work();
  }

  /** Resolves when nothing is left to be done for now. */
  async idle(): Promise<void> {
    await this.#working;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#stop.abort();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await this.#working;
  }

  #sweepRegularly(): void {
    this.#sweepDue = true;
    this.#work();
    this.#after(sweepEveryMs, () => this.#sweepRegularly());
  }

  #after(delayMs: number, action: () => void): void {
    if (this.#stop.signal.aborted) return;
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      action();
    });
    this.#timers.add(cancel);
  }

  /** Who was away, or has started anew, may have missed something. */
  #follow(view: ClusterView, before: ClusterView): void {
    for (const { id, state, incarnation } of view.nodes.values()) {
      const was = before.nodes.get(id);
      if (!was || state !== "up" || (was.state === "up" && was.incarnation === incarnation)) continue;
      if (this.#options.isLocal(id)) this.#ownersDue = true;
      else if (this.#audience !== "all") this.#audience = new Set([...this.#audience, id]);
    }
    if (this.#ownersDue || this.#audience === "all" || this.#audience.size > 0) this.#work();
  }

  #work(): void {
    if (this.#working || this.#stop.signal.aborted) return;
    this.#working = this.#workOn().finally(() => (this.#working = undefined));
  }

  async #workOn(): Promise<void> {
    for (;;) {
      if (this.#stop.signal.aborted) return;
      if (this.#sweepDue) {
        this.#sweepDue = false;
        // What fails has lapsed still at the next sweep.
        await this.#guarded("lapsed", () => this.#checkLapsed());
      } else if (this.#ownersDue) {
        this.#ownersDue = false;
        const done = await this.#guarded("owners", () => this.#checkOwners());
        if (!done) this.#later(() => (this.#ownersDue = true));
      } else if (this.#audience === "all" || this.#audience.size > 0) {
        const audience = this.#audience;
        this.#audience = new Set();
        const done = await this.#guarded("holders", () => this.#tellHolders(audience));
        if (!done) this.#later(() => (this.#audience = joined(this.#audience, audience)));
      } else {
        return;
      }
    }
  }

  #later(makeDue: () => void): void {
    this.#after(this.#retryMs, () => {
      makeDue();
      this.#work();
    });
    this.#retryMs = Math.min(retryLongestMs, this.#retryMs * 2);
  }

  /** @returns whether all of it was done */
  async #guarded(kind: string, check: () => Promise<{ checked: number; failed: number }>): Promise<boolean> {
    const { log } = this.#options;
    try {
      const { checked, failed } = await check();
      if (checked > 0) log.debug("owners.checked", { kind, checked, failed });
      if (failed === 0 && kind !== "lapsed") this.#retryMs = retryFirstMs;
      return failed === 0;
    } catch (thrown) {
      if (!this.#stop.signal.aborted)
        log.warn("owners.check-failed", { kind, reason: QuorumError.from(thrown).message });
      return false;
    }
  }

  async #checkLapsed(): Promise<{ checked: number; failed: number }> {
    return this.#forEachOwner(this.#lapsedOwners(), async (owner, file, signal) => {
      const { chunks, current } = this.#options;
      const found = file && (await current.settle({ ...file, orTombstone: true }, signal));
      await chunks.keep(owner, found?.value.version ?? zeroBallot, found?.ranges ?? [], { afterIdentityRound: true });
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

  async #checkOwners(): Promise<{ checked: number; failed: number }> {
    return this.#forEachOwner(this.#options.chunks.owners(), async (owner, file, signal) => {
      const { chunks, current } = this.#options;
      if (!file) return;
      // A read tells that there is no file, but not since which version; the round does.
      const found = (await current.read(file, signal)) ?? (await current.settle(file, signal));
      if (found) await chunks.keep(owner, found.value.version, found.ranges);
    });
  }

  async #tellHolders(audience: Audience): Promise<{ checked: number; failed: number }> {
    return this.#forEachOwner(this.#largeFilesHere(), async (owner, file, signal) => {
      const { current, notices } = this.#options;
      const found = file && (await current.read(file, signal));
      if (!found || found.ranges.length === 0) return;
      const notice = { owner, version: found.value.version, ranges: found.ranges };
      if (audience === "all") notices.tellAll(notice);
      else for (const node of audience) notices.tell(node, notice);
    });
  }

  async *#largeFilesHere(): AsyncGenerator<FileOwner> {
    const { replica, clock } = this.#options;
    for await (const page of replica.scan({ prefix: "" })) {
      for (const scanned of page) if (this.#isLargeAndMine(scanned)) yield ownerOf(scanned);
      await pause(clock, pagePauseMs, this.#stop.signal);
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

  /** @param check its `file` is undefined if the bucket is gone, and with it all that was in it */
  async #forEachOwner(
    owners: AsyncIterable<FileOwner>,
    check: (owner: FileOwner, file: FileRequest | undefined, signal: AbortSignal) => Promise<void>,
  ): Promise<{ checked: number; failed: number }> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    let checked = 0;
    let failed = 0;
    for await (const owner of owners) {
      await this.#pace();
      if (signal.aborted) break;
      checked += 1;
      try {
        const bucket = await this.#bucket(owner.bucket);
        const deadlineMs = clock.nowMs() + operationTimeoutMs;
        await check(owner, bucket && { bucket, path: owner.path, deadlineMs }, signal);
      } catch (thrown) {
        failed += 1;
        const { code, message: reason } = QuorumError.from(thrown);
        log.debug("owner.check-failed", { bucket: owner.bucket, path: owner.path, code, reason });
      }
    }
    return { checked, failed };
  }

  async #pace(): Promise<void> {
    const { clock, isBusy, ownersPerSecond } = this.#options;
    const { signal } = this.#stop;
    await pause(clock, 1000 / ownersPerSecond, signal);
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

function ownerOf({ bucket, entry }: ScannedEntry): FileOwner {
  return { bucket, path: entry.path };
}

function joined(one: Audience, other: Audience): Audience {
  return one === "all" || other === "all" ? "all" : new Set([...one, ...other]);
}
