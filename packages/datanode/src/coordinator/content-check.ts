import { hash } from "node:crypto";
import { type ReplicaState, sameBytes } from "@quorumfs/core";

/** SHA-256, 32 bytes. */
export function etagOf(content: Uint8Array): Uint8Array {
  return hash("sha256", content, "buffer");
}

/** False if the reply brings content that is not what its etag says: damaged on the way or behind the record's own checksum. */
export function contentMatches(reply: ReplicaState): boolean {
  const { value } = reply;
  if (value?.content.kind !== "inline") return true;
  return sameBytes(etagOf(value.content.bytes), value.etag);
}
