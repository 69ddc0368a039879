import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { status as Status } from "@grpc/grpc-js";
import { errorDetailKey, type FailureStatus } from "./status.js";

/** The trailers that end a call in order. */
export const okTrailers: OutgoingHttpHeaders = { "grpc-status": "0" };

/** The trailers that say how a call failed (gRPC over HTTP2, "Responses"). */
export function trailersOf(status: FailureStatus): OutgoingHttpHeaders {
  return {
    "grpc-status": String(status.code),
    // By way of UTF-8, since half a surrogate pair cannot be encoded.
    "grpc-message": encodeURI(Buffer.from(status.details).toString()),
    ...(status.detail === undefined ? {} : { [errorDetailKey]: status.detail.toString("base64") }),
  };
}

/** Reads how a call ended; undefined when it ended in order. */
export function failureOf(trailers: IncomingHttpHeaders): FailureStatus | undefined {
  const code = Number(single(trailers["grpc-status"]) ?? Number.NaN);
  if (code === 0) return undefined;
  const detail = single(trailers[errorDetailKey]);
  return {
    code: isStatus(code) ? code : Status.UNKNOWN,
    details: decode(single(trailers["grpc-message"]) ?? "no message"),
    detail: detail === undefined ? undefined : Buffer.from(detail, "base64"),
  };
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" || value === undefined ? value : value[0];
}

function isStatus(code: number): code is Status {
  return Status[code] !== undefined;
}

function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    // Not encoded as it should be: better as it is than not at all.
    return text;
  }
}
