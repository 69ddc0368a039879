import type { ServerResponse } from "node:http";
import type { ErrorCode, QuorumError } from "@quorumfs/core";

/** The HTTP status that says what an error's code says. */
export function httpStatusOf(code: ErrorCode): number {
  switch (code) {
    case "invalid_argument":
      return 400;
    case "permission_denied":
      return 403;
    case "not_found":
      return 404;
    case "precondition_failed":
      return 412;
    case "resource_exhausted":
      return 429;
    case "cancelled":
      return 499;
    case "internal":
    case "corrupt":
      return 500;
    case "unavailable":
    case "quorum_unavailable":
      return 503;
    // Whether it happened is not known, as when a gateway's server does not answer.
    case "unknown_outcome":
      return 504;
  }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(value));
}

/**
 * Answers with `{ code, message, details }`; ends the connection instead if an answer has begun.
 *
 * @param status if the code does not say it all
 */
export function sendError(response: ServerResponse, error: QuorumError, status = httpStatusOf(error.code)): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, message, details } = error;
  if (details.retryAfterMs !== undefined) response.setHeader("Retry-After", Math.ceil(details.retryAfterMs / 1000));
  sendJson(response, { code, message, details }, status);
}
