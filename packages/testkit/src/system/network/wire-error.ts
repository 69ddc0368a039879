import { QuorumError } from "@quorumfs/core";
import { ErrorDetail } from "@quorumfs/proto";
import { errorFromDetail, errorToDetail } from "@quorumfs/rpc";

/** What a caller learns of what a handler threw: the error as it travels, of our own failures only that there was one. */
export function overTheWire(thrown: unknown): QuorumError {
  const error =
    thrown instanceof QuorumError
      ? thrown
      : new QuorumError({ code: "internal", message: "the server failed; its log says why", cause: thrown });
  return errorFromDetail(ErrorDetail.decode(ErrorDetail.encode(errorToDetail(error)).finish()));
}
