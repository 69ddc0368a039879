import type { NodeId, Value } from "@quorumfs/core";
import { Durability, type FileInfo, type Vote } from "@quorumfs/proto";
import type { BucketView, FilePlace } from "../cluster/cluster-view.js";

/** A value as users see it. */
export function fileInfo(path: string, value: Value): FileInfo {
  return {
    path,
    version: value.version.counter,
    size: value.size,
    etag: value.etag,
    modifiedAtMs: value.modifiedAtMs,
    attributes: mutableCopy(value.attributes),
  };
}

const none = new Map<string, string>();

function mutableCopy(attributes: ReadonlyMap<string, string>): Map<string, string> {
  return attributes.size === 0 ? none : new Map(attributes);
}

export function voteOf(bucket: BucketView, place: FilePlace, nodes: readonly NodeId[]): Vote {
  return {
    nodes: [...nodes],
    replicas: [...place.voters.members],
    durability: bucket.durability === "memory" ? Durability.DURABILITY_MEMORY : Durability.DURABILITY_FSYNC,
  };
}
