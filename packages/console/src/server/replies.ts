import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** Below it a packet holds the answer anyway. */
const compressedFromBytes = 2048;

/**
 * What the page may do: run and show what came from here, and nothing else; and nobody frames it.
 * @see https://www.w3.org/TR/CSP3/
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** On every answer. */
export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader("Content-Security-Policy", pagePolicy);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("X-Frame-Options", "DENY");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
}

/** Answers with JSON, compressed where that pays and the asker takes it. */
export async function sendCompressed(
  request: IncomingMessage,
  response: ServerResponse,
  value: unknown,
): Promise<void> {
  const text = JSON.stringify(value);
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.setHeader("Vary", "Accept-Encoding");
  if (text.length < compressedFromBytes || !accepts(request, "gzip")) {
    response.end(request.method === "HEAD" ? undefined : text);
    return;
  }
  const body = await compress(text);
  response.setHeader("Content-Encoding", "gzip");
  response.setHeader("Content-Length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Whether an encoding is named in Accept-Encoding, and not with a weight of nought. */
export function accepts({ headers }: IncomingMessage, encoding: "gzip" | "br"): boolean {
  const named = String(headers["accept-encoding"] ?? "").split(",");
  return named.some((part) => {
    const [name = "", weight = ""] = part.trim().split(/\s*;\s*/, 2);
    return name.toLowerCase() === encoding && !/^q=0(\.0*)?$/.test(weight);
  });
}
