import type { IncomingHttpHeaders } from "node:http2";
import { Metadata } from "@grpc/grpc-js";

/** The metadata that says who calls. */
export function identityToMetadata(identity: ReadonlyMap<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of identity) metadata.set(key, value);
  return metadata;
}

/** What a caller said about itself: all its text metadata, the first value of each key. */
export function identityFromMetadata(metadata: Metadata): ReadonlyMap<string, string> {
  const identity = new Map<string, string>();
  for (const [key, value] of Object.entries(metadata.getMap())) {
    if (typeof value === "string") identity.set(key, value);
  }
  return identity;
}

/** The same from the headers of a call. */
export function identityFromHeaders(headers: IncomingHttpHeaders): ReadonlyMap<string, string> {
  const identity = new Map<string, string>();
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value === "string" && !key.startsWith(":")) identity.set(key, value);
  }
  return identity;
}
