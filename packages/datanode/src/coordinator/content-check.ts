import type { ReplicaState } from "@quorumfs/core";
import { hasEtag } from "../content-etag.js";

/** False if the reply brings content that is not what its etag says: damaged on the way or behind the record's own checksum. */
export function contentMatches(reply: ReplicaState): boolean {
  const { value } = reply;
  return value?.content.kind !== "inline" || hasEtag(value.content.bytes, value.etag);
}
