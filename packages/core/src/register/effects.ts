import type { NodeFailure } from "../errors.js";
import type { NodeId } from "../ids.js";
import type { ReplicaReply, ReplicaRequest } from "./messages.js";
import type { Value } from "./value.js";
import type { Ballot } from "./ballot.js";

/** What a coordinator's state machine wants done. */
export type Effect<Outcome> =
  /** Replies come back through `onReply` with the same `round`; for round 0 none is expected. */
  | {
      readonly kind: "send";
      readonly round: number;
      readonly to: readonly NodeId[];
      readonly request: ReplicaRequest;
    }
  /**
   * Call `onTimer(timer)` later. `patience`: how long to wait for stragglers once the answer could be had without them.
   * `backoff`: a random pause before the next try, longer with each `attempt` (from 1).
   */
  | {
      readonly kind: "timer";
      readonly timer: number;
      readonly purpose: "patience" | "backoff";
      readonly attempt: number;
    }
  /** The end: no further effect follows. */
  | { readonly kind: "done"; readonly outcome: Outcome };

export type Effects<Outcome> = readonly Effect<Outcome>[];

/** An operation on one file, as its coordinator drives it. Feed it events, perform the effects. */
export interface RegisterOperation<Outcome> {
  start(): Effects<Outcome>;
  onReply(round: number, from: NodeId, reply: ReplicaReply): Effects<Outcome>;
  /** The node could not be reached, or did not answer in time; the request may have arrived all the same. */
  onFailure(round: number, from: NodeId, reason: string): Effects<Outcome>;
  onTimer(timer: number): Effects<Outcome>;
  /** The deadline has passed, or the caller has gone. Always ends the operation. */
  onDeadline(): Effects<Outcome>;
}

/** Ends that reads and mutations have in common. */
export type CommonOutcome =
  /** Too few nodes answered; nothing was changed by this attempt. */
  | {
      readonly kind: "quorum_unavailable";
      readonly needed: number;
      readonly got: number;
      readonly nodes: readonly NodeFailure[];
    }
  /** Other coordinators kept overtaking this one; nothing was changed by this attempt. */
  | { readonly kind: "contended" }
  /** A replica follows a newer layout; nothing is known to have been changed unless `mayHaveRun`. */
  | { readonly kind: "stale_layout"; readonly layout: number; readonly mayHaveRun: boolean }
  /** The mutation may or may not have taken effect. */
  | { readonly kind: "unknown"; readonly reason: string };

/** What a coordinator keeps after its own write: the value that it wrote and the promise that came with the votes. */
export interface Kept {
  readonly next: Ballot;
  /** May be without content. */
  readonly current: Value;
}
