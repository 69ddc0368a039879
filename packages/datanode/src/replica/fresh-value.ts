import { type ReplicaReply, type ReplicaRequest, sameBallot } from "@quorumfs/core";

/**
 * By default, half of the lease that chunks have at least when the manifest is made that names them. A coordinator that was
 * stopped for longer before the vote must not get the manifest chosen: the chunks may be gone.
 */
export const manifestAgeMaxMsDefault = 12 * 3_600_000;

/** What this replica knows besides the vote. */
export interface Surroundings {
  /** Whether too little space is left for new content. */
  readonly isFull: boolean;
  readonly wallMs: number;
  /** How old a manifest may be when it is first voted for. */
  readonly manifestAgeMaxMs: number;
}

/**
 * Why a new value is not voted for. What is there already, and what only takes space away, goes on at any time: deletes,
 * and old values that are voted for again.
 */
export function refusalOfFresh(request: ReplicaRequest, surroundings: Surroundings): ReplicaReply | undefined {
  const { isFull, wallMs, manifestAgeMaxMs } = surroundings;
  if (request.kind !== "accept" || !request.next || request.value.kind !== "live") return undefined;
  const { value, ballot } = request;
  if (!sameBallot(value.version, ballot)) return undefined;
  if (isFull) return { kind: "refused", code: "resource_exhausted", reason: "its disk is nearly full" };
  const ageMs = wallMs - value.modifiedAtMs;
  if (value.content.kind !== "manifest" || ageMs <= manifestAgeMaxMs) return undefined;
  return {
    kind: "refused",
    code: "unavailable",
    reason: `the manifest was made ${Math.round(ageMs / 1000)} s ago by this node's clock; its chunks may be gone`,
  };
}
