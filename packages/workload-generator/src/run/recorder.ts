import { type Clock, type QuorumError } from "@quorumfs/core";
import type { Operation, OperationCondition } from "../history/operation.js";

/** What was asked, before anything came of it. */
export type Request =
  | { readonly kind: "read"; readonly file: string }
  | { readonly kind: "write"; readonly file: string; readonly value: string; readonly condition?: OperationCondition }
  | { readonly kind: "delete"; readonly file: string };

/** An operation under way. */
export interface Attempt {
  readonly request: Request;
  readonly startedAt: number;
}

/**
 * Turns what a process sees into a history. What is still under way when the run is cut off counts as unknown, so an
 * attempt is a part of the history as soon as it began.
 */
export class Recorder {
  readonly #clock: Clock;
  readonly #client: string;
  readonly #operations: Operation[] = [];
  readonly #open = new Set<Attempt>();

  /** @param options.client shown in timelines */
  constructor(options: { clock: Clock; client: string }) {
    this.#clock = options.clock;
    this.#client = options.client;
  }

  begin(request: Request, startedAt: number): Attempt {
    const attempt = { request, startedAt };
    this.#open.add(attempt);
    return attempt;
  }

  found(attempt: Attempt, outcome: { value: string; version: number }): void {
    const { request } = attempt;
    if (request.kind === "read") this.#add(attempt, { kind: "read", outcome: { kind: "found", ...outcome } });
  }

  done(attempt: Attempt, version: number): void {
    const { request } = attempt;
    if (request.kind !== "read") this.#add(attempt, { ...request, outcome: { kind: "done", version } });
  }

  failed(attempt: Attempt, error: QuorumError): void {
    const { request } = attempt;
    if (request.kind === "read") {
      const outcome = error.code === "not_found" ? ({ kind: "absent" } as const) : ({ kind: "failed" } as const);
      this.#add(attempt, { ...request, outcome });
    } else this.#add(attempt, { ...request, outcome: outcomeOf(request.kind, error) });
  }

  #add(attempt: Attempt, operation: DistributiveOmit<Operation, "file" | "client" | "startedAt" | "endedAt">): void {
    this.#open.delete(attempt);
    const { request, startedAt } = attempt;
    const times = { file: request.file, client: this.#client, startedAt, endedAt: this.#clock.nowMs() };
    this.#operations.push({ ...times, ...operation });
  }

  /** The history so far. */
  get operations(): readonly Operation[] {
    const times = { client: this.#client, endedAt: Infinity } as const;
    const open = [...this.#open].map(({ request, startedAt }): Operation => {
      return { ...times, startedAt, ...request, outcome: { kind: "unknown" } };
    });
    return [...this.#operations, ...open];
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What an error of a mutation says about its effect, by what the SDK promises of each code. */
export function outcomeOf(kind: "write" | "delete", error: QuorumError) {
  switch (error.code) {
    case "precondition_failed": {
      const { currentVersion } = error.details;
      return { kind: "condition_failed" as const, ...(currentVersion === undefined ? {} : { currentVersion }) };
    }
    case "not_found":
      // For a write it means that there is no such bucket.
      if (kind === "write") return { kind: "failed" as const };
      return { kind: "condition_failed" as const, currentVersion: 0 };
    case "unavailable":
    case "quorum_unavailable":
    case "resource_exhausted":
    case "invalid_argument":
    case "permission_denied":
    case "cancelled":
      return { kind: "failed" as const };
    case "unknown_outcome":
    case "corrupt":
    case "internal":
      return { kind: "unknown" as const };
  }
}
