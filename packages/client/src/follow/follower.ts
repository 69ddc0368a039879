/** Goes along with one operation of the SDK and tells what it does: to its caller as steps, to a collector as a span. */
import { type Clock, type OperationTrace, QuorumError, type TraceStep, type TraceStepKind } from "@quorumfs/core";
import { type OperationTrace as WireTrace, TraceKind, type TraceStep as WireStep } from "@quorumfs/proto";
import type { Span } from "@quorumfs/telemetry/lean";
import { toHex } from "../wire.js";

// Some attempts of a coordinator that tells all it can.
const stepsMax = 1024;

export interface FollowerOptions {
  readonly clock: Clock;
  readonly operationId: Uint8Array;
  /** Whether the caller wants to be told. */
  readonly tells: boolean;
  /** The follower ends it. */
  readonly span: Span | undefined;
}

type Facts = Partial<Omit<TraceStep, "kind">>;

export class Follower {
  readonly operationId: Uint8Array;
  readonly tells: boolean;
  readonly #clock: Clock;
  readonly #span: Span | undefined;
  readonly #startedAtMs: number;
  readonly #steps: TraceStep[] = [];
  #leftOut = 0;
  #attempts = 0;
  #isOver = false;

  constructor({ clock, operationId, tells, span }: FollowerOptions) {
    this.operationId = operationId;
    this.tells = tells;
    this.#clock = clock;
    this.#span = span;
    this.#startedAtMs = clock.nowMs();
  }

  /** For those who are asked on its behalf. */
  get traceparent(): string {
    return this.#span?.traceparent ?? "";
  }

  /** What was told so far; undefined if nobody wants to know. */
  get trace(): OperationTrace | undefined {
    if (!this.tells) return undefined;
    return { operationId: toHex(this.operationId), steps: [...this.#steps], leftOut: this.#leftOut };
  }

  attempt(node: number, askedAtMs: number, verb: string): void {
    this.#attempts += 1;
    const detail = this.#attempts === 1 ? verb : `${verb}, attempt ${this.#attempts}`;
    this.#add("attempt", { atMs: askedAtMs - this.#startedAtMs, node, detail });
    this.#span?.event("attempt", { "quorumfs.node": node, "quorumfs.attempt": this.#attempts });
  }

  /** A coordinator has answered, well or not. */
  answered(node: number, askedAtMs: number, trace: WireTrace | undefined): void {
    const tookMs = this.#clock.nowMs() - askedAtMs;
    const offsetMs = askedAtMs - this.#startedAtMs;
    for (const step of trace?.steps ?? []) this.#push(fromWire(step, node, offsetMs));
    this.#leftOut += trace?.leftOut ?? 0;
    this.#add("answered", { node, tookMs });
  }

  unanswered(node: number, askedAtMs: number, error: QuorumError): void {
    this.#add("failed", { node, tookMs: this.#clock.nowMs() - askedAtMs, detail: error.message });
    this.#span?.event("failure", { "quorumfs.node": node, "quorumfs.reason": error.message });
  }

  hedged(node: number): void {
    this.#add("hedged", { node, detail: "the first that was asked is slow: another one is asked the same" });
    this.#span?.event("hedged", { "quorumfs.node": node });
  }

  /** From now on nothing is done for a while. */
  waits(tookMs: number, detail: string): void {
    this.#add("waited", { tookMs, detail });
    this.#span?.event("waited", { "quorumfs.waited_ms": tookMs, "quorumfs.reason": detail });
  }

  /** Chunks that were sent or fetched since `sinceMs`. */
  transferred(sinceMs: number, detail: string): void {
    const tookMs = this.#clock.nowMs() - sinceMs;
    this.#add("transfer", { tookMs, detail });
    this.#span?.event("transfer", { "quorumfs.took_ms": tookMs, "quorumfs.detail": detail });
  }

  /** What `work` comes to, with the trace; ends the operation with it. @throws QuorumError, with the trace in its details */
  async along<Result extends object>(work: Promise<Result>): Promise<Result & { readonly trace?: OperationTrace }> {
    try {
      const result = await work;
      this.ended(undefined);
      const { trace } = this;
      return trace ? { ...result, trace } : result;
    } catch (thrown) {
      throw this.failed(QuorumError.from(thrown));
    }
  }

  /** Ends the operation. @returns the error, with the trace in its details */
  failed(error: QuorumError): QuorumError {
    this.ended(error);
    const { trace } = this;
    if (!trace) return error;
    const { code, message, details, cause } = error;
    return new QuorumError({ code, message, details: { ...details, trace }, cause });
  }

  /** What comes after the first end says nothing new. */
  ended(error: QuorumError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const tookMs = this.#clock.nowMs() - this.#startedAtMs;
    this.#add("decided", { tookMs, detail: error ? `${error.code}: ${error.message}` : "done" });
    this.#span?.end(error);
  }

  #add(kind: TraceStepKind, facts: Facts): void {
    const {
      atMs = this.#clock.nowMs() - this.#startedAtMs,
      coordinator,
      node,
      tookMs = 0,
      ballot,
      detail = "",
    } = facts;
    this.#push({ atMs, kind, coordinator, node, tookMs, ballot, detail });
  }

  #push(step: TraceStep): void {
    if (!this.tells) return;
    if (this.#steps.length < stepsMax)
      this.#steps.push({ ...step, atMs: toMicros(step.atMs), tookMs: toMicros(step.tookMs) });
    else this.#leftOut += 1;
  }
}

/** More digits say nothing. */
function toMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function fromWire(step: WireStep, coordinator: number, offsetMs: number): TraceStep {
  const { atUs, kind, node, tookUs, ballot, detail } = step;
  return {
    atMs: offsetMs + atUs / 1000,
    kind: kinds[kind],
    coordinator,
    node: node === 0 ? undefined : node,
    tookMs: tookUs / 1000,
    ballot: ballot && { counter: ballot.counter, node: ballot.node, incarnation: ballot.incarnation },
    detail,
  };
}

const kinds: Readonly<Record<TraceKind, TraceStepKind>> = {
  [TraceKind.TRACE_KIND_ADMITTED]: "admitted",
  [TraceKind.TRACE_KIND_QUEUED]: "queued",
  [TraceKind.TRACE_KIND_ROUND]: "round",
  [TraceKind.TRACE_KIND_ASKED]: "asked",
  [TraceKind.TRACE_KIND_ANSWERED]: "answered",
  [TraceKind.TRACE_KIND_NACKED]: "nacked",
  [TraceKind.TRACE_KIND_FAILED]: "failed",
  [TraceKind.TRACE_KIND_HEDGED]: "hedged",
  [TraceKind.TRACE_KIND_WAITED]: "waited",
  [TraceKind.TRACE_KIND_DECIDED]: "decided",
  [TraceKind.TRACE_KIND_ATTEMPT]: "attempt",
  [TraceKind.TRACE_KIND_TRANSFER]: "transfer",
  // What a newer DataNode does and this client does not know.
  [TraceKind.TRACE_KIND_UNSPECIFIED]: "waited",
  [TraceKind.UNRECOGNIZED]: "waited",
};
