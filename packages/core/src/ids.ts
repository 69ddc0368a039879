declare const brand: unique symbol;
type Branded<T, Name> = T & { readonly [brand]: Name };

/** A DataNode: 1 to 2^32 - 1, given by the SuperNode at the first Join, never given twice. */
export type NodeId = Branded<number, "NodeId">;
/** A bucket: 1 to 2^32 - 1, never given twice, so that a bucket made anew under an old name starts empty. */
export type BucketId = Branded<number, "BucketId">;
/** A partition: 0 to the layout's number of partitions - 1. */
export type PartitionId = Branded<number, "PartitionId">;

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 0xffff_ffff;
}

/** Takes a number that is known to be a node id (decoders, configuration). */
export function nodeId(value: number): NodeId {
  if (!isUint32(value)) throw new RangeError(`a node id is a whole number from 1 to 4294967295, got ${value}`);
  return value as NodeId;
}

export function bucketId(value: number): BucketId {
  if (!isUint32(value)) throw new RangeError(`a bucket id is a whole number from 1 to 4294967295, got ${value}`);
  return value as BucketId;
}

export function partitionId(value: number): PartitionId {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`a partition is a whole number, got ${value}`);
  return value as PartitionId;
}
