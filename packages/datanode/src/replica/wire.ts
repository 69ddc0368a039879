import type { ReplicaReply, ReplicaRequest, Value } from "@quorumfs/core";
import type {
  RangeReadResponse,
  ReplicaRequest as RequestMessage,
  ReplicaResponse as ResponseMessage,
  Value as ValueMessage,
} from "@quorumfs/proto";
import type { RangePage, ReplicaTarget } from "./messages.js";

/** One vote as it goes to another DataNode. `id` 0: no reply is wanted. */
export interface VoteEnvelope {
  readonly id: number;
  readonly target: ReplicaTarget;
  readonly request: ReplicaRequest;
  /** The client's request id, for the logs; may be empty. */
  readonly requestId: Uint8Array;
}

export declare function requestToWire(envelope: VoteEnvelope): RequestMessage;
/** @throws QuorumError `invalid_argument`, if the message breaks any limit */
export declare function requestFromWire(message: RequestMessage): VoteEnvelope;
export declare function replyToWire(id: number, reply: ReplicaReply): ResponseMessage;
/** A reply that makes no sense becomes `refused`, `internal`. */
export declare function replyFromWire(message: ResponseMessage): ReplicaReply;
export declare function valueToWire(value: Value): ValueMessage;
export declare function valueFromWire(message: ValueMessage): Value;
export declare function rangePageFromWire(message: RangeReadResponse): RangePage;
