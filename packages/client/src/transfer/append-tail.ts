import { chunkBytesMax, type Extent } from "@quorumfs/core";

/** What is left of a file in front of an append, and how many of its last bytes are stored anew together with it. */
export interface Tail {
  readonly kept: readonly Extent[];
  readonly bytes: number;
}

// Two chunks at most come of it.
const rewrittenBytesMax = 2 * chunkBytesMax;

/**
 * Short chunks at the end of a file are merged with what is added, as long as they are no larger than that. Sizes so grow
 * towards the beginning of the file at least twofold, as in a binary counter: few short chunks are left however small the
 * appends are, and a byte is stored anew only as often as its chunk doubles.
 */
export function mergeableTail(extents: readonly Extent[], addedBytes: number): Tail {
  const kept = [...extents];
  let bytes = 0;
  for (let last = kept.at(-1); last; last = kept.at(-1)) {
    const { lastBytes } = last;
    const isShort = lastBytes < chunkBytesMax && lastBytes <= addedBytes + bytes;
    if (!isShort || addedBytes + bytes + lastBytes > rewrittenBytesMax) break;
    kept.pop();
    const shorter = withoutLastChunk(last);
    if (shorter) kept.push(shorter);
    bytes += lastBytes;
  }
  return { kept, bytes };
}

function withoutLastChunk(extent: Extent): Extent | undefined {
  const checksums = extent.checksums.slice(0, -1);
  return checksums.length === 0 ? undefined : { ...extent, lastBytes: extent.chunkBytes, checksums };
}
