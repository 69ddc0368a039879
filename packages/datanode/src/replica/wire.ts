/** Votes as messages of the core and as messages of the wire. Objects are shared where both sides look alike: neither is ever changed. */
import {
  type Ballot,
  checkPrefix,
  isZeroBallot,
  QuorumError,
  type RangeEntry,
  type RangePage,
  type ReplicaReply,
  type ReplicaRequest,
  type ReplicaState,
  sameBallot,
  unreachable,
  type Value,
  withoutContent,
} from "@quorumfs/core";
import type {
  AcceptVote,
  Ballot as BallotMessage,
  RangeEntry as RangeEntryMessage,
  RangeReadRequest,
  RangeReadResponse,
  ReplicaRequest as RequestMessage,
  ReplicaResponse as ResponseMessage,
  ReplicaState as StateMessage,
  Value as ValueMessage,
} from "@quorumfs/proto";
import { errorFromDetail, errorToDetail } from "@quorumfs/rpc";
import type { RangeRequest, ReplicaTarget } from "./messages.js";
import {
  checkAfter,
  checkBallot,
  checkBucketId,
  checkProposal,
  checkRequestId,
  checkTarget,
  checkValue,
  malformed,
  optionalBallot,
} from "./wire-check.js";

/** One vote as it goes to another DataNode. `id` 0: no reply is wanted. */
export interface VoteEnvelope {
  readonly id: number;
  readonly target: ReplicaTarget;
  readonly request: ReplicaRequest;
  /** The client's request id, for the logs; may be empty. */
  readonly requestId: Uint8Array;
  /** W3C Trace Context of who asks; default: none. */
  readonly traceparent?: string;
}

/** What most values have; whoever encodes a message only reads it. */
const noAttributes = new Map<string, string>();
const ok: ResponseMessage["reply"] = Object.freeze({ $case: "ok", value: Object.freeze({}) });
const corrupt: ResponseMessage["reply"] = Object.freeze({ $case: "corrupt", value: Object.freeze({}) });
const okReply: ReplicaReply = Object.freeze({ kind: "ok" });
const corruptReply: ReplicaReply = Object.freeze({ kind: "corrupt" });

/** @param have for a read: the ballot of a value that the asker holds, so that it need not be repeated */
export function requestToWire(envelope: VoteEnvelope, have?: Ballot): RequestMessage {
  const { id, target, request, requestId, traceparent = "" } = envelope;
  const vote = voteToWire(request, have);
  return { id, bucket: target.bucket, path: target.path, layout: target.layout, vote, requestId, traceparent };
}

/** @throws QuorumError `invalid_argument`, if the message breaks any limit */
export function requestFromWire(message: RequestMessage): VoteEnvelope {
  const { id, layout } = message;
  const { bucket, path } = checkTarget(message.bucket, message.path);
  const request = voteFromWire(message.vote);
  return { id, target: { bucket, path, layout }, request, requestId: checkRequestId(message.requestId) };
}

/** @param have the ballot of a value that the asker holds */
export function replyToWire(id: number, reply: ReplicaReply, have?: Ballot): ResponseMessage {
  return { id, reply: replyMessage(reply, have) };
}

/**
 * A reply that makes no sense becomes `refused`, `internal`.
 *
 * @param have the state whose value was left out, if the reply's is the same
 */
export function replyFromWire(message: ResponseMessage, have?: ReplicaState): ReplicaReply {
  try {
    return replyOf(message.reply, have);
  } catch (thrown) {
    return { kind: "refused", code: "internal", reason: QuorumError.from(thrown).message };
  }
}

function valueToWire(value: Value): ValueMessage {
  const { version, size, etag, modifiedAtMs, content, attributes, ring } = value;
  return {
    tombstone: value.kind === "tombstone",
    version,
    size,
    etag,
    modifiedAtMs,
    content:
      content.kind === "inline" || content.kind === "manifest"
        ? { $case: content.kind, value: content.bytes }
        : undefined,
    attributes: attributes.size === 0 ? noAttributes : new Map(attributes),
    ring: [...ring],
  };
}

export function rangeEntryToWire(entry: RangeEntry): RangeEntryMessage {
  if (entry.kind === "corrupt") {
    return { path: entry.path, accepted: undefined, value: undefined, committed: undefined, corrupt: true };
  }
  const { path, accepted, value, committed } = entry;
  return { path, accepted, value: valueToWire(value), committed: ballotToWire(committed), corrupt: false };
}

/** @throws QuorumError `invalid_argument`, if the message breaks any limit */
function rangeEntryFromWire(message: RangeEntryMessage): RangeEntry {
  const { path } = message;
  if (message.corrupt) return { kind: "corrupt", path };
  if (!message.value) throw malformed("an entry without a value");
  return {
    kind: "record",
    path,
    accepted: checkBallot(message.accepted, "an entry's accepted ballot"),
    value: checkValue(message.value),
    committed: optionalBallot(message.committed, "an entry's committed ballot"),
  };
}

export function rangePageToWire(page: RangePage): RangeReadResponse {
  const { entries, lastPath, truncated, floor } = page;
  return { entries: entries.map(rangeEntryToWire), lastPath, truncated, floor };
}

/** @throws QuorumError `invalid_argument`, if the message breaks any limit */
export function rangePageFromWire(message: RangeReadResponse): RangePage {
  const { entries, lastPath, truncated, floor } = message;
  return { entries: entries.map(rangeEntryFromWire), lastPath, truncated, floor };
}

/** @throws QuorumError `invalid_argument` */
export function rangeRequestFromWire(message: RangeReadRequest): RangeRequest {
  const { bucket, prefix, after, limit } = message;
  return { bucket: checkBucketId(bucket), prefix: checkPrefix(prefix), after: checkAfter(after), limit };
}

function voteToWire(request: ReplicaRequest, have: Ballot | undefined): RequestMessage["vote"] {
  switch (request.kind) {
    case "read":
      return { $case: "read", value: { withContent: request.withContent, have: have && ballotToWire(have) } };
    case "prepare":
      return { $case: "prepare", value: request };
    case "accept":
      return {
        $case: "accept",
        value: { ballot: request.ballot, value: valueToWire(request.value), next: request.next },
      };
    case "commit":
      return { $case: "commit", value: request };
    case "erase":
      return { $case: "erase", value: request };
    default:
      return unreachable(request);
  }
}

function voteFromWire(vote: RequestMessage["vote"]): ReplicaRequest {
  switch (vote?.$case) {
    case "read":
      return { kind: "read", withContent: vote.value.withContent };
    case "prepare":
      return { kind: "prepare", ballot: checkBallot(vote.value.ballot, "the ballot") };
    case "accept":
      return acceptFromWire(vote.value);
    case "commit":
      return { kind: "commit", ballot: checkBallot(vote.value.ballot, "the ballot") };
    case "erase":
      return { kind: "erase", ballot: checkBallot(vote.value.ballot, "the ballot") };
    case undefined:
      throw malformed("no vote, or one that this version does not know");
  }
}

function acceptFromWire(vote: AcceptVote): ReplicaRequest {
  const ballot = checkBallot(vote.ballot, "the ballot");
  const value = checkProposal(vote.value, ballot);
  if (!vote.next) return { kind: "accept", ballot, value };
  return { kind: "accept", ballot, value, next: checkBallot(vote.next, "the next ballot") };
}

function replyMessage(reply: ReplicaReply, have: Ballot | undefined): ResponseMessage["reply"] {
  switch (reply.kind) {
    case "state":
      return {
        $case: "state",
        value: {
          accepted: ballotToWire(reply.accepted),
          value: reply.value && !isHeld(reply, have) ? valueToWire(reply.value) : undefined,
          committed: ballotToWire(reply.committed),
          floor: reply.floor,
        },
      };
    case "ok":
      return ok;
    case "nack":
      return { $case: "nack", value: { promised: ballotToWire(reply.promised), floor: reply.floor } };
    case "corrupt":
      return corrupt;
    case "stale_layout":
      return { $case: "staleLayout", value: { layout: reply.layout } };
    case "refused":
      return { $case: "refused", value: errorToDetail(new QuorumError({ code: reply.code, message: reply.reason })) };
    default:
      return unreachable(reply);
  }
}

/** Whether the asker has this very value, and this reply brings nothing more of it. */
function isHeld(reply: ReplicaState, have: Ballot | undefined): boolean {
  if (have === undefined || !sameBallot(have, reply.accepted)) return false;
  return reply.value?.kind === "tombstone" || reply.value?.content.kind === "omitted";
}

function replyOf(reply: ResponseMessage["reply"], have: ReplicaState | undefined): ReplicaReply {
  switch (reply?.$case) {
    case "state":
      return stateOf(reply.value, have);
    case "ok":
      return okReply;
    case "nack":
      return { kind: "nack", promised: optionalBallot(reply.value.promised, "promised"), floor: reply.value.floor };
    case "corrupt":
      return corruptReply;
    case "staleLayout":
      return { kind: "stale_layout", layout: reply.value.layout };
    case "refused": {
      const { code, message } = errorFromDetail(reply.value);
      return { kind: "refused", code, reason: message };
    }
    case undefined:
      throw malformed("no reply, or one that this version does not know");
  }
}

function stateOf(message: StateMessage, have: ReplicaState | undefined): ReplicaReply {
  const accepted = optionalBallot(message.accepted, "accepted");
  const value = message.value ? checkValue(message.value) : heldValue(accepted, have);
  if (isZeroBallot(accepted) !== (value === undefined)) throw malformed("a state with half a value");
  const committed = optionalBallot(message.committed, "committed");
  return { kind: "state", accepted, value, committed, floor: message.floor };
}

function heldValue(accepted: Ballot, have: ReplicaState | undefined): Value | undefined {
  return have?.value && sameBallot(have.accepted, accepted) ? withoutContent(have.value) : undefined;
}

/** The zero ballot is left out. */
function ballotToWire(ballot: Ballot): BallotMessage | undefined {
  return isZeroBallot(ballot) ? undefined : ballot;
}
