import { type ReplicaReply, type ReplicaRequest, sameBallot } from "@quorumfs/core";

/**
 * Half of the lease that chunks have at least when a manifest that names them is proposed. A coordinator that was stopped in
 * between for longer must not get the manifest chosen: the chunks may be gone.
 */
export const manifestAgeMaxMs = 12 * 3_600_000;

/** What this replica knows besides the vote. */
export interface Surroundings {
  /** Whether too little space is left for new content. */
  readonly isFull: boolean;
  readonly wallMs: number;
}

/**
 * Why a new value is not voted for. What is there already, and what only takes space away, goes on at any time: deletes,
 * and old values that are voted for again.
 */
export function refusalOfFresh(request: ReplicaRequest, { isFull, wallMs }: Surroundings): ReplicaReply | undefined {
  if (request.kind !== "accept" || !request.next || request.value.kind !== "live") return undefined;
  const { value, ballot } = request;
  if (!sameBallot(value.version, ballot)) return undefined;
  if (isFull) return { kind: "refused", code: "resource_exhausted", reason: "its disk is nearly full" };
  const ageMs = wallMs - value.modifiedAtMs;
  if (value.content.kind !== "manifest" || ageMs <= manifestAgeMaxMs) return undefined;
  return {
    kind: "refused",
    code: "unavailable",
    reason: `the manifest was made ${Math.round(ageMs / 3_600_000)} hours ago by this node's clock; its chunks may be gone`,
  };
}
