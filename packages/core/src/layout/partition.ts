import { eachUtf8Byte } from "../file/utf8.js";
import type { BucketId, PartitionId } from "../ids.js";
import { mix32 } from "./hash.js";

/** Enough that fifty nodes share them evenly, few enough that the table fits into one message. */
export const partitionCount = 1024;

const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/**
 * The partition of a file: FNV-1a over the bucket's id and the UTF-8 of the path, mixed. Part of the storage format:
 * it never changes for a given number of partitions.
 */
export function partitionOf(bucket: BucketId, path: string, partitions: number = partitionCount): PartitionId {
  let hash = mix32(bucket) ^ fnvOffset;
  let index = 0;
  for (; index < path.length; index += 1) {
    const unit = path.charCodeAt(index);
    // ASCII is its own UTF-8; the rest goes the long way.
    if (unit >= 0x80) break;
    hash = Math.imul(hash ^ unit, fnvPrime);
  }
  if (index < path.length) {
    eachUtf8Byte(path.slice(index), (byte) => {
      hash = Math.imul(hash ^ byte, fnvPrime);
    });
  }
  return (mix32(hash) % partitions) as PartitionId;
}

/** The same for a path that is in UTF-8 already: `bytes` from `start` to the end. */
export function partitionOfUtf8(
  bucket: BucketId,
  bytes: Uint8Array,
  options: { readonly start: number; readonly partitions: number },
): PartitionId {
  let hash = mix32(bucket) ^ fnvOffset;
  for (let index = options.start; index < bytes.length; index += 1) {
    hash = Math.imul(hash ^ (bytes[index] ?? 0), fnvPrime);
  }
  return (mix32(hash) % options.partitions) as PartitionId;
}
