/**
 * How a file above the inline limit is put together: of chunks, each written once by one upload. Extents keep the list
 * short: an upload of 2 GiB is one extent with 512 checksums. Appending adds extents; nothing is ever changed in place.
 */
import { QuorumError } from "../errors.js";
import { inlineBytesMax } from "../register/value.js";

/** What an upload cuts a file into; the last chunk may be shorter. */
export const chunkBytesMax = 4 * 1024 * 1024;
/** Checksums of a stored chunk are kept per block, so that a range read verifies only what it touches. */
export const blockBytes = 64 * 1024;
/** The largest manifest that a record keeps; beyond it the extents go into pages, which are chunks themselves. */
export const manifestBytesMax = 1024 * 1024;
/** The largest file: 5 TiB. */
export const fileBytesMax = 5 * 1024 ** 4;
/** Pages have indices from here on, so that they share the upload of their file's chunks. */
export const firstPageIndex = 0x8000_0000;

const uploadIdBytes = 16;

/** Consecutive chunks of one upload: all of `chunkBytes`, but the last one of `lastBytes`. */
export interface Extent {
  /** 16 bytes. */
  readonly upload: Uint8Array;
  /** Index of the first chunk within its upload. */
  readonly first: number;
  readonly chunkBytes: number;
  readonly lastBytes: number;
  /** CRC-32C of each chunk, at least one. */
  readonly checksums: readonly number[];
}

export interface Manifest {
  /** In the order of the file's bytes; empty if they are in `pages`. */
  readonly extents: readonly Extent[];
  /** Chunks whose bytes, one after the other, are an encoded manifest with the extents. */
  readonly pages?: Extent;
  /** The SHA-256 under way after the last byte, as the appender's library saves it; empty: not known. */
  readonly hashState: Uint8Array;
}

/** One chunk of a file. */
export interface ChunkPiece {
  readonly upload: Uint8Array;
  readonly index: number;
  readonly bytes: number;
  /** CRC-32C. */
  readonly checksum: number;
  /** Where in the file it begins. */
  readonly fileOffset: number;
}

/** Chunks of one upload with consecutive indices. */
export interface ChunkRange {
  readonly upload: Uint8Array;
  readonly first: number;
  readonly count: number;
}

export function extentBytes(extent: Extent): number {
  return (extent.checksums.length - 1) * extent.chunkBytes + extent.lastBytes;
}

export function extentsBytes(extents: readonly Extent[]): number {
  return extents.reduce((sum, extent) => sum + extentBytes(extent), 0);
}

/** The chunks that a range of the file touches, in order. */
export function* chunksOf(
  extents: readonly Extent[],
  range: { readonly offset: number; readonly length: number },
): Generator<ChunkPiece, void, undefined> {
  const end = range.offset + range.length;
  let start = 0;
  for (const extent of extents) {
    const { upload, first, chunkBytes, lastBytes, checksums } = extent;
    const bytes = extentBytes(extent);
    if (start >= end) return;
    // Skips what lies before the range without walking through it.
    const skipped = Math.min(checksums.length, Math.max(0, Math.floor((range.offset - start) / chunkBytes)));
    for (let at = skipped; at < checksums.length; at += 1) {
      const fileOffset = start + at * chunkBytes;
      if (fileOffset >= end) return;
      const pieceBytes = at === checksums.length - 1 ? lastBytes : chunkBytes;
      if (fileOffset + pieceBytes <= range.offset) continue;
      yield { upload, index: first + at, bytes: pieceBytes, checksum: checksums[at] ?? 0, fileOffset };
    }
    start += bytes;
  }
}

/** What has to be kept for the file to be read, pages included. */
export function chunkRangesOf(manifest: Manifest, extents: readonly Extent[] = manifest.extents): ChunkRange[] {
  const ranges: ChunkRange[] = [];
  for (const { upload, first, checksums } of manifest.pages ? [...extents, manifest.pages] : extents) {
    ranges.push({ upload, first, count: checksums.length });
  }
  return ranges;
}

/**
 * The one check that every manifest passes wherever it comes in.
 *
 * @param size what the file is said to have
 * @throws QuorumError `invalid_argument`
 */
export function checkManifest(manifest: Manifest, size: number): void {
  const { extents, pages } = manifest;
  if (extents.length > 0 === (pages !== undefined)) throw invalid("it has neither extents nor pages, or both");
  for (const extent of pages ? [pages] : extents) checkExtent(extent);
  if (!Number.isSafeInteger(size) || size <= inlineBytesMax || size > fileBytesMax) {
    throw invalid(`a file of chunks has more than ${inlineBytesMax} and at most ${fileBytesMax} bytes, not ${size}`);
  }
  if (!pages && extentsBytes(extents) !== size) {
    throw invalid(`its chunks have ${extentsBytes(extents)} bytes, and the file ${size}`);
  }
}

function checkExtent({ upload, first, chunkBytes, lastBytes, checksums }: Extent): void {
  if (upload.byteLength !== uploadIdBytes) throw invalid(`an upload id has ${uploadIdBytes} bytes`);
  if (checksums.length === 0) throw invalid("an extent has no chunks");
  if (first + checksums.length > 2 ** 32) throw invalid("a chunk's index is too high");
  if (chunkBytes < 1 || chunkBytes > chunkBytesMax) throw invalid(`a chunk has 1 to ${chunkBytesMax} bytes`);
  if (lastBytes < 1 || lastBytes > chunkBytes) throw invalid("an extent's last chunk is larger than the others");
}

function invalid(reason: string): QuorumError {
  return new QuorumError({ code: "invalid_argument", message: `the manifest is not one: ${reason}` });
}
