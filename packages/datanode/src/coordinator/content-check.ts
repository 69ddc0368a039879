import type { ReplicaState } from "@quorumfs/core";
import { contentIsWhole } from "../replica/content-match.js";

/** False if the reply brings content that is not what its value says: damaged on the way or behind the record's own checksum. */
export function contentMatches(reply: ReplicaState): boolean {
  return reply.value === undefined || contentIsWhole(reply.value);
}
