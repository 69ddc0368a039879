/**
 * Goes along with one operation and tells what it does: to the client that asked for that, as steps, and to whoever collects
 * spans. Made for operations that somebody follows, and for no others: where there is none, nothing of this runs.
 */
import {
  type Ballot,
  type Clock,
  formatBallot,
  isZeroBallot,
  type NodeId,
  type QuorumError,
  reasonOf,
  type ReplicaReply,
  type ReplicaRequest,
} from "@quorumfs/core";
import { type OperationTrace, TraceKind } from "@quorumfs/proto";
import type { Span } from "@quorumfs/telemetry/lean";
import { TraceSteps } from "./trace-steps.js";

export interface FollowerOptions {
  readonly clock: Clock;
  /** Whether the client wants to be told. */
  readonly tells: boolean;
  /** Of the operation on this node; the follower ends it. */
  readonly span?: Span | undefined;
}

export class Follower {
  readonly #clock: Clock;
  readonly #steps: TraceSteps | undefined;
  readonly #span: Span | undefined;
  readonly #cameAtMs: number;
  #queuedAtMs: number | undefined;
  #round = 0;
  #roundSpan: Span | undefined;
  /** When each node was asked, by round and node. */
  readonly #askedAtMs = new Map<string, number>();

  constructor({ clock, tells, span }: FollowerOptions) {
    this.#clock = clock;
    this.#steps = tells ? new TraceSteps(clock) : undefined;
    this.#span = span;
    this.#cameAtMs = clock.nowMs();
  }

  /** Of the round that is under way: what is asked in it is asked on its behalf. */
  get span(): Span | undefined {
    return this.#roundSpan ?? this.#span;
  }

  admitted(): void {
    this.#steps?.add(TraceKind.TRACE_KIND_ADMITTED, { tookMs: this.#clock.nowMs() - this.#cameAtMs });
  }

  /** There are earlier changes of the file. */
  queues(): void {
    this.#queuedAtMs = this.#clock.nowMs();
  }

  /** Its turn at the file has come, perhaps at once. */
  hasTurn(): void {
    if (this.#queuedAtMs === undefined) return;
    const tookMs = this.#clock.nowMs() - this.#queuedAtMs;
    const detail = "for earlier changes of the file";
    this.#steps?.add(TraceKind.TRACE_KIND_QUEUED, { tookMs, detail });
    this.#span?.event("queued", { "quorumfs.waited_ms": tookMs });
  }

  /** Something is sent. Questions of one round are told as one. */
  round(round: number, request: ReplicaRequest): void {
    if (round === this.#round) return;
    this.#round = round;
    const ballot = ballotOf(request);
    this.#steps?.add(TraceKind.TRACE_KIND_ROUND, { ballot, detail: request.kind });
    if (!this.#span) return;
    this.#roundSpan?.end();
    const attributes = ballot ? { "quorumfs.ballot": formatBallot(ballot) } : {};
    this.#roundSpan = this.#span.child(`round ${request.kind}`, {
      attributes: { "quorumfs.round": round, ...attributes },
    });
  }

  asked(round: number, node: NodeId, { kind }: ReplicaRequest): void {
    this.#askedAtMs.set(`${round}/${node}`, this.#clock.nowMs());
    this.#steps?.add(TraceKind.TRACE_KIND_ASKED, { node, detail: kind });
  }

  /** @param of the question; an answer to an earlier round comes too late to count */
  answered(
    of: { readonly round: number; readonly node: NodeId; readonly request: ReplicaRequest },
    reply: ReplicaReply | undefined,
    reason: string,
  ): void {
    const { round, node, request } = of;
    const tookMs = this.#clock.nowMs() - (this.#askedAtMs.get(`${round}/${node}`) ?? this.#cameAtMs);
    if (round !== this.#round) {
      const detail = `too late for the round of ${request.kind}`;
      this.#steps?.add(TraceKind.TRACE_KIND_ANSWERED, { node, tookMs, detail });
      return;
    }
    if (reply?.kind === "state" || reply?.kind === "ok") {
      const detail = answerText(request, reply);
      this.#steps?.add(TraceKind.TRACE_KIND_ANSWERED, { node, tookMs, ...detail });
      return;
    }
    const detail = reply ? reasonOf(reply) : reason;
    const isNack = reply?.kind === "nack";
    const kind = isNack ? TraceKind.TRACE_KIND_NACKED : TraceKind.TRACE_KIND_FAILED;
    this.#steps?.add(kind, { node, tookMs, ballot: isNack ? reply.promised : undefined, detail });
    this.span?.event(isNack ? "nack" : "failure", { "quorumfs.node": node, "quorumfs.reason": detail });
  }

  /** Others are asked, since those before are slow. */
  hedged(): void {
    const detail = "the first to be asked are slow: the others are asked, too";
    this.#steps?.add(TraceKind.TRACE_KIND_HEDGED, { detail });
    this.span?.event("hedged");
  }

  waited(tookMs: number, detail: string): void {
    this.#steps?.add(TraceKind.TRACE_KIND_WAITED, { tookMs, detail });
    this.span?.event("waited", { "quorumfs.waited_ms": tookMs, "quorumfs.reason": detail });
  }

  /** The replicas follow a newer layout, and so does this node now: the vote begins anew. */
  restarted(tookMs: number, layout: number): void {
    this.waited(tookMs, `the replicas follow layout ${layout}: the vote begins anew under it`);
    this.#round = 0;
  }

  /** It has ended. */
  ended(error: QuorumError | undefined): void {
    const detail = error ? `${error.code}: ${error.message}` : "answered";
    this.#steps?.add(TraceKind.TRACE_KIND_DECIDED, { tookMs: this.#clock.nowMs() - this.#cameAtMs, detail });
    this.#roundSpan?.end();
    this.#roundSpan = undefined;
    this.#span?.end(error);
  }

  /** For the client, if it wants to be told. */
  get trace(): OperationTrace | undefined {
    return this.#steps?.toMessage();
  }
}

function ballotOf(request: ReplicaRequest): Ballot | undefined {
  return request.kind === "read" ? undefined : request.ballot;
}

function answerText(
  request: ReplicaRequest,
  reply: Extract<ReplicaReply, { kind: "state" | "ok" }>,
): { readonly ballot?: Ballot; readonly detail: string } {
  if (reply.kind === "ok") return { detail: request.kind === "accept" ? "voted for it" : "done" };
  const { accepted, value } = reply;
  const prefix = request.kind === "prepare" ? "promised; " : "";
  if (isZeroBallot(accepted) || !value) return { detail: `${prefix}has nothing` };
  const what =
    value.kind === "live" ? `has version ${value.version.counter}` : `has the delete ${value.version.counter}`;
  return { ballot: accepted, detail: `${prefix}${what}` };
}
