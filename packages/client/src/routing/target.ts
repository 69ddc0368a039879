import type { Clock } from "@quorumfs/core";
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

/** How much a target recommends itself: 0 up, 1 suspected by the SuperNode, 2 down or failing. */
export type Tier = 0 | 1 | 2;

/** One DataNode as this client finds it: what the SuperNode says, and what its own attempts have shown. */
export class Target {
  readonly id: number;
  readonly address: string;
  readonly session: Session;
  readonly readLatency = new Latency();
  readonly writeLatency = new Latency();
  readonly listLatency = new Latency();
  #stateTier: Tier = 0;
  #incarnation = 0;
  #load: Load | undefined;
  #inFlight = 0;
  #failures = 0;
  #failedAtMs = 0;
  #nextProbeAtMs = 0;
  #answeredAtMs = 0;

  constructor(node: Node, session: Session) {
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
    const ahead = Math.max(this.#inFlight, this.#load?.inFlight ?? 0) + this.#inFlight;
    return (this.readLatency.expectedMs(nowMs) + delayMs + 0.05) * (1 + ahead);
  }

  began(nowMs: number): void {
    this.#inFlight += 1;
    // This one is the probe; the others wait for what becomes of it.
    if (this.#failures > 0) this.#nextProbeAtMs = nowMs + this.#probeIntervalMs();
  }

  abandoned(): void {
    this.#inFlight -= 1;
  }

  answered(nowMs: number): void {
    this.#inFlight -= 1;
    this.#failures = 0;
    this.#answeredAtMs = nowMs;
  }

  /** An attempt that began at `startedAtMs` got no answer: the connection failed, or it took too long. */
  failed(startedAtMs: number, nowMs: number): void {
    this.#inFlight -= 1;
    // Whoever answers others meanwhile is slow, but not gone.
    if (this.#answeredAtMs > startedAtMs) return;
    if (this.#failures > 0 && nowMs - this.#failedAtMs < sameFailureMs) return;
    this.#failures += 1;
    this.#failedAtMs = nowMs;
    this.#nextProbeAtMs = nowMs + this.#probeIntervalMs();
  }

  /** The session's connection was made (anew) or lost. */
  connectionChanged(up: boolean, clock: Clock): void {
    if (up) {
      this.#failures = 0;
    } else {
      this.#failures = Math.max(1, this.#failures);
      this.#nextProbeAtMs = clock.nowMs() + this.#probeIntervalMs();
    }
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
