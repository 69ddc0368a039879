import type { FileInfo, VoteInfo } from "@quorumfs/client";
import type { FileView, VoteView } from "../api.js";

export function fileView({ path, version, size, etag, modifiedAt }: FileInfo): FileView {
  return { path, version, size, etag, modifiedAtMs: modifiedAt.getTime() };
}

export function voteView({ acknowledged, replicas, durability }: VoteInfo): VoteView {
  return { acknowledged, replicas, durability };
}
