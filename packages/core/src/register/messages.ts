import type { ErrorCode } from "../errors.js";
import type { Ballot } from "./ballot.js";
import type { Value } from "./value.js";

/** What a coordinator asks a replica about one file. Which file, and under which layout, the envelope says. */
export type ReplicaRequest =
  | { readonly kind: "read"; readonly withContent: boolean }
  | { readonly kind: "prepare"; readonly ballot: Ballot }
  | {
      readonly kind: "accept";
      readonly ballot: Ballot;
      readonly value: Value;
      /** Promised along with the vote: lets this coordinator skip its next prepare. */
      readonly next?: Ballot;
    }
  | { readonly kind: "commit"; readonly ballot: Ballot }
  | { readonly kind: "erase"; readonly ballot: Ballot };

/** What a replica holds of a file, as it tells a coordinator. */
export interface ReplicaState {
  readonly kind: "state";
  /** Zero if the replica has no value. */
  readonly accepted: Ballot;
  readonly value: Value | undefined;
  /** Highest ballot that the replica knows to be chosen: a hint that saves rounds, zero if it knows none. */
  readonly committed: Ballot;
  /** No file without a record may use a ballot whose counter is at or below it. */
  readonly floor: number;
}

export type ReplicaReply =
  /** Answer to a read, and to a prepare that was promised. */
  | ReplicaState
  /** Answer to an accept that was voted for, and to commit and erase. */
  | { readonly kind: "ok" }
  /** The replica has promised `promised` to somebody else, or its floor forbids the ballot. */
  | { readonly kind: "nack"; readonly promised: Ballot; readonly floor: number }
  /** The replica's record is damaged: it abstains, and says nothing about the file. */
  | { readonly kind: "corrupt" }
  /** The coordinator's layout is older than the replica's for this partition. */
  | { readonly kind: "stale_layout"; readonly layout: number }
  /** The request itself is wrong, or the replica cannot serve it now. */
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly reason: string };

/** Why a reply is no vote, for people. */
export function reasonOf(reply: ReplicaReply): string {
  switch (reply.kind) {
    case "refused":
      return reply.reason;
    case "corrupt":
      return "its record is damaged";
    case "nack":
      return `promised ballot ${reply.promised.counter} to another coordinator`;
    case "stale_layout":
      return `follows layout ${reply.layout}`;
    case "state":
    case "ok":
      return "answered";
  }
}
