import type { Ballot, Clock } from "@quorumfs/core";
import type { OperationTrace, TraceKind, TraceStep } from "@quorumfs/proto";

// An operation that meets no trouble has a dozen; one that duels for seconds is told from its beginning.
const stepsMax = 256;

export interface StepFacts {
  readonly node?: number;
  readonly tookMs?: number;
  readonly ballot?: Ballot | undefined;
  readonly detail?: string;
}

/** What an operation did, step by step, as its client is told. */
export class TraceSteps {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #steps: TraceStep[] = [];
  #leftOut = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
  }

  add(kind: TraceKind, { node = 0, tookMs = 0, ballot, detail = "" }: StepFacts = {}): void {
    if (this.#steps.length >= stepsMax) {
      this.#leftOut += 1;
      return;
    }
    const atUs = micros(this.#clock.nowMs() - this.#startedAtMs);
    this.#steps.push({ atUs, kind, node, tookUs: micros(tookMs), ballot, detail });
  }

  toMessage(): OperationTrace {
    return { steps: [...this.#steps], leftOut: this.#leftOut };
  }
}

function micros(ms: number): number {
  return Math.max(0, Math.round(ms * 1000));
}
