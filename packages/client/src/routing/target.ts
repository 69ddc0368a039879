import type { CancelTimer, Clock, QuorumError } from "@quorumfs/core";
import { FileRequest, type Load, type Node, NodeState } from "@quorumfs/proto";
import type { BulkPeer } from "./bulk-peer.js";
import { LateWatch } from "./late-watch.js";
import { Latency } from "./latency.js";
import type { PacedKind } from "./pace.js";
import { PaceWatch } from "./pace-watch.js";
import type { Session } from "./session.js";

// A node that hangs answers the probe when it comes to life; should the probe be lost, another follows after this.
const probeTimeoutMs = 5000;
const probeAgainMs = 1000;
// Pages of a listing take longer than files.
const listSilenceMinMs = 3000;

// A second opinion on a read is asked for after the time in which nearly all answers come: sooner would be too often, since
// timers and turns of the event loop take milliseconds, and later would be felt.
const lateReadMinMs = 10;
const lateReadMaxMs = 150;
// Nobody new waits for a target that has answered nobody for so long, though those that do wait go on for a while.
const silentMinMs = 30;
const silentFactor = 4;
// Long enough that another refusal comes, if it is at its limit for good.
const overloadedForMs = 1000;

/** How much a target recommends itself: 0 up, 1 suspected by the SuperNode, 2 down or failing. */
export type Tier = 0 | 1 | 2;

/** An operation that waits for a target's answer. */
export interface Waiting {
  readonly kind: "read" | "write" | "list";
  /** When the target was asked. */
  readonly askedAtMs: number;
  /** Nearly all answers come sooner. Called of reads, and perhaps more than once. */
  onLate(): void;
  /** The target has been silent for longer than is usual; who has lost patience turns away from it. */
  onSilence(silentMs: number, usualMs: number): void;
}

/**
 * How much a target recommends itself to an operation, the lowest first: 0 well, 1 at its limit, 2 slow or silent,
 * 3 suspected by the SuperNode, 4 down or failing.
 */
export type Rank = 0 | 1 | 2 | 3 | 4;
export const rankWorst: Rank = 4;

/** What the quickest of the other targets need for an answer; undefined if nobody knows. */
export type UsualElsewhere = (kind: PacedKind, target: Target, nowMs: number) => number | undefined;

/** One DataNode as this client finds it: what the SuperNode says, and what its own attempts have shown. */
export class Target {
  readonly id: number;
  readonly address: string;
  readonly session: Session;
  readonly bulk: BulkPeer;
  readonly latency = { read: new Latency(), write: new Latency(), list: new Latency(listSilenceMinMs) };
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #waitingLists = 0;
  /** Since when there has been someone waiting and no answer. */
  #silentSinceMs = 0;
  #cancelWatch: CancelTimer | undefined;
  #cancelProbe: CancelTimer | undefined;
  #stateTier: Tier = 0;
  #incarnation = 0;
  #load: Load | undefined;
  /** It was not reached or did not answer, and has shown no sign of life since. */
  #failing = false;
  #probing = false;
  readonly #pace: PaceWatch;
  readonly #lateReads: LateWatch;
  readonly #lateWrites: LateWatch;
  #refusedAtMs = -Infinity;
  #closed = false;
  #answeredAtMs = 0;

  constructor(
    node: Node,
    ways: {
      readonly session: Session;
      readonly bulk: BulkPeer;
      readonly clock: Clock;
      readonly usualElsewhere: UsualElsewhere;
    },
  ) {
    this.#clock = ways.clock;
    this.id = node.id;
    this.address = node.address;
    this.session = ways.session;
    this.bulk = ways.bulk;
    const { clock, usualElsewhere } = ways;
    this.#pace = new PaceWatch({
      clock,
      probe: (done) => this.#ask((error) => done(!error)),
      usualElsewhere: (kind, nowMs) => usualElsewhere(kind, this, nowMs),
    });
    this.#lateReads = new LateWatch({
      kind: "read",
      clock,
      waiting: this.#waiting,
      lateMs: () => Math.min(lateReadMaxMs, Math.max(lateReadMinMs, this.latency.read.p95Ms)),
      onLate: (read) => read.onLate(),
    });
    // Two coordinators at work on one file slow each other down: a write is waited for, but others may be spared that.
    this.#lateWrites = new LateWatch({
      kind: "write",
      clock,
      waiting: this.#waiting,
      lateMs: () => this.#silentMs,
      onLate: () => this.#pace.probe(),
    });
  }

  /** Takes over what the SuperNode says. A node that came back deserves trust at once. */
  update(node: Node): void {
    const tier = tierOf(node);
    const isBack = node.incarnation !== this.#incarnation || (tier === 0 && this.#stateTier !== 0);
    if (isBack) {
      this.#failing = false;
      this.bulk.worked();
      this.#pace.trust();
    }
    this.#stateTier = tier;
    this.#incarnation = node.incarnation;
    if (node.load) this.#load = node.load;
  }

  updateLoad(load: Load): void {
    this.#load = load;
  }

  get tier(): Tier {
    return this.#failing ? 2 : this.#stateTier;
  }

  rank(nowMs: number): Rank {
    if (this.#failing || this.#stateTier === 2) return 4;
    if (this.#stateTier === 1) return 3;
    if (this.isSlow(nowMs)) return 2;
    return nowMs - this.#refusedAtMs < overloadedForMs ? 1 : 0;
  }

  /** It is much slower than the others, or has answered nobody for a while. */
  isSlow(nowMs: number): boolean {
    return this.#pace.isResting(nowMs) || this.#isSilent(nowMs);
  }

  /** It has refused an operation because it has too much to do. */
  refused(waiting: Waiting, nowMs: number): void {
    this.#refusedAtMs = nowMs;
    this.#heard(waiting, nowMs);
  }

  #isSilent(nowMs: number): boolean {
    // Listings take their time.
    if (this.#waiting.size === this.#waitingLists) return false;
    if (nowMs - this.#silentSinceMs <= this.#silentMs) return false;
    this.#pace.probe();
    return true;
  }

  get #silentMs(): number {
    const usualMs = Math.max(this.latency.read.p95Ms, this.latency.write.p95Ms);
    return Math.max(silentMinMs, usualMs * silentFactor);
  }

  /** Its quickest answers lately. */
  usualMs(kind: PacedKind, nowMs: number): number | undefined {
    return this.#pace.usualMs(kind, nowMs);
  }

  /** Expected cost of a read, for comparison: how long it takes, times how many are ahead of it. */
  readCost(nowMs: number): number {
    const delayMs = this.#load?.eventLoopDelayMs ?? 0;
    // The reported figure contains our own requests, as they were up to a second ago.
    const own = this.#waiting.size;
    const ahead = Math.max(own, this.#load?.inFlight ?? 0) + own;
    return (this.latency.read.expectedMs(nowMs) + delayMs + 0.05) * (1 + ahead);
  }

  began(waiting: Waiting, nowMs: number): void {
    if (this.#waiting.size === 0) this.#silentSinceMs = nowMs;
    this.#waiting.add(waiting);
    if (waiting.kind === "list") this.#waitingLists += 1;
    if (!this.#cancelWatch) this.#watchFor(this.#silenceMaxMs);
    this.#lateReads.began(waiting);
    this.#lateWrites.began(waiting);
  }

  /** The operation turned away; that says nothing about the target. */
  abandoned(waiting: Waiting): void {
    if (this.#waiting.delete(waiting) && waiting.kind === "list") this.#waitingLists -= 1;
  }

  answered(waiting: Waiting, nowMs: number): void {
    this.#heard(waiting, nowMs);
    const elapsedMs = nowMs - waiting.askedAtMs;
    this.latency[waiting.kind].measured(elapsedMs, nowMs);
    if (waiting.kind !== "list") this.#pace.answered(waiting.kind, elapsedMs, nowMs);
  }

  #heard(waiting: Waiting, nowMs: number): void {
    this.abandoned(waiting);
    this.#failing = false;
    this.#silentSinceMs = nowMs;
    this.#answeredAtMs = nowMs;
  }

  /** Another, who was asked later, has answered sooner. */
  outrun(waiting: Waiting, nowMs: number): void {
    this.abandoned(waiting);
    this.latency[waiting.kind].measured(nowMs - waiting.askedAtMs, nowMs);
    if (waiting.kind !== "list") this.#pace.answered(waiting.kind, Infinity, nowMs);
  }

  /** An attempt got no answer: the connection failed, or it took too long. */
  failed(waiting: Waiting): void {
    this.abandoned(waiting);
    // Whoever answers others meanwhile is slow, but not gone.
    if (this.#answeredAtMs > waiting.askedAtMs || this.#failing) return;
    this.#failing = true;
    this.#probe();
  }

  /** Finds out when a target that hangs is back. Perhaps it was only cut off from the others, so it rests first. */
  #probe(): void {
    if (!this.#failing || this.#probing) return;
    this.#probing = this.#ask((error) => {
      this.#probing = false;
      if (error) {
        this.#cancelProbe = this.#clock.after(probeAgainMs, () => this.#probe());
        return;
      }
      this.#failing = false;
      this.#pace.spare();
    });
  }

  /**
   * A question at no operation's expense: a request without an operation is refused at once by whoever is alive. Where the
   * connection is lost there is nothing to ask: the lane makes it anew, and says so.
   */
  #ask(done: (error: QuorumError | undefined) => void): boolean {
    if (this.#closed || !this.session.up) return false;
    this.session.call(FileRequest.fromPartial({}), { timeoutMs: probeTimeoutMs }, done);
    return true;
  }

  /** A target that answers nobody for so long hangs; one that answers some is only slow, and abandoning it makes it slower. */
  get #silenceMaxMs(): number {
    const { read, write, list } = this.latency;
    const filesMs = Math.max(read.patienceMs, write.patienceMs);
    return this.#waitingLists > 0 ? Math.max(filesMs, list.patienceMs) : filesMs;
  }

  #watchFor(delayMs: number): void {
    this.#cancelWatch = this.#clock.after(delayMs, () => {
      this.#cancelWatch = undefined;
      if (this.#waiting.size === 0) return;
      const silentMs = this.#clock.nowMs() - this.#silentSinceMs;
      const silenceMaxMs = this.#silenceMaxMs;
      if (silentMs < silenceMaxMs) return this.#watchFor(silenceMaxMs - silentMs);
      for (const waiting of [...this.#waiting]) waiting.onSilence(silentMs, silenceMaxMs);
      if (this.#waiting.size > 0 && !this.#cancelWatch) this.#watchFor(silenceMaxMs);
    });
  }

  /** The session's connection was made (anew) or lost. */
  connectionChanged(up: boolean): void {
    this.#failing = !up;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancelWatch?.();
    this.#pace.close();
    this.#lateReads.close();
    this.#lateWrites.close();
    this.#cancelProbe?.();
    this.session.close();
    this.bulk.close();
  }
}

function tierOf(node: Node): Tier {
  switch (node.state) {
    case NodeState.NODE_STATE_DOWN:
      return 2;
    case NodeState.NODE_STATE_SUSPECT:
      return 1;
    case NodeState.NODE_STATE_UP:
    case NodeState.NODE_STATE_UNSPECIFIED:
    case NodeState.UNRECOGNIZED:
      return 0;
  }
}
