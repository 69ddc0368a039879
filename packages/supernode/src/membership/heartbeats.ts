/** Takes the beats of the DataNodes, and tells the cluster's state who is there. */
import {
  type CallContext,
  type CancelTimer,
  type Clock,
  type Duplex,
  type Log,
  type NodeId,
  nodeId,
} from "@quorumfs/core";
import type { HeartbeatRequest, HeartbeatResponse } from "@quorumfs/proto";
import type { ActivityHistory } from "../activity/activity-history.js";
import type { ClusterState } from "../cluster/cluster-state.js";
import { checkCallersCluster } from "../caller.js";
import type { EventLog } from "../events/event-log.js";
import { HealthNews } from "../events/health-news.js";
import { type HealthChange, Membership, type MembershipTimes } from "./membership.js";

type BeatStream = Duplex<HeartbeatResponse, HeartbeatRequest>;

/** A timer that fires so much too late was held up by ourselves, and then beats wait unread. */
const sleptMsMin = 300;

export interface HeartbeatsOptions {
  readonly state: ClusterState;
  readonly history: ActivityHistory;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: MembershipTimes;
}

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #membership: Membership;
  readonly #news: HealthNews;
  /** The stream that speaks for a node: the newest. */
  readonly #streams = new Map<NodeId, BeatStream>();
  #received = 0;
  #timer: { readonly dueMs: number; readonly cancel: CancelTimer } | undefined;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    this.#membership = new Membership(options.times);
    this.#news = new HealthNews(options);
    const nowMs = options.clock.nowMs();
    for (const { id } of options.state.members) this.#membership.expect(id, nowMs);
    this.#arm();
  }

  /** Beats taken since the start. */
  get received(): number {
    return this.#received;
  }

  /** The node has joined just now: for the first time, at a new start, or again in the run that is known. */
  joined(node: NodeId, how: "new" | "restarted" | "again"): void {
    if (how !== "again") this.#news.started(node, how);
    this.#tell(this.#membership.heard(node, this.#options.clock.nowMs()));
    this.#arm();
  }

  /** Serves the stream of one node. */
  serve(stream: BeatStream, call: CallContext): void {
    const { state, events, log } = this.#options;
    checkCallersCluster(call, state.clusterId);
    let from: NodeId | undefined;
    let isFree = true;
    const reply = (node: NodeId, incarnation: number): void => {
      // What cannot leave is left out: the next reply says more.
      if (isFree) isFree = stream.write({ revision: state.revision, eventsThrough: events.through(node, incarnation) });
    };
    stream.onMessage((beat) => {
      const node = this.#memberOf(beat);
      if (node === undefined || (from !== undefined && node !== from)) {
        log.warn("heartbeat.refused", { node: beat.nodeId, incarnation: beat.incarnation, peer: call.peer });
        stream.cancel();
        return;
      }
      from = node;
      this.#streams.set(node, stream);
      this.#beat(node, beat);
      reply(node, beat.incarnation);
      // Who ends soon would not hear of it with the next beat.
      void events.take(node, beat.incarnation, beat.events)?.then(() => reply(node, beat.incarnation));
    });
    stream.onDrain(() => (isFree = true));
    stream.onEnd(() => {
      if (from === undefined || this.#streams.get(from) !== stream) return;
      this.#streams.delete(from);
      this.#tell(this.#membership.lost(from));
      this.#arm();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const streams = [...this.#streams.values()];
    // Before they end: that they do is no sign of a node that has gone.
    this.#streams.clear();
    for (const stream of streams) stream.end();
  }

  /** The node that beats, if it has joined in this run of its. */
  #memberOf({ nodeId: id, incarnation }: HeartbeatRequest): NodeId | undefined {
    if (id === 0) return undefined;
    const member = this.#options.state.member(nodeId(id));
    // Who was declared lost and runs all the same must not look alive: its votes count for nothing.
    return member?.incarnation === incarnation && member.role !== "lost" ? member.id : undefined;
  }

  #beat(node: NodeId, beat: HeartbeatRequest): void {
    const { state, history, clock } = this.#options;
    this.#received += 1;
    state.setBeat(node, beat);
    history.heard(node, beat);
    this.#tell(this.#membership.heard(node, clock.nowMs()));
    state.beaten.announce();
    if (!this.#timer) this.#arm();
  }

  /** Beats only put the next tick off, so a timer that is set may fire early, but never late. */
  #arm(): void {
    const dueMs = this.#membership.nextTickMs();
    if (dueMs === undefined || (this.#timer && this.#timer.dueMs <= dueMs)) return;
    this.#timer?.cancel();
    const delayMs = Math.max(1, dueMs - this.#options.clock.nowMs());
    const cancel = this.#options.clock.after(delayMs, () => this.#tick(dueMs));
    this.#timer = { dueMs, cancel };
  }

  #tick(dueMs: number): void {
    this.#timer = undefined;
    const nowMs = this.#options.clock.nowMs();
    const lateMs = nowMs - dueMs;
    if (lateMs >= sleptMsMin) {
      this.#options.log.warn("supernode.slept", { lateMs });
      this.#membership.excuse(lateMs);
    }
    this.#tell(this.#membership.tick(nowMs));
    this.#arm();
  }

  #tell(changes: readonly HealthChange[]): void {
    const { state, events, clock, log } = this.#options;
    for (const { node, from, to } of changes) {
      if (!state.member(node)) {
        this.#membership.forget(node);
        events.forget(node);
        continue;
      }
      this.#news.heardOf(node, to);
      if (state.healthOf(node) === to) continue;
      log.info("node.health", { node, from, to });
      state.setHealth(node, to, clock.wallMs());
    }
  }
}
