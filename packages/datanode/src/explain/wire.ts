/** What a replica has, as the messages of Explain carry it. */
import { type Ballot, compareBallots, isZeroBallot, type ReplicaState, type Value, zeroBallot } from "@quorumfs/core";
import { CopyState, type ReplicaCopy } from "@quorumfs/proto";
import type { InspectedCopy } from "../replica/messages.js";
import { optionalBallot } from "../replica/wire-check.js";

const noBytes = new Uint8Array(0);
const noRing: Value["ring"] = Object.freeze([]);
const noAttributes: Value["attributes"] = new Map();

const nothing: ReplicaCopy = {
  state: CopyState.COPY_STATE_UNSPECIFIED,
  promised: undefined,
  accepted: undefined,
  committed: undefined,
  version: 0,
  size: 0,
  etag: noBytes,
  modifiedAtMs: 0,
  deleted: false,
  floor: 0,
  chunksWanted: 0,
  chunksHeld: 0,
};

export function copyToWire(copy: InspectedCopy, state: CopyState): ReplicaCopy {
  if (copy.kind !== "readable") return { ...nothing, state };
  const { accepted, committed, value, floor } = copy.state;
  return {
    ...nothing,
    state,
    promised: compareBallots(copy.promised, accepted) > 0 ? copy.promised : undefined,
    accepted: optional(accepted),
    committed: optional(committed),
    version: value?.version.counter ?? 0,
    size: value?.size ?? 0,
    etag: value?.etag ?? noBytes,
    modifiedAtMs: value?.modifiedAtMs ?? 0,
    deleted: value?.kind === "tombstone",
    floor,
  };
}

/** The state that a copy tells of; undefined: it abstains. @throws QuorumError `invalid_argument` */
export function stateFromWire(
  copy: ReplicaCopy,
): { readonly state: ReplicaState; readonly promised: Ballot } | undefined {
  const accepted = optionalBallot(copy.accepted, "accepted");
  const isSound = copy.state === CopyState.COPY_STATE_GOOD || copy.state === CopyState.COPY_STATE_ARRIVING;
  // What is damaged is the content alone, where there is a ballot.
  if (!isSound && isZeroBallot(accepted)) return undefined;
  const committed = optionalBallot(copy.committed, "committed");
  const promised = copy.promised ? optionalBallot(copy.promised, "promised") : accepted;
  const value = isZeroBallot(accepted) ? undefined : valueOf(copy, accepted);
  return { state: { kind: "state", accepted, value, committed, floor: copy.floor }, promised };
}

/** Without content. Of the version's ballot only the counter is told, which is what users see. */
function valueOf({ deleted, version, size, etag, modifiedAtMs }: ReplicaCopy, accepted: Ballot): Value {
  return {
    kind: deleted ? "tombstone" : "live",
    version: { ...accepted, counter: version },
    size,
    etag,
    modifiedAtMs,
    content: deleted ? { kind: "none" } : { kind: "omitted" },
    attributes: noAttributes,
    ring: noRing,
  };
}

function optional(ballot: Ballot): Ballot | undefined {
  return compareBallots(ballot, zeroBallot) === 0 ? undefined : ballot;
}
