import { Metadata, status as Status } from "@grpc/grpc-js";
import { type ErrorCode, type Log, QuorumError } from "@quorumfs/core";
import { ErrorDetail } from "@quorumfs/proto";
import { errorFromDetail, errorToDetail } from "../wire/error-detail.js";
import { inWords } from "./system-errors.js";

/** The trailing metadata in which an `ErrorDetail` travels with an ordinary call. */
export const errorDetailKey = "quorumfs-error-bin";

// What a client sees that does not know our ErrorDetail.
const statusOf: Readonly<Record<ErrorCode, Status>> = {
  invalid_argument: Status.INVALID_ARGUMENT,
  not_found: Status.NOT_FOUND,
  precondition_failed: Status.FAILED_PRECONDITION,
  unavailable: Status.UNAVAILABLE,
  resource_exhausted: Status.RESOURCE_EXHAUSTED,
  quorum_unavailable: Status.UNAVAILABLE,
  corrupt: Status.DATA_LOSS,
  permission_denied: Status.PERMISSION_DENIED,
  unknown_outcome: Status.UNKNOWN,
  cancelled: Status.CANCELLED,
  internal: Status.INTERNAL,
};

// Trailers share the peer's limit for headers; a failure that names many nodes is cut rather than lost.
const detailBytesMax = 8 * 1024;
const messageCharsMax = 1024;

/** How a call ended that did not end well, as gRPC says it. */
export interface FailureStatus {
  readonly code: Status;
  readonly details: string;
  /** An encoded ErrorDetail, if the other side sent one. */
  readonly detail: Buffer | undefined;
}

/** A thrown thing as a gRPC status. What is not a QuorumError is our own fault: it is logged, and told without its inside. */
export function toStatus(thrown: unknown, where: { readonly log: Log; readonly method: string }): FailureStatus {
  const error = QuorumError.from(thrown);
  if (error.code === "internal") where.log.error("rpc.handler-failed", { method: where.method, error: thrown });
  const told =
    thrown instanceof QuorumError
      ? error
      : new QuorumError({ code: "internal", message: "the server failed; its log says why" });
  return {
    code: statusOf[told.code],
    details: told.message.slice(0, messageCharsMax),
    detail: encodeDetail(told),
  };
}

/** The same in the form that handlers of grpc-js give. */
export function toServerError(status: FailureStatus) {
  const metadata = new Metadata();
  if (status.detail !== undefined) metadata.set(errorDetailKey, status.detail);
  return { code: status.code, details: status.details, metadata };
}

function encodeDetail(error: QuorumError): Buffer {
  const detail = errorToDetail(error);
  const bytes = ErrorDetail.encode(detail).finish();
  if (bytes.length <= detailBytesMax) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const short = { ...detail, message: detail.message.slice(0, messageCharsMax), nodes: [] };
  return Buffer.from(ErrorDetail.encode(short).finish());
}

/** What the caller knows about a call that failed. */
export interface FailedCall {
  readonly address: string;
  readonly timeoutMs: number | undefined;
  /** We gave it up ourselves. */
  readonly cancelled: boolean;
  /** Its request was handed to a connection. */
  readonly sent: boolean;
}

/** A failed call as a QuorumError: the server's own if it sent one, else what the status of gRPC means to us. */
export function fromStatus(failure: FailureStatus, call: FailedCall, cause?: unknown): QuorumError {
  const told = decodeDetail(failure.detail);
  if (told !== undefined) return told;
  const { code, message } = meaningOf(failure, call);
  return new QuorumError({ code, message, details: { mayHaveRun: call.sent }, cause });
}

function decodeDetail(bytes: Buffer | undefined): QuorumError | undefined {
  if (bytes === undefined) return undefined;
  try {
    return errorFromDetail(ErrorDetail.decode(bytes));
  } catch {
    // Not an ErrorDetail, whatever it is: the status speaks for itself.
    return undefined;
  }
}

function meaningOf(failure: FailureStatus, call: FailedCall): { readonly code: ErrorCode; readonly message: string } {
  const from = `${call.address}: ${inWords(failure.details)}`;
  switch (failure.code) {
    case Status.CANCELLED:
      if (call.cancelled) return { code: "cancelled", message: `the call to ${call.address} was cancelled` };
      // A server that is shut down by force resets its streams with this code.
      return { code: "unavailable", message: `${call.address} gave the call up` };
    case Status.DEADLINE_EXCEEDED: {
      const after = call.timeoutMs === undefined ? "" : ` after ${call.timeoutMs} ms`;
      return { code: "unavailable", message: `the call to ${call.address} timed out${after}` };
    }
    case Status.UNAVAILABLE:
    case Status.ABORTED:
    // Our servers send a detail with their own failures, so this one is a broken stream's.
    case Status.INTERNAL:
      return { code: "unavailable", message: from };
    case Status.RESOURCE_EXHAUSTED:
      return { code: "resource_exhausted", message: from };
    case Status.INVALID_ARGUMENT:
    case Status.OUT_OF_RANGE:
      return { code: "invalid_argument", message: from };
    case Status.NOT_FOUND:
      return { code: "not_found", message: from };
    case Status.ALREADY_EXISTS:
    case Status.FAILED_PRECONDITION:
      return { code: "precondition_failed", message: from };
    case Status.PERMISSION_DENIED:
    case Status.UNAUTHENTICATED:
      return { code: "permission_denied", message: from };
    case Status.DATA_LOSS:
      return { code: "corrupt", message: from };
    case Status.UNIMPLEMENTED:
      return { code: "internal", message: `${from}; is it a QuorumFS server, and of this version?` };
    case Status.OK:
    case Status.UNKNOWN:
      return { code: "internal", message: from };
  }
}
