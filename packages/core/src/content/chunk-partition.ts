import type { PartitionId } from "../ids.js";
import { mix32 } from "../layout/hash.js";
import { partitionCount } from "../layout/partition.js";

/**
 * The partition of a chunk, by its upload and index: neighbours lie in different partitions, so that a large file uses all
 * nodes. Part of the storage format: it never changes for a given number of partitions.
 *
 * @param upload 16 bytes
 */
export function partitionOfChunk(upload: Uint8Array, index: number, partitions: number = partitionCount): PartitionId {
  let hash = mix32(index + 1);
  for (let at = 0; at < upload.length; at += 4) {
    const word =
      (upload[at] ?? 0) | ((upload[at + 1] ?? 0) << 8) | ((upload[at + 2] ?? 0) << 16) | ((upload[at + 3] ?? 0) << 24);
    hash = mix32(hash ^ word);
  }
  return (hash % partitions) as PartitionId;
}
