import type { CancelTimer, Clock } from "@quorumfs/core";
import type { Load, Node } from "@quorumfs/proto";
import { NodeState } from "@quorumfs/proto";
import type { BulkPeer } from "./bulk-peer.js";
import { Latency } from "./latency.js";
import type { Session } from "./session.js";

// A node that hangs answers the probe when it comes to life; should the probe be lost, another follows after this.
const probeTimeoutMs = 5000;
const probeAgainMs = 1000;
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
  #closed = false;
  #answeredAtMs = 0;

  constructor(node: Node, ways: { readonly session: Session; readonly bulk: BulkPeer; readonly clock: Clock }) {
    this.#clock = ways.clock;
    this.id = node.id;
    this.address = node.address;
    this.session = ways.session;
    this.bulk = ways.bulk;
  }

  /** Takes over what the SuperNode says. A node that came back deserves trust at once. */
  update(node: Node): void {
    const tier = tierOf(node);
    const isBack = node.incarnation !== this.#incarnation || (tier === 0 && this.#stateTier !== 0);
    if (isBack) {
      this.#failing = false;
      this.bulk.worked();
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
  }

  /** The operation turned away; that says nothing about the target. */
  abandoned(waiting: Waiting): void {
    if (this.#waiting.delete(waiting) && waiting.kind === "list") this.#waitingLists -= 1;
  }

  answered(waiting: Waiting, nowMs: number): void {
    this.abandoned(waiting);
    this.#failing = false;
    this.#silentSinceMs = nowMs;
    this.#answeredAtMs = nowMs;
  }

  /** An attempt that began at `startedAtMs` got no answer: the connection failed, or it took too long. */
  failed(waiting: Waiting, startedAtMs: number): void {
    this.abandoned(waiting);
    // Whoever answers others meanwhile is slow, but not gone.
    if (this.#answeredAtMs > startedAtMs || this.#failing) return;
    this.#failing = true;
    this.#probe();
  }

  /**
   * Finds out when a target that hangs is back, at no operation's expense. A request without an operation is refused at
   * once by whoever is alive. Where the connection is lost there is nothing to do: the lane makes it anew, and says so.
   */
  #probe(): void {
    if (!this.#failing || this.#probing || this.#closed || !this.session.up) return;
    this.#probing = true;
    this.session.call({ id: 0, timeoutMs: 0, operation: undefined }, { timeoutMs: probeTimeoutMs }, (error) => {
      this.#probing = false;
      if (!error) this.#failing = false;
      else this.#cancelProbe = this.#clock.after(probeAgainMs, () => this.#probe());
    });
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
