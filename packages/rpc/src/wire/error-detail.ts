import { type ErrorCode, type ErrorDetails, QuorumError, type StoreFault } from "@quorumfs/core";
import { type ErrorDetail, ErrorCode as WireCode, StoreFault as WireFault } from "@quorumfs/proto";

const toWire: Readonly<Record<ErrorCode, WireCode>> = {
  invalid_argument: WireCode.ERROR_CODE_INVALID_ARGUMENT,
  not_found: WireCode.ERROR_CODE_NOT_FOUND,
  precondition_failed: WireCode.ERROR_CODE_PRECONDITION_FAILED,
  unavailable: WireCode.ERROR_CODE_UNAVAILABLE,
  resource_exhausted: WireCode.ERROR_CODE_RESOURCE_EXHAUSTED,
  quorum_unavailable: WireCode.ERROR_CODE_QUORUM_UNAVAILABLE,
  corrupt: WireCode.ERROR_CODE_CORRUPT,
  permission_denied: WireCode.ERROR_CODE_PERMISSION_DENIED,
  unknown_outcome: WireCode.ERROR_CODE_UNKNOWN_OUTCOME,
  cancelled: WireCode.ERROR_CODE_CANCELLED,
  internal: WireCode.ERROR_CODE_INTERNAL,
};

const fromWire = new Map<WireCode, ErrorCode>();
for (const code of Object.keys(toWire).filter(isErrorCode)) fromWire.set(toWire[code], code);

const faultToWire: Readonly<Record<StoreFault, WireFault>> = {
  rolled_back: WireFault.STORE_FAULT_ROLLED_BACK,
  retired: WireFault.STORE_FAULT_RETIRED,
  number_taken: WireFault.STORE_FAULT_NUMBER_TAKEN,
  foreign: WireFault.STORE_FAULT_FOREIGN,
  in_use: WireFault.STORE_FAULT_IN_USE,
};

function faultFromWire(fault: WireFault): StoreFault | undefined {
  switch (fault) {
    case WireFault.STORE_FAULT_ROLLED_BACK:
      return "rolled_back";
    case WireFault.STORE_FAULT_RETIRED:
      return "retired";
    case WireFault.STORE_FAULT_NUMBER_TAKEN:
      return "number_taken";
    case WireFault.STORE_FAULT_FOREIGN:
      return "foreign";
    case WireFault.STORE_FAULT_IN_USE:
      return "in_use";
    case WireFault.STORE_FAULT_UNSPECIFIED:
    case WireFault.UNRECOGNIZED:
      return undefined;
  }
}

function isErrorCode(text: string): text is ErrorCode {
  return text in toWire;
}

/** An error as a message. Its cause and `mayHaveRun` stay behind: they are the sender's own. */
export function errorToDetail(error: QuorumError): ErrorDetail {
  const { needed, got, nodes, retryAfterMs, currentVersion, requestId, storeFault } = error.details;
  return {
    code: toWire[error.code],
    message: error.message,
    needed: needed ?? 0,
    got: got ?? 0,
    nodes: nodes?.map(({ node, reason }) => ({ node, reason })) ?? [],
    retryAfterMs: Math.ceil(retryAfterMs ?? 0),
    currentVersion,
    requestId: requestId ?? "",
    storeFault: storeFault === undefined ? WireFault.STORE_FAULT_UNSPECIFIED : faultToWire[storeFault],
  };
}

/** The error that a message tells of. A code of a later version of the protocol becomes `internal`. */
export function errorFromDetail(detail: ErrorDetail): QuorumError {
  const code = fromWire.get(detail.code) ?? "internal";
  const storeFault = faultFromWire(detail.storeFault);
  const quorum = detail.needed > 0 ? { needed: detail.needed, got: detail.got } : {};
  const details: ErrorDetails = {
    ...quorum,
    ...(detail.nodes.length > 0 ? { nodes: detail.nodes } : {}),
    ...(detail.retryAfterMs > 0 ? { retryAfterMs: detail.retryAfterMs } : {}),
    ...(detail.currentVersion === undefined ? {} : { currentVersion: detail.currentVersion }),
    ...(detail.requestId === "" ? {} : { requestId: detail.requestId }),
    ...(storeFault === undefined ? {} : { storeFault }),
  };
  return new QuorumError({ code, message: detail.message, details });
}
