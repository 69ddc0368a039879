import { type Clock, type Log, QuorumError, type ReplicaReply, type ReplicaRequest } from "@quorumfs/core";
import type { ReplicaRequest as RequestMessage, ReplicaResponse as ResponseMessage } from "@quorumfs/proto";
import { errorToDetail } from "@quorumfs/rpc";
import type { Tracer } from "@quorumfs/telemetry/lean";
import { Hex } from "../file/hex.js";
import { type OperationLog, slowVoteMs } from "../follow/operation-log.js";
import { endVote } from "../follow/vote-span.js";
import { checkContentIsWhole } from "./content-match.js";
import type { LocalReplica } from "./local-replica.js";
import { replyToWire, requestFromWire } from "./wire.js";

/** Has one vote of the DataNode `from` answered. @throws QuorumError `invalid_argument`, `permission_denied` */
export function dispatchVote(options: {
  readonly replica: LocalReplica;
  readonly from: number;
  readonly operations: OperationLog;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly log: Log;
  readonly message: RequestMessage;
  readonly reply: (response: ResponseMessage) => void;
}): void {
  const { replica, from, operations, tracer, clock, log, message, reply } = options;
  const { id, target, request, requestId } = requestFromWire(message);
  const have = message.vote?.$case === "read" ? message.vote.value.have : undefined;
  checkOwnBallots(request, from);
  if (request.kind === "accept") checkContentIsWhole(request.value);
  const isFollowed = tracer.enabled && message.traceparent !== "";
  const span = isFollowed
    ? tracer.start(`vote ${request.kind}`, { role: "server", parent: message.traceparent })
    : undefined;
  // A read waits for nothing but votes, and there are many of them.
  const sinceMs = request.kind === "read" ? undefined : clock.nowMs();
  const tell = (answer: ReplicaReply): void => {
    if (answer.kind === "refused") {
      const { code, reason } = answer;
      log.debug("vote.refused", { from, vote: request.kind, code, reason, requestId: new Hex(requestId) });
    }
    const tookMs = sinceMs === undefined ? 0 : clock.nowMs() - sinceMs;
    if (tookMs > slowVoteMs) operations.slowVote({ vote: request.kind, from, path: target.path, requestId }, tookMs);
    if (span) endVote(span, answer);
    if (id !== 0) reply(replyToWire(id, answer, have));
  };
  replica.handle(target, request, tell, span);
}

export function refuseVote(message: RequestMessage, error: QuorumError): ResponseMessage {
  return { id: message.id, reply: { $case: "refused", value: errorToDetail(error) } };
}

/** A promise is asked for in one's own name. An ACCEPT may bring somebody else's ballot: a reader writes back what it found. */
function checkOwnBallots(request: ReplicaRequest, from: number): void {
  const own = request.kind === "prepare" ? request.ballot : request.kind === "accept" ? request.next : undefined;
  if (own === undefined || own.node === from) return;
  throw new QuorumError({ code: "permission_denied", message: `node ${from} asks for a promise to node ${own.node}` });
}
