/**
 * When the walks over owners are due: lapsed uploads every minute; the owners of what is here after a start, when this node
 * was taken for gone, and after a scrub; the holders' walk when another node is back, for that one, and after a scrub, for all.
 *
 * One walk at a time, each kind in its turn, so that none that is long or keeps failing starves the others. A walk that was
 * not all done, since some quorum was missing, is done again after a while.
 */
import { type CancelTimer, type Clock, type Log, type NodeId, QuorumError } from "@quorumfs/core";
import type { ClusterStore } from "../cluster/cluster-store.js";
import type { ClusterView } from "../cluster/cluster-view.js";
import type { Audience, OwnerWalks, WalkResult } from "./owner-walks.js";

/** A read or an identity round for each: some per cent of one core. */
export const ownersPerSecondDefault = 20;
/** How often it is looked for uploads whose lease is over, unless that is shorter. */
export const sweepEveryMsDefault = 60_000;
// Others start at the same time as a rule, and are asked first thing.
const startDelayMs = 5_000;
const retryFirstMs = 30_000;
const retryLongestMs = 3_600_000;

export interface OwnerChecksOptions {
  readonly walks: Pick<OwnerWalks, "lapsed" | "owners" | "holders">;
  readonly store: Pick<ClusterStore, "onInstalled">;
  readonly isLocal: (node: NodeId) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** How often it is looked for uploads whose lease is over. */
  readonly sweepEveryMs: number;
}

const nobody: Audience = new Set<NodeId>();

export class OwnerChecks {
  readonly #options: OwnerChecksOptions;
  readonly #stop = new AbortController();
  readonly #timers = new Set<CancelTimer>();
  readonly #unsubscribe: () => void;
  #lapsedDue = false;
  #ownersDue = false;
  #audience: Audience = nobody;
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

  /** Checks the owners of what is here: chunks have come by another way than from their writers. */
  checkHere(): void {
    this.#ownersDue = true;
    this.#work();
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
    this.#lapsedDue = true;
    this.#work();
    this.#after(this.#options.sweepEveryMs, () => this.#sweepRegularly());
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
      else this.#audience = joined(this.#audience, new Set([id]));
    }
    this.#work();
  }

  get #isDue(): boolean {
    return this.#lapsedDue || this.#ownersDue || this.#audience === "all" || this.#audience.size > 0;
  }

  #work(): void {
    if (this.#working || !this.#isDue || this.#stop.signal.aborted) return;
    this.#working = this.#workOn().finally(() => (this.#working = undefined));
  }

  async #workOn(): Promise<void> {
    while (this.#isDue && !this.#stop.signal.aborted) {
      await this.#walkLapsed();
      await this.#walkOwners();
      await this.#walkHolders();
    }
  }

  async #walkLapsed(): Promise<void> {
    if (!this.#lapsedDue) return;
    this.#lapsedDue = false;
    // What fails has lapsed still at the next sweep.
    await this.#isDone("lapsed", (signal) => this.#options.walks.lapsed(signal));
  }

  async #walkOwners(): Promise<void> {
    if (!this.#ownersDue) return;
    this.#ownersDue = false;
    const done = await this.#isDone("owners", (signal) => this.#options.walks.owners(signal));
    this.#retryUnless(done, () => (this.#ownersDue = true));
  }

  async #walkHolders(): Promise<void> {
    const audience = this.#audience;
    if (audience !== "all" && audience.size === 0) return;
    this.#audience = nobody;
    const done = await this.#isDone("holders", (signal) => this.#options.walks.holders(audience, signal));
    this.#retryUnless(done, () => (this.#audience = joined(this.#audience, audience)));
  }

  #retryUnless(done: boolean, makeDue: () => void): void {
    if (done) {
      this.#retryMs = retryFirstMs;
      return;
    }
    this.#after(this.#retryMs, () => {
      makeDue();
      this.#work();
    });
    this.#retryMs = Math.min(retryLongestMs, this.#retryMs * 2);
  }

  async #isDone(kind: string, walk: (signal: AbortSignal) => Promise<WalkResult>): Promise<boolean> {
    const { log } = this.#options;
    try {
      const { checked, failed } = await walk(this.#stop.signal);
      if (checked > 0) log.debug("owners.checked", { kind, checked, failed });
      return failed === 0;
    } catch (thrown) {
      if (!this.#stop.signal.aborted)
        log.warn("owners.check-failed", { kind, reason: QuorumError.from(thrown).message });
      return false;
    }
  }
}

function joined(one: Audience, other: Audience): Audience {
  return one === "all" || other === "all" ? "all" : new Set([...one, ...other]);
}
