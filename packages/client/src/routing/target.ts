import type { CancelTimer, Clock } from "@quorumfs/core";
import type { Load, Node } from "@quorumfs/proto";
import { NodeState } from "@quorumfs/proto";
import { Latency } from "./latency.js";
import type { Session } from "./session.js";

// The first probe of a node that failed comes soon, since most outages of a moment are a dropped connection.
const probeFirstMs = 100;
// One operation in two seconds finds out whether a hanging node is back.
const probeLongestMs = 2000;
// Operations that fail together tell of one failure, not of many.
const sameFailureMs = 50;

// Pages of a listing take longer than files.
const listSilenceMinMs = 3000;

/** How much a target recommends itself: 0 up, 1 suspected by the SuperNode, 2 down or failing. */
export type Tier = 0 | 1 | 2;

/** An operation that waits for a target's answer. */
export interface Waiting {
  readonly kind: "read" | "write" | "list";
  /** The target has been silent for longer than is usual; who has lost patience turns away from it. */
  onSilence(silentMs: number, usualMs: number): void;
}

/** One DataNode as this client finds it: what the SuperNode says, and what its own attempts have shown. */
export class Target {
  readonly id: number;
  readonly address: string;
  readonly session: Session;
  readonly latency = { read: new Latency(), write: new Latency(), list: new Latency(listSilenceMinMs) };
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #waitingLists = 0;
  /** Since when there has been someone waiting and no answer. */
  #silentSinceMs = 0;
  #cancelWatch: CancelTimer | undefined;
  #stateTier: Tier = 0;
  #incarnation = 0;
  #load: Load | undefined;
  #failures = 0;
  #failedAtMs = 0;
  #nextProbeAtMs = 0;
  #answeredAtMs = 0;

  constructor(node: Node, session: Session, clock: Clock) {
    this.#clock = clock;
    this.id = node.id;
    this.address = node.address;
    this.session = session;
  }

  /** Takes over what the SuperNode says. A node that came back deserves trust at once. */
  update(node: Node): void {
    const tier = tierOf(node);
    const isBack = node.incarnation !== this.#incarnation || (tier === 0 && this.#stateTier !== 0);
    if (isBack) this.#failures = 0;
    this.#stateTier = tier;
    this.#incarnation = node.incarnation;
    if (node.load) this.#load = node.load;
  }

  updateLoad(load: Load): void {
    this.#load = load;
  }

  /** A target that fails is `2` but for one moment per probe interval, in which it may be given one operation. */
  tier(nowMs: number): Tier {
    if (this.#failures > 0 && nowMs < this.#nextProbeAtMs) return 2;
    return this.#stateTier;
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
    // This one is the probe; the others wait for what becomes of it.
    if (this.#failures > 0) this.#nextProbeAtMs = nowMs + this.#probeIntervalMs();
  }

  /** The operation turned away; that says nothing about the target. */
  abandoned(waiting: Waiting): void {
    if (this.#waiting.delete(waiting) && waiting.kind === "list") this.#waitingLists -= 1;
  }

  answered(waiting: Waiting, nowMs: number): void {
    this.abandoned(waiting);
    this.#failures = 0;
    this.#silentSinceMs = nowMs;
    this.#answeredAtMs = nowMs;
  }

  /** An attempt that began at `startedAtMs` got no answer: the connection failed, or it took too long. */
  failed(waiting: Waiting, startedAtMs: number, nowMs: number): void {
    this.abandoned(waiting);
    // Whoever answers others meanwhile is slow, but not gone.
    if (this.#answeredAtMs > startedAtMs) return;
    if (this.#failures > 0 && nowMs - this.#failedAtMs < sameFailureMs) return;
    this.#failures += 1;
    this.#failedAtMs = nowMs;
    this.#nextProbeAtMs = nowMs + this.#probeIntervalMs();
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
    if (up) {
      this.#failures = 0;
    } else {
      this.#failures = Math.max(1, this.#failures);
      this.#nextProbeAtMs = this.#clock.nowMs() + this.#probeIntervalMs();
    }
  }

  /** Idempotent. */
  close(): void {
    this.#cancelWatch?.();
    this.session.close();
  }

  #probeIntervalMs(): number {
    return Math.min(probeLongestMs, probeFirstMs * 2 ** Math.min(10, this.#failures - 1));
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
